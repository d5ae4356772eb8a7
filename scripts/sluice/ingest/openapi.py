"""The OpenAPI document and a page that shows it without loading anything from elsewhere."""

import html
import json
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from sluice.ingest.answers import Accepted, BulkAccepted, Problem
from sluice.ingest.events import REQUIRED, Event
from sluice.ingest.settings import MAX_BODY_BYTES, MAX_BULK_EVENTS

_REFERENCE = "#/components/schemas/"
STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a}
h2{margin-top:2.5rem;border-bottom:1px solid #ccc}
code,pre{font-family:ui-monospace,monospace;font-size:.9rem}
pre{background:#f4f4f4;padding:1rem;overflow:auto}
table{border-collapse:collapse;width:100%}
td,th{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #ddd;vertical-align:top}
@media(prefers-color-scheme:dark){body{color:#eee;background:#161616}pre{background:#262626}}
"""


_MEANINGS = {
    "400": "The body is not JSON, or not whole gzip or deflate.",
    "401": "No token, or an unknown or expired one.",
    "403": "The token may not write these events.",
    "408": "The body took too long to arrive.",
    "413": f"The body is over {MAX_BODY_BYTES} bytes (also once inflated), or holds more than {MAX_BULK_EVENTS} events.",
    "415": "The body's Content-Encoding is neither gzip nor deflate.",
    "422": "JSON, but not what this takes.",
    "429": "The tenant sends more than its rate; see Retry-After.",
    "503": "Nothing was kept: the disk is nearly full, the writer lags or stops; see Retry-After.",
}
_SINGLE = "Durable when answered. Sending an event again is harmless: (tenant_id, event_id) counts once."
_BULK = (
    "Bad events, also those that are not JSON, are refused one by one, good ones kept; durable when answered."
    " An event of another tenant refuses the whole request."
)


def describe(app: FastAPI) -> None:
    """Make `app.openapi()` hold the two writes, which are not routes of the framework, and the tokens."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(title=app.title, version=app.version, routes=app.routes)
            document["paths"] = {
                "/events": {"post": _write("Write one event", _SINGLE, "Event", "201", "Accepted")},
                "/events/bulk": {
                    "post": _write(
                        f"Write 1 to {MAX_BULK_EVENTS} events", _BULK, "Bulk", "200", "BulkAccepted"
                    )
                },
                **document["paths"],
            }
            document["components"]["schemas"].update(_schemas())
            document["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _write(summary: str, description: str, body: str, status: str, answer: str) -> dict[str, Any]:
    problems = {status: _json("Problem") | {"description": text} for status, text in _MEANINGS.items()}
    return {
        "summary": summary,
        "description": description,
        "operationId": body.lower(),
        "security": [{"token": []}],
        "requestBody": {"required": True, **_json(body)},
        "responses": {status: _json(answer) | {"description": "The events are on disk."}, **problems},
    }


def _json(schema: str) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": {"$ref": f"{_REFERENCE}{schema}"}}}}


def _schemas() -> dict[str, Any]:
    models = [(model, "serialization") for model in (Accepted, BulkAccepted, Problem)]
    _, answers = models_json_schema(models, ref_template=_REFERENCE + "{model}")  # type: ignore[arg-type]
    event = Event.model_json_schema()
    event["required"] = list(REQUIRED)
    bulk = {
        "type": "object",
        "title": "Bulk",
        "additionalProperties": False,
        "required": ["events"],
        "properties": {
            "events": {
                "type": "array",
                "minItems": 1,
                "maxItems": MAX_BULK_EVENTS,
                "items": {"$ref": f"{_REFERENCE}Event"},
            }
        },
    }
    return {**answers["$defs"], "Event": event, "Bulk": bulk}


def docs_page(document: dict[str, Any]) -> str:
    """One HTML page, nothing but text and a style sheet of its own."""
    operations = "".join(
        _operation(method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    )
    fields = "".join(
        f"<tr><td><code>{html.escape(name)}</code></td>"
        f"<td>{'required' if name in REQUIRED else ''}</td>"
        f"<td>{html.escape(_kind(field))}</td><td>{html.escape(field.get('description', ''))}</td></tr>"
        for name, field in document["components"]["schemas"]["Event"]["properties"].items()
    )
    title = html.escape(document["info"]["title"])
    whole = html.escape(json.dumps(document, indent=2, ensure_ascii=False))
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>'
        f"<h1>{title}</h1><p>The same as a document: <a href='openapi.json'>openapi.json</a>. "
        f"Writes need a token: <code>Authorization: Bearer &lt;token&gt;</code>.</p>{operations}"
        f"<h2>Event</h2><table><tr><th>field<th>&nbsp;<th>type<th>meaning</tr>{fields}</table>"
        f"<h2>The whole document</h2><details><summary>openapi.json</summary><pre>{whole}</pre></details>"
        "</body></html>"
    )


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    answers = "".join(
        f"<tr><td><code>{html.escape(status)}</code></td><td>{html.escape(answer['description'])}</td></tr>"
        for status, answer in sorted(operation["responses"].items())
    )
    example = f"<pre>{html.escape(_curl(path))}</pre>" if "requestBody" in operation else ""
    return (
        f"<h2><code>{method.upper()} {html.escape(path)}</code></h2>"
        f"<p><b>{html.escape(operation['summary'])}.</b> {html.escape(operation.get('description', ''))}</p>"
        f"{example}<table>{answers}</table>"
    )


def _curl(path: str) -> str:
    event = {name: shown["examples"][0] for name, shown in Event.model_json_schema()["properties"].items()}
    body = {"events": [event]} if path.endswith("bulk") else event
    return (
        f"curl -X POST http://127.0.0.1:8002{path} -H 'Authorization: Bearer <token>' \\\n"
        f"  -H 'Content-Type: application/json' -d '{json.dumps(body)}'"
    )


def _kind(field: dict[str, Any]) -> str:
    kind = field.get("type", "")
    return " or ".join(kind) if isinstance(kind, list) else str(kind)
