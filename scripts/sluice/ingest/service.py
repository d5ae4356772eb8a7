"""Who may write what, and whether the disk, the writer and the tenant's rate allow it now."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog
from starlette.requests import ClientDisconnect, Request

from sluice.home import Home
from sluice.ingest.answers import Refusal, retry_later
from sluice.ingest.landing import Landed, LandingZone
from sluice.ingest.limits import TenantRates
from sluice.ingest.metrics import Metrics
from sluice.ingest.room import DiskRoom
from sluice.ingest.settings import MAX_BODY_BYTES, Settings
from sluice.ingest.timestamps import refused
from sluice.ingest.writer import BusyError, NotDurableError, Writer
from sluice.tokens import Identity, Tokens

_log = structlog.get_logger("sluice.ingest")


@dataclass
class Service:
    """Everything that a request needs."""

    home: Home
    settings: Settings
    tokens: Tokens

    def __post_init__(self) -> None:
        self.metrics = Metrics()
        self.zone = LandingZone(self.home.root / "ingest", self.home.landing)
        self.zone.prepare()
        self.room = DiskRoom([self.zone.ingest, self.zone.feed], self.settings.min_free_bytes)
        self.rates = TenantRates(self.settings.rate)
        self.executor = ThreadPoolExecutor(1, "judge")
        self.writer = self._new_writer()
        self._inflight_bytes = 0

    def _new_writer(self) -> Writer:
        return Writer(
            self.zone,
            self.settings,
            on_commit=self.metrics.on_commit,
            on_landed=self._landed,
            on_problem=lambda problem: _log.error("write problem", problem=problem),
        )

    def start(self) -> None:
        """Land what a crash left behind, then take events."""
        self.zone.recover(self._recovered)
        self.writer = self._new_writer()
        self.writer.start()
        refused(["the macro is compiled now, not for the first request"])

    def close(self) -> None:
        """Write and land everything that was acknowledged."""
        self.executor.shutdown()
        self.writer.close()

    def _landed(self, landed: Landed) -> None:
        self.metrics.on_landed(landed)
        log = _log.error if landed.dropped_bytes else _log.info
        log(
            "landed",
            segment=landed.segment_id,
            events=landed.events,
            bytes=landed.size,
            dropped_bytes=landed.dropped_bytes,
        )

    def _recovered(self, landed: Landed) -> None:
        self.metrics.on_landed(landed)
        log = _log.error if landed.damaged else _log.warning
        log(
            "recovered a segment",
            segment=landed.segment_id,
            events=landed.events,
            dropped_bytes=landed.dropped_bytes,
            damaged=landed.damaged.name if landed.damaged else None,
        )

    def authorise(self, authorization: str | None) -> Identity:
        """The identity of a request that may write something; 401 or 403 otherwise."""
        scheme, _, token = (authorization or "").partition(" ")
        identity = self.tokens.identify(token.strip()) if scheme.lower() == "bearer" else None
        if identity is None:
            error = "unknown or expired token" if authorization else "no token"
            hint = "" if self.tokens.configured else "; this service has no token file (SLUICE_TOKENS_FILE)"
            raise Refusal(
                401,
                f"{error}: send `Authorization: Bearer <token>`{hint}",
                {"WWW-Authenticate": "Bearer"},
            )
        if identity.role == "operator":
            raise Refusal(403, "an operator's token may not write events")
        return identity

    def admit(self, identity: Identity) -> None:
        """503 or 429 before a body is read that could not be kept anyway."""
        reason = self.writer.refusal() or self.room.refusal()
        if reason is None and self._inflight_bytes > self.settings.inflight_bytes:
            reason = "too many request bodies at once"
        if reason:
            raise retry_later(503, reason, 1)
        if identity.tenant_id is not None:
            self.check_rate([identity.tenant_id])

    def check_rate(self, tenants: list[str]) -> None:
        """429 where a tenant has sent more than its rate."""
        wait = max((self.rates.seconds_to_wait(tenant_id) for tenant_id in tenants), default=0.0)
        if wait > 0:
            raise retry_later(429, f"more than {self.settings.rate:g} events per second", wait)

    @asynccontextmanager
    async def body(self, request: Request) -> AsyncIterator[bytes]:
        """The request's body, counted while it is read and while it is held."""
        held = 0
        try:
            _check_headers(request)
            chunks: list[bytes] = []
            try:
                async with asyncio.timeout(self.settings.body_seconds):
                    async for chunk in request.stream():
                        held += len(chunk)
                        self._inflight_bytes += len(chunk)
                        if held > MAX_BODY_BYTES:
                            raise _too_large()
                        chunks.append(chunk)
            except TimeoutError:
                raise Refusal(408, "the body took too long to arrive", {"Connection": "close"}) from None
            except ClientDisconnect:
                raise Refusal(400, "the client went away") from None
            yield chunks[0] if len(chunks) == 1 else b"".join(chunks)
        finally:
            self._inflight_bytes -= held

    async def commit(self, rows: list[str]) -> None:
        """Make the rows durable; 503 where that fails."""
        try:
            await self.writer.commit("".join(rows).encode(), len(rows))
        except BusyError as error:
            raise retry_later(503, str(error), 1) from None
        except NotDurableError as error:
            raise retry_later(503, f"the events could not be made durable: {error}", 5) from None

    def unready(self) -> str | None:
        """Why no events can be taken now, if so."""
        reason = self.writer.refusal() or self.room.refusal()
        if reason is None and self.writer.failed_within(5.0):
            reason = f"events could not be written: {self.writer.append_error}"
        return reason

    def warnings(self) -> list[str]:
        """What an operator should know though events can be taken."""
        found = []
        if not self.tokens.configured:
            found.append("SLUICE_TOKENS_FILE is not set: every write is answered 401")
        elif self.tokens.problem:
            found.append("the token file has a problem; see the log")
        if self.writer.landing_error:
            found.append("segments cannot become landing files at the moment; they are kept and tried again")
        return found

    def metrics_text(self) -> bytes:
        """The Prometheus page, with the gauges as they are now."""
        self.room.refusal()
        self.metrics.queued_bytes.set(self.writer.queued_bytes)
        self.metrics.backlog_bytes.set(self.writer.backlog_bytes)
        self.metrics.free_bytes.set(self.room.free_bytes)
        return self.metrics.text()


def _check_headers(request: Request) -> None:
    encoding = request.headers.get("content-encoding", "identity").lower()
    if encoding != "identity":
        raise Refusal(415, f"Content-Encoding {encoding[:50]} is not taken; send plain JSON")
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length[:20]) > MAX_BODY_BYTES:
        raise _too_large()


def _too_large() -> Refusal:
    return Refusal(413, f"the body is over {MAX_BODY_BYTES} bytes", {"Connection": "close"})
