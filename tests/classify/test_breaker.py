"""The circuit breaker, where asks overlap."""

import asyncio

from sluice.classify import Settings
from sluice.classify.answers import Verdict
from sluice.classify.breaker import Breaker, Permit

from .fakes import fake_clock

SILENT = Verdict("unavailable", error="nobody there")
SOUND = Verdict("ok", ["fees"])


async def opened(threshold: int = 2) -> tuple[Breaker, Permit]:
    """An open breaker, with an ask of before still under way."""
    breaker = Breaker(Settings(breaker_threshold=threshold), fake_clock())
    permits = [await breaker.admit() for _ in range(threshold + 1)]
    late = permits.pop()
    assert late is not None
    for permit in permits:
        assert permit is not None
        breaker.record(permit, SILENT)
    return breaker, late


def test_an_open_breaker_lets_one_probe_through_and_late_failures_wake_nobody_for_ever() -> None:
    async def story() -> None:
        breaker, late = await opened()
        probe = await breaker.admit()
        assert probe == Permit(probe=True)
        waiting = asyncio.create_task(breaker.admit())
        await asyncio.sleep(0)
        breaker.record(late, SILENT)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not waiting.done()
        breaker.record(probe, SOUND)
        assert await waiting == Permit(probe=False)

    asyncio.run(asyncio.wait_for(story(), 5))


def test_failed_probes_end_the_run_for_everybody() -> None:
    async def story() -> None:
        breaker, _ = await opened()
        for _ in Settings().breaker_waits:
            probe = await breaker.admit()
            assert probe is not None
            breaker.record(probe, SILENT)
        assert await breaker.admit() is None
        assert breaker.given_up == "service unavailable: nobody there"

    asyncio.run(asyncio.wait_for(story(), 5))
