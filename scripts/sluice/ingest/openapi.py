"""The OpenAPI document and a page that shows it without loading anything from elsewhere."""

import html
import json
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from sluice.ingest.events import REQUIRED, Event
from sluice.ingest.settings import MAX_BULK_EVENTS

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a}
h2{margin-top:2.5rem;border-bottom:1px solid #ccc}
code,pre{font-family:ui-monospace,monospace;font-size:.9rem}
pre{background:#f4f4f4;padding:1rem;overflow:auto}
table{border-collapse:collapse;width:100%}
td,th{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #ddd;vertical-align:top}
@media(prefers-color-scheme:dark){body{color:#eee;background:#161616}pre{background:#262626}}
"""


def request_body(schema: str) -> dict[str, Any]:
    """What a route that reads its body itself adds to the document."""
    reference = {"$ref": f"#/components/schemas/{schema}"}
    body = {"required": True, "content": {"application/json": {"schema": reference}}}
    return {"requestBody": body, "security": [{"token": []}]}


def describe(app: FastAPI) -> None:
    """Make `app.openapi()` name the models that the routes judge themselves, and the tokens."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(title=app.title, version=app.version, routes=app.routes)
            components = document.setdefault("components", {})
            components.setdefault("schemas", {}).update(_schemas())
            components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _schemas() -> dict[str, Any]:
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
                "items": {"$ref": "#/components/schemas/Event"},
            }
        },
    }
    return {"Event": event, "Bulk": bulk}


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
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>'
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
