"""Anything that can be written in a request: no answer is a 5xx, a traceback or another tenant's, and none takes long."""

import time
from urllib.parse import quote

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import TOKENS, Served
from .published import SECRETS, operations_tables, public_tables, tenant_tables
from .test_leaks import SQL

PAGES = [
    "health",
    "ready",
    "metrics",
    "events",
    "openapi.json",
    "api",
    "lineage",
    "prometheus",
    "sign-in",
    "assets",
]
NAMES = sorted({*public_tables(), *operations_tables(), *tenant_tables("acme")})
SEGMENTS = st.sampled_from(
    [
        "sluice",
        "operations",
        "acme",
        "initech",
        "_memory",
        "_internal",
        "-",
        "..",
        "tenants",
        "static",
        *PAGES,
        *NAMES,
    ]
) | st.text(max_size=12)
ENDINGS = st.sampled_from(["", "", ".json", ".csv", ".jsono", ".db", ".blob", "/", "~", "%00", ".yml"])
PARAMETERS = st.sampled_from(
    ["sql", "_where", "_facet", "_facet_array", "_facet_date", "_facet_size", "_sort", "_sort_desc", "_size", "_next", "_col"]
    + ["_nocol", "_shape", "_json", "_nl", "_search", "_through", "_labels", "_label", "_trace", "_timelimit", "_safe", "_dl"]
    + ["_stream", "_header", "_hide_sql", "_extra", "_ttl", "_filter_column", "_filter_op", "_filter_value", "_nocount"]
    + ["tenant_id", "service", "source", "event_type", "from", "to", "bucket_size", "limit", "next", "page", "page_size"]
    + ["event_id__contains", "event_at__date", "latency_ms__gt", "rowid__in", "service__not", "payload__arraycontains"]
)  # fmt: skip
VALUES = (
    st.sampled_from(["", "1", "-1", "max", "x", "9" * 30, "1e400", "initech", "acme", "2026-01-15", "NaN", "'", '"', "%", "\x00"])
    | st.sampled_from([*NAMES, *SQL, "select :x, :_actor_id", "select 1;", "selec", "/*", "with x as (select 1) select * from x"])
    | st.sampled_from(['{"table":"orders","column":"x","value":"y"}', "[" * 2000, "=1+1", "array", "object", "arrayfirst"])
    | st.text(max_size=30)
    | st.integers().map(str)
)  # fmt: skip
HEADERS = st.dictionaries(
    st.sampled_from(["Accept", "Cookie", "Host", "Origin", "Range", "X-Forwarded-Host", "X-Original-URL", "If-None-Match"])
    | st.sampled_from(["Content-Type", "Accept-Encoding", "Forwarded", "X-HTTP-Method-Override", "Upgrade", "Connection"]),
    st.sampled_from(["text/html", "*/*", "", "sluice_session=x", "ds_actor=x; ds_messages=x", "a=b; =; ;;", "x" * 3000, "close"])
    | st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40),
    max_size=3,
)  # fmt: skip
AUTHORIZATIONS = st.sampled_from([None, None, *(f"Bearer {token}" for token in TOKENS.values())]) | st.text(
    st.characters(min_codepoint=32, max_codepoint=126), max_size=40
)
METHODS = st.sampled_from(["GET"] * 8 + ["HEAD", "OPTIONS", "POST", "PUT", "PATCH", "TRACE", "DELETE"])
BY_TOKEN = {f"Bearer {TOKENS[name]}": name for name in TOKENS}


@st.composite
def targets(draw: st.DrawFn) -> str:
    """An address: a path of known and unknown names, and parameters."""
    quoting = draw(
        st.sampled_from([lambda text: quote(text, safe=""), lambda text: quote(text, safe="/.%~")])
    )
    path = "/" + "/".join(quoting(part) for part in draw(st.lists(SEGMENTS, max_size=4))) + draw(ENDINGS)
    pairs = draw(st.lists(st.tuples(PARAMETERS | st.text(max_size=8), VALUES), max_size=4))
    return (
        path + "?" * bool(pairs) + "&".join(f"{quote(name)}={quote(value, safe='')}" for name, value in pairs)
    )


def hidden_words(who: str | None, target: str) -> list[str]:
    """What of globex this identity may not see; names that an operator reads, or that were asked for, aside."""
    if who in ("globex", "admin"):
        return []
    words = list(SECRETS["globex"])
    return words[1:] if who == "operator" or "globex" in target.lower() else words


def test_whatever_is_asked(server: Served) -> None:
    with httpx.Client(base_url=server.base, timeout=30) as client:

        @settings(max_examples=250, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(METHODS, targets(), HEADERS, AUTHORIZATIONS)
        def asked(method: str, target: str, headers: dict[str, str], authorization: str | None) -> None:
            request = client.build_request(method, "/", headers={"Accept": "*/*"})
            for name, value in headers.items():
                request.headers[name] = value.strip()
            if authorization is not None:
                request.headers["Authorization"] = authorization.strip()
            request.url = request.url.copy_with(raw_path=target.encode())
            began = time.monotonic()
            response = client.send(request)
            told = (method, target, headers, authorization, response.status_code, response.text[:300])
            assert time.monotonic() - began < 10, told
            assert response.status_code < 500 or (
                response.status_code == 503 and "try again" in response.text
            ), told
            shown = response.text + str(response.headers)
            assert "Traceback" not in shown and str(server.home) not in shown, told
            who = BY_TOKEN.get(authorization or "")
            for word in hidden_words(who, target):
                assert word not in shown, (word, told)
            if who == "expired":
                assert response.status_code in (400, 401), told

        asked()
    assert server.get("/health").status_code == 200
    assert "Traceback" not in server.output
