"""`POST /events` and `POST /events/bulk` as plain ASGI.

A request costs a tenth of a millisecond here; a framework's routing would cost three times that. Everything
else (pages, documentation, errors of unknown paths) is left to the application behind.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import orjson
import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from sluice.ingest.answers import Refusal
from sluice.ingest.events import Verdict, judge, names_another_tenant, needs_macro
from sluice.ingest.inflate import content_encoding, inflate
from sluice.ingest.service import Service
from sluice.ingest.shapes import Fault, MalformedError, ShapeError, TooManyEventsError, WireEvent
from sluice.ingest.wire import decode_bulk, decode_event
from sluice.tokens import Identity

PATHS = ("/events", "/events/bulk")
_INLINE_BYTES = 32 * 1024
_ACCEPTED = b'{"ok":true,"accepted":1}'
_INTERNAL = b'{"ok":false,"error":"internal error; see the log","status":500}'
_log = structlog.get_logger("sluice.ingest")
_Events = list[WireEvent | Fault]


class Writes:
    """ASGI middleware that answers the two paths itself."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app, self._service = app, service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http" or scope["path"] not in PATHS:
            if scope.get("method") == "HEAD":  # the server leaves the body of the answer out
                scope = {**scope, "method": "GET"}
            await self._app(scope, receive, send)
            return
        is_body_left = False
        try:
            if scope["method"] != "POST":
                raise Refusal(405, "this path takes POST only", {"Allow": "POST"})
            if scope["path"] == "/events":
                status, body = await self._single(scope, receive)
            else:
                status, body = await self._bulk(scope, receive)
            headers: list[tuple[bytes, bytes]] = []
        except Refusal as refusal:
            status, body, headers = refusal.status, orjson.dumps(refusal.body()), refusal.raw_headers()
            is_body_left = refusal.is_body_left and not _waits_to_send(scope)
        except Exception:
            _log.exception("internal error", path=scope["path"])
            status, body, headers = 500, _INTERNAL, []
        headers += [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": is_body_left})
        if is_body_left:
            await self._service.bodies.drain(receive)
            await send({"type": "http.response.body", "body": b""})

    async def _single(self, scope: Scope, receive: Receive) -> tuple[int, bytes]:
        verdict = await self._judged(scope, receive, lambda body: [decode_event(body)])
        if verdict.rejected:
            faults = verdict.rejected[0][1]
            raise Refusal(422, "; ".join(fault.message for fault in faults), rejected=_reasons(faults))
        await self._service.commit(verdict.rows)
        return 201, _ACCEPTED

    async def _bulk(self, scope: Scope, receive: Receive) -> tuple[int, bytes]:
        verdict = await self._judged(scope, receive, decode_bulk)
        if verdict.rows:
            await self._service.commit(verdict.rows)
        rejected = [_rejected(index, faults) for index, faults in verdict.rejected]
        return 200, orjson.dumps({"ok": True, "accepted": len(verdict.rows), "rejected": rejected})

    async def _judged(self, scope: Scope, receive: Receive, decode: Callable[[bytes], _Events]) -> Verdict:
        """Up to the verdict; every 4xx and 503 on the way is raised."""
        service, headers = self._service, dict(scope["headers"])
        identity = service.authorise(headers.get(b"authorization"))
        service.admit(identity)
        encoding = content_encoding(headers)
        body = await service.bodies.read(headers, receive)
        try:
            verdict = await self._judge_fairly(body, encoding, decode, identity)
        except MalformedError as error:
            raise Refusal(400, f"malformed JSON: {error}") from None
        except ShapeError as error:
            raise Refusal(422, str(error)) from None
        except TooManyEventsError as error:
            raise Refusal(413, str(error)) from None
        finally:
            service.bodies.held_bytes -= len(body)
        if identity.tenant_id is None:
            service.check_rate(verdict.tenants)
            service.rates.pay(verdict.tenants)
        else:
            service.rates.pay({identity.tenant_id: len(verdict.rows) + len(verdict.rejected)})
        for _, faults in verdict.rejected:
            for fault in faults:
                service.metrics.rejected.labels(fault.reason).inc()
        return verdict

    async def _judge_fairly(
        self, body: bytes, encoding: str, decode: Callable[[bytes], _Events], identity: Identity
    ) -> Verdict:
        """What takes long is judged in a thread, so that other requests are answered meanwhile."""
        loop, executor = asyncio.get_running_loop(), self._service.executor
        if len(body) > _INLINE_BYTES or encoding != "identity":
            return await loop.run_in_executor(
                executor, lambda: _judge(decode(inflate(body, encoding)), identity)
            )
        events = decode(body)
        if needs_macro(events):
            return await loop.run_in_executor(executor, _judge, events, identity)
        return _judge(events, identity)


def _waits_to_send(scope: Scope) -> bool:
    """True where the client sends its body only when it is told to go on."""
    return any(name == b"expect" and value.lower() == b"100-continue" for name, value in scope["headers"])


def _judge(events: _Events, identity: Identity) -> Verdict:
    if identity.tenant_id is not None and names_another_tenant(events, identity.tenant_id):
        raise Refusal(403, "this token may not write another tenant's events; nothing was kept")
    return judge(events, identity.tenant_id)


def _reasons(faults: list[Fault]) -> list[dict[str, Any]]:
    return [{"field": fault.field, "reason": fault.reason} for fault in faults]


def _rejected(index: int, faults: list[Fault]) -> dict[str, Any]:
    first, *more = _reasons(faults)
    return {"index": index, **first, **({"more": more} if more else {})}
