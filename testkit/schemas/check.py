"""Checks JSON documents against JSON Schemas, without a network.

usage: check.py [SCHEMA DOCUMENT]...     exits with 1, and a line for each fault, when there are any
"""

import json
import pathlib
import sys

import jsonschema


def read(path):
    return json.loads(pathlib.Path(path).read_text(encoding="utf-8"))


def faults(schema_path, document_path):
    schema = read(schema_path)
    validator = jsonschema.validators.validator_for(schema)
    validator.check_schema(schema)
    for error in validator(schema, format_checker=validator.FORMAT_CHECKER).iter_errors(read(document_path)):
        yield f"{document_path}: {error.json_path}: {error.message[:400]}"


def main():
    paths = sys.argv[1:]
    found = [fault for pair in zip(paths[::2], paths[1::2], strict=True) for fault in faults(*pair)]
    print("\n".join(found))
    sys.exit(1 if found else 0)


main()
