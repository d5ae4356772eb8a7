"""The circuit breaker: a service that gives no answers is left alone, probed a few times, and then given
up."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sluice.classify.answers import Verdict
from sluice.classify.settings import Settings

OUT_OF_TIME = "out of time"
"""How the error of what was not asked for want of time begins; that is no outage of the service."""


@dataclass(frozen=True)
class Clock:
    """Time, to be replaced in tests."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


@dataclass(frozen=True)
class Permit:
    """Leave to ask once; a probe is the one ask an open breaker lets through."""

    probe: bool


class Breaker:
    """Closed until `breaker_threshold` asks in a row get no answer; then open, with probes after
    `breaker_waits`. Gives up, for good, when the probes fail, when `patience` answers in a row are useless,
    or when time is over."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._deadline = clock.now() + settings.max_seconds
        self._last_sign = clock.now()
        self._open_until: float | None = None
        self._probing = False
        self._probes = 0
        self._silent = 0
        self.useless = 0
        self._changed = asyncio.Event()
        self.usable = 0
        self.given_up: str | None = None

    @property
    def remaining(self) -> float:
        """Seconds left of the whole run."""
        return max(0.0, self._deadline - self._clock.now())

    async def admit(self) -> Permit | None:
        """Wait until an ask is allowed; None when the service has been given up."""
        while self.given_up is None:
            now = self._clock.now()
            if now >= self._deadline:
                self._give_up(f"{OUT_OF_TIME}: {self._settings.max_seconds:g} s are over")
            elif self._open_until is None:
                return Permit(probe=False)
            elif self._probing:
                self._changed.clear()
                await self._changed.wait()
            elif now >= self._open_until:
                self._probing = True
                return Permit(probe=True)
            else:
                await self._clock.sleep(min(self._open_until, self._deadline) - now)
        return None

    def record(self, permit: Permit, verdict: Verdict, *, isolated: bool = False) -> None:
        """Learn from the verdict on an admitted ask. A useless answer about a transaction that was isolated
        as the fault of its batch is what the search was for, and costs no patience."""
        if permit.probe:
            self._probing = False
        if verdict.kind == "unavailable":
            self._no_answer(permit, verdict.error or "no answer")
        else:
            self._answer(verdict, isolated)
        self._changed.set()

    def _no_answer(self, permit: Permit, error: str) -> None:
        now = self._clock.now()
        if self._open_until is None:
            self._silent += 1
            if self._silent >= self._settings.breaker_threshold:
                self._probes = 0
                self._open_until = now + self._settings.breaker_waits[0]
        elif permit.probe:
            self._probes += 1
            if (
                self._probes >= len(self._settings.breaker_waits)
                or now - self._last_sign > self._settings.silence
            ):
                self._give_up(f"service unavailable: {error}")
            else:
                self._open_until = now + self._settings.breaker_waits[self._probes]

    def _answer(self, verdict: Verdict, isolated: bool) -> None:
        self._last_sign = self._clock.now()
        self._open_until = None
        self._silent = 0
        if verdict.kind == "ok":
            self.useless = 0
            self.usable += 1
        elif not isolated:
            self.useless += 1
        if self.useless >= self._settings.patience:
            self._give_up(f"no usable answer to {self.useless} requests in a row: {verdict.error}")

    def _give_up(self, reason: str) -> None:
        if self.given_up is None:
            self.given_up = reason
        self._changed.set()
