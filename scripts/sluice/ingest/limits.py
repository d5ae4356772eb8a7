"""How much one tenant may send: a bucket of events that fills at a steady rate.

A request is let in while the bucket is not in debt, and then pays for all its events: the largest bulk
request gets through at any rate, and the average stays at the rate all the same.
"""

import time
from collections.abc import Callable, Mapping

_KEPT = 10_000


class TenantRates:
    """One bucket per tenant, each holding at most one second's worth of events."""

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate = rate
        self._clock = clock
        self._burst = max(rate, 1.0)
        self._buckets: dict[str, tuple[float, float]] = {}

    def seconds_to_wait(self, tenant_id: str) -> float:
        """0 where the tenant may send now; otherwise when to try again."""
        filled = self._filled(tenant_id)
        return 0.0 if filled >= 1.0 else (1.0 - filled) / self.rate

    def pay(self, events: Mapping[str, int]) -> None:
        """Take the events of each tenant from its bucket."""
        now = self._clock()
        for tenant_id, count in events.items():
            self._buckets[tenant_id] = (self._filled(tenant_id) - count, now)
        if len(self._buckets) > _KEPT:
            self._forget_full_buckets()

    def _filled(self, tenant_id: str) -> float:
        level, since = self._buckets.get(tenant_id, (self._burst, 0.0))
        return min(self._burst, level + (self._clock() - since) * self.rate)

    def _forget_full_buckets(self) -> None:
        self._buckets = {
            tenant_id: bucket
            for tenant_id, bucket in self._buckets.items()
            if self._filled(tenant_id) < self._burst
        }
