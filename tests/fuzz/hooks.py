"""What schemathesis needs to know of balance: its scalars, and what no answer may ever hold."""

import re

import schemathesis
from hypothesis import strategies as st
from schemathesis.graphql import nodes

# `sqlx` as a word only: one random id in sixty thousand holds those four letters
LEAKS = re.compile(
    r"panicked|backtrace|\.rs:\d|\bsqlx\b|sea_orm|SqlxError|SQLSTATE|sqlite3?_|near \\\"|syntax error at or near"
    r"|/root/|/home/|/usr/|\.cargo|\"INTERNAL\"",
    re.IGNORECASE,
)


def _scalar(name, strategy):
    schemathesis.graphql.scalar(name, strategy.map(nodes.String))


_scalar("Date", st.dates().map(str) | st.sampled_from(["2026-01-31", "0000-00-00", "9999-12-31", "tomorrow"]))
_scalar("DateTime", st.datetimes().map(lambda at: at.isoformat() + "Z") | st.text(max_size=20))
_scalar(
    "Decimal",
    st.decimals(allow_nan=False, allow_infinity=False, places=2).map(str)
    | st.sampled_from(["0", "-0", "1e400", "NaN", "12,50", "9" * 40, "0.00000000000001"]),
)
_scalar("UUID", st.uuids().map(str) | st.text(max_size=40))
schemathesis.graphql.scalar("JSON", st.just(nodes.String("{}")) | st.builds(nodes.Int, st.integers()))


@schemathesis.check
def nothing_breaks_and_nothing_leaks(ctx, response, case):
    """No answer is a failure of the server, nor tells how it is made."""
    body = response.text or ""
    if response.status_code >= 500:
        raise AssertionError(f"{response.status_code}: {body[:500]}")
    # the schema and the document of the REST edge may name what they describe
    if case.operation.path not in ("/schema.graphql", "/api/v1/openapi.json") and (found := LEAKS.search(body)):
        raise AssertionError(f"tells {found.group()!r}: {body[:500]}")
    if not response.headers.get("x-request-id"):
        raise AssertionError("no name of the request")


@schemathesis.hook
def filter_case(context, case):
    """Hypothesis repeats texts that no HTTP client would send as a header."""
    return all("\x00" not in str(value) for value in (case.headers or {}).values())
