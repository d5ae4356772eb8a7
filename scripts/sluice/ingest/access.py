"""Counts and times every request, and logs those that were refused."""

import time
from typing import Any

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sluice.ingest.metrics import Metrics

_ROUTES = {"/events", "/events/bulk", "/health", "/ready", "/prometheus", "/docs", "/openapi.json"}
_log = structlog.get_logger("sluice.ingest.access")


class AccessLog:
    """ASGI middleware; paths outside the service count as one route, so a scanner makes no new series."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics
        self._series: dict[tuple[str, int], tuple[Any, Any]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 500

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, note)
        finally:
            self._count(scope, status, time.perf_counter() - began)

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        path = scope["path"]
        route = path if path in _ROUTES else "other"
        if (route, status) not in self._series:
            self._series[route, status] = (
                self._metrics.requests.labels(route, str(status)),
                self._metrics.request_seconds.labels(route),
            )
        requests, histogram = self._series[route, status]
        requests.inc()
        histogram.observe(seconds)
        if status >= 400:
            client = scope.get("client") or ("", 0)
            log = _log.error if status >= 500 else _log.info
            log(
                "refused",
                method=scope["method"],
                path=path[:200],
                status=status,
                client=client[0],
                ms=round(seconds * 1000, 1),
            )
