"""What schemathesis needs to be told of HTTP."""

import schemathesis


@schemathesis.hook
def filter_case(context, case):
    """Headers that nobody knows are ignored everywhere (RFC 9110, section 5.1): to refuse them would be wrong."""
    return "x-schemathesis-unknown-property" not in (case.headers or {})
