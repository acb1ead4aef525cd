"""What schemathesis does not know of itself (scripts/api-test)."""

import json

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def ndjson(ctx, value):
    """Lines of JSON are described as a string, which is sent as it is. Another value is wrong, and sent as JSON."""
    return (value if isinstance(value, str) else json.dumps(value)).encode("utf-8", "surrogatepass")
