"""The pages a person opens: the front page, the API page, and signing in and out."""

from typing import Any

from datasette import Response

from sluice.serve.access import OPERATIONS, PUBLIC, actor_of, may_see, tenant_database
from sluice.serve.charts import line_chart
from sluice.serve.database import UnavailableError
from sluice.serve.errors import ApiError
from sluice.serve.facts import Facts
from sluice.serve.gate import COOKIE, COOKIE_SPACE
from sluice.serve.openapi import specification
from sluice.tokens import token_digest

SIGNED_IN_SECONDS = 12 * 3600
EVENT_TABLES = frozenset(
    ["service_events", "customers", "product_events", "orders", "transactions", "events", "quarantine"]
)


def _tables(datasette: Any, name: str, facts: Facts | None) -> list[dict[str, Any]]:
    docs = datasette.sluice.catalog.docs().get(name, {})
    if facts is None:
        return []
    return [
        {
            "name": table.name,
            "href": datasette.urls.table(name, table.name),
            "description": docs[table.name].description if table.name in docs else "",
            "rows": table.rows,
            "is_exact": table.is_exact,
            "columns": len(table.columns),
            "is_events": table.name in EVENT_TABLES,
        }
        for table in facts.tables.values()
        if not table.name.startswith(("_", "sqlite_"))
    ]


def _rejected(datasette: Any, facts: Facts) -> list[dict[str, Any]]:
    rejected = facts.overview.rejected
    most = max((row["record_count"] for row in rejected), default=0) or 1
    reasons = datasette.sluice.catalog.reasons
    return [
        {**row, "meaning": reasons.get(row["reject_reason"], ""), "share": row["record_count"] / most}
        for row in rejected
    ]


def _databases(datasette: Any, actor: Any) -> list[dict[str, str]]:
    """The other databases this visitor may open."""
    site, found = datasette.sluice, []
    if may_see(actor, OPERATIONS) and OPERATIONS in site.databases:
        found.append({"name": OPERATIONS, "note": "rejected records as they came, the loading ledger, runs"})
    if actor and actor["tenant_id"]:
        name = tenant_database(actor["tenant_id"])
        if name in site.databases:
            found.append({"name": name, "note": "your events, metrics and usage"})
    return [{**database, "href": datasette.urls.database(database["name"])} for database in found]


async def index(datasette: Any, request: Any) -> Response:
    """GET /: what is here, how fresh it is, what was rejected and why."""
    facts, problem = None, ""
    try:
        facts = await datasette.sluice.facts()
    except UnavailableError as error:
        problem = str(error)
    context: dict[str, Any] = {
        "facts": facts,
        "problem": problem,
        "tables": _tables(datasette, PUBLIC, facts),
        "databases": _databases(datasette, request.actor),
        "origin": f"{request.scheme}://{request.host}",
    }
    if facts:
        overview = facts.overview
        context["rejected"] = _rejected(datasette, facts)
        context["feeds"] = [
            {
                "name": feed,
                "latest": facts.latest_event_at.get(feed),
                "read": overview.read.get(feed),
                "quarantined": overview.quarantined.get(feed, 0),
            }
            for feed in sorted({*facts.latest_event_at, *overview.read})
        ]
        requests = [(point.bucket, float(point.requests)) for point in overview.points]
        errors = [(point.bucket, point.error_rate) for point in overview.points]
        context["charts"] = [
            {
                "title": f"Requests per {overview.bucket_size}",
                "svg": line_chart(requests, overview.bucket_size, f"Requests per {overview.bucket_size}"),
            },
            {
                "title": f"Error rate per {overview.bucket_size}",
                "svg": line_chart(errors, overview.bucket_size, "Error rate", is_share=True),
            },
        ]
    body = await datasette.render_template(["index.html"], context, request=request, view_name="index")
    return Response.html(body, headers={"Cache-Control": "no-cache"})


async def api(datasette: Any, request: Any) -> Response:
    """GET /api: the OpenAPI document as a page."""
    context = {"document": specification(), "origin": f"{request.scheme}://{request.host}"}
    return Response.html(await datasette.render_template(["api.html"], context, request=request))


async def sign_in(datasette: Any, request: Any) -> Response:
    """GET and POST /sign-in: a token, once, for a cookie that stands for it."""
    site, problem = datasette.sluice, ""
    if request.method == "POST":
        token = (await request.post_vars()).get("token", "").strip()
        identity = site.tokens.identify(token) if token else None
        if identity:
            response = Response.redirect("/")
            response.set_cookie(
                COOKIE,
                datasette.sign(token_digest(token).hex(), COOKIE_SPACE),
                max_age=SIGNED_IN_SECONDS,
                httponly=True,
                samesite="lax",
                secure=request.scheme == "https",
            )
            datasette.add_message(request, f"Signed in as {actor_of(identity)['id']}.")
            return response
        problem = "This token is not known or has expired."
    context = {"problem": problem, "is_configured": site.tokens.configured}
    body = await datasette.render_template(["sign_in.html"], context, request=request)
    return Response.html(body, status=401 if problem else 200, headers={"Cache-Control": "no-store"})


async def sign_out(datasette: Any, request: Any) -> Response:
    """POST /sign-out: forget the cookie."""
    if request.method != "POST":
        raise ApiError(405, "sign out with POST")
    response = Response.redirect("/")
    response.set_cookie(COOKIE, "", expires=0, max_age=0, httponly=True, samesite="lax")
    return response
