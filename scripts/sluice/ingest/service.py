"""Who may write what, and whether the disk, the writer and the tenant's rate allow it now."""

import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import structlog

from sluice.home import Home
from sluice.ingest.answers import Refusal, retry_later
from sluice.ingest.bodies import Bodies
from sluice.ingest.landing import Landed, LandingZone
from sluice.ingest.limits import TenantRates
from sluice.ingest.metrics import Metrics
from sluice.ingest.room import DiskRoom
from sluice.ingest.settings import Settings
from sluice.ingest.timestamps import judge as judge_timestamps
from sluice.ingest.writer import BusyError, NotDurableError, Writer
from sluice.tokens import Identity, Tokens

_IDENTITY_SECONDS = 0.25
_IDENTITIES_KEPT = 10_000
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
        self.bodies = Bodies(self.settings.body_seconds)
        self._identities: dict[bytes, tuple[Identity, float]] = {}

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
        judge_timestamps(["the macro is compiled now, not for the first request"])

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

    def authorise(self, authorization: bytes | None) -> Identity:
        """The identity of a request that may write something; 401 or 403 otherwise."""
        identity = self._identify(authorization) if authorization else None
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

    def _identify(self, authorization: bytes) -> Identity | None:
        """Ask the token file, at most every quarter of a second for the same token."""
        now = time.monotonic()
        identity, asked = self._identities.get(authorization, (None, 0.0))
        if identity is not None and now - asked < _IDENTITY_SECONDS:
            return identity
        scheme, _, token = authorization.partition(b" ")
        if scheme.lower() != b"bearer":
            return None
        identity = self.tokens.identify(token.strip().decode("utf-8", "replace"))
        if len(self._identities) > _IDENTITIES_KEPT:
            self._identities.clear()
        if identity is None:
            self._identities.pop(authorization, None)
        else:
            self._identities[authorization] = (identity, now)
        return identity

    def admit(self, identity: Identity) -> None:
        """503 or 429 before a body is read that could not be kept anyway."""
        reason = self.writer.refusal() or self.room.refusal()
        if reason is None and self.bodies.held_bytes > self.settings.inflight_bytes:
            reason = "too many request bodies at once"
        if reason:
            raise retry_later(503, reason, 1)
        if identity.tenant_id is not None:
            self.check_rate([identity.tenant_id])

    def check_rate(self, tenants: Iterable[str]) -> None:
        """429 where a tenant has sent more than its rate."""
        wait = max((self.rates.seconds_to_wait(tenant_id) for tenant_id in tenants), default=0.0)
        if wait > 0:
            raise retry_later(429, f"more than {self.settings.rate:g} events per second", wait)

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
        elif self.tokens.check():
            found.append("the token file cannot be used as it is; the last good one counts; see the log")
        if self.writer.landing_error:
            found.append("segments cannot become landing files at the moment; they are kept and tried again")
        return found

    def metrics_text(self) -> bytes:
        """The Prometheus page, with the gauges as they are now."""
        self.room.refusal()
        self.metrics.queued_bytes.set(self.writer.queued_bytes)
        self.metrics.backlog_bytes.set(self.writer.backlog_bytes)
        self.metrics.free_bytes.set(self.room.free_bytes)
        self.metrics.token_file_ok.set(self.tokens.check() is None)
        return self.metrics.text()
