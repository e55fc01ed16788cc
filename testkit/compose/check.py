"""Checks a compose file without a Docker engine: against the schema of the compose specification, and for references.

usage: check.py COMPOSE_FILE     exits with 1, and a line for each fault, when there are any
"""

import json
import pathlib
import re
import sys

import jsonschema
import yaml


class Loader(yaml.SafeLoader):
    """YAML as the specification reads it: a key that stands twice is a fault, not the last one's victory."""


def mapping(loader, node):
    own = [key.value for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
    twice = {key for key in own if own.count(key) > 1}
    if twice:
        raise yaml.constructor.ConstructorError(None, None, f"stands twice: {', '.join(sorted(twice))}", node.start_mark)
    loader.flatten_mapping(node)
    return loader.construct_mapping(node, deep=True)


Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, mapping)


def schema_faults(compose):
    schema = json.loads((pathlib.Path(__file__).parent / "compose-spec.json").read_text())
    for error in jsonschema.Draft202012Validator(schema).iter_errors(compose):
        yield f"{error.json_path}: {error.message}"


def used(service, section):
    """The names that a service uses of a top-level section, from the short and the long form."""
    for use in service.get(section, []):
        if isinstance(use, dict):
            if section != "volumes" or use.get("type") == "volume":
                yield use["source"]
        elif section != "volumes":
            yield use
        elif ":" in use and not use.startswith((".", "/", "~", "$")):
            yield use.split(":")[0]


def reference_faults(compose):
    services = compose["services"]
    for name, service in services.items():
        for section in ("volumes", "configs", "secrets"):
            for reference in used(service, section):
                if reference not in (compose.get(section) or {}):
                    yield f"services.{name}: no {section} entry `{reference}`"
        depends_on = service.get("depends_on", {})
        for other in depends_on:
            if other not in services:
                yield f"services.{name}: depends on `{other}`, which does not exist"
            elif isinstance(depends_on, dict):
                yield from condition_faults(name, services[other], other, depends_on[other]["condition"])
    for section in ("volumes", "configs", "secrets"):
        uses = {reference for service in services.values() for reference in used(service, section)}
        yield from (f"{section}.{name}: used by no service" for name in compose.get(section) or {} if name not in uses)


def condition_faults(name, other, other_name, condition):
    if condition == "service_healthy" and "healthcheck" not in other:
        yield f"services.{name}: waits until `{other_name}` is healthy, which has no healthcheck"
    if condition == "service_completed_successfully" and other.get("restart", "no") != "no":
        yield f"services.{name}: waits until `{other_name}` has ended, which restarts"


def interpolation_faults(text):
    """A lone dollar is a variable of the shell that calls compose: this file takes none."""
    for number, line in enumerate(text.splitlines(), 1):
        if re.search(r"\$", line.replace("$$", "")):
            yield f"line {number}: `$` is not doubled"


def main():
    text = pathlib.Path(sys.argv[1]).read_text()
    try:
        compose = yaml.load(text, Loader)
    except yaml.YAMLError as error:
        faults = [str(error)]
    else:
        faults = list(schema_faults(compose)) or list(reference_faults(compose))
        faults += interpolation_faults(text)
    print("\n".join(faults))
    sys.exit(1 if faults else 0)


main()
