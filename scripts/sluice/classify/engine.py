"""The core: batches of transactions in, answers out, over any function that asks. No I/O of its own, no
state kept.

A batch that fails is tried again, then halved until the transactions at fault stand alone; everything else
goes on.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import repeat
from typing import Any

import orjson
from tenacity import AsyncRetrying, RetryCallState, retry_if_result, stop_after_attempt
from tenacity.wait import wait_base, wait_random_exponential

from sluice.categories import CATEGORIES
from sluice.classify.answers import Answer, Reply, Status, Verdict, clip, judge
from sluice.classify.breaker import Breaker, Clock
from sluice.classify.settings import Settings

Transaction = Mapping[str, Any]
Ask = Callable[[bytes], Awaitable[Reply]]
"""Send one request body and return the reply; any exception means that no answer came."""

GIVEN_UP = Verdict("unavailable", error=None)

LOOK_ELSEWHERE = 16
"""Useless answers in a row after which every fourth ask goes to other transactions than the suspects."""


@dataclass(slots=True)
class Chunk:
    """Transactions that are asked for together."""

    rows: Sequence[Transaction]
    asks: int = 0
    is_part: bool = False
    """Part of a batch that failed: asked once and, if need be, divided further."""
    error: str | None = None
    ids: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.ids = [row["id"] for row in self.rows]

    def part(self, rows: Sequence[Transaction]) -> "Chunk":
        """Some of these rows, with the same history."""
        return Chunk(rows, asks=self.asks, is_part=True, error=self.error)


class Engine:
    """One run over one stream of batches."""

    def __init__(self, ask: Ask, settings: Settings, known: frozenset[str], clock: Clock) -> None:
        self._ask = ask
        self._settings = settings
        self._known = known
        self._clock = clock
        self._breaker = Breaker(settings, clock)
        self._parts: list[Chunk] = []
        self._busy = 0
        self._idle = asyncio.Condition()
        self._found: asyncio.Queue[list[Answer] | None] = asyncio.Queue(maxsize=2 * settings.in_flight)
        self._wait = _Wait(settings)

    async def run(self, batches: Iterable[Sequence[Transaction]]) -> AsyncIterator[list[Answer]]:
        """Answers for every transaction of every batch, in the order they are found."""
        fresh = iter(batches)
        workers = [asyncio.create_task(self._work(fresh)) for _ in range(self._settings.in_flight)]
        everyone = asyncio.gather(*workers)
        everyone.add_done_callback(lambda _: self._wake())
        try:
            while True:
                if everyone.done() and self._found.empty():
                    break
                found = await self._found.get()
                if found:
                    yield found
            await everyone
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, everyone, return_exceptions=True)

    def _wake(self) -> None:
        if self._found.empty():
            self._found.put_nowait(None)

    async def _work(self, fresh: Iterator[Sequence[Transaction]]) -> None:
        while (chunk := await self._next(fresh)) is not None:
            try:
                await self._settle(chunk)
            finally:
                async with self._idle:
                    self._busy -= 1
                    self._idle.notify_all()

    async def _next(self, fresh: Iterator[Sequence[Transaction]]) -> Chunk | None:
        async with self._idle:
            while True:
                chunk = self._choose(fresh)
                if chunk is not None:
                    self._busy += 1
                    return chunk
                if self._busy == 0:
                    return None
                await self._idle.wait()

    def _choose(self, fresh: Iterator[Sequence[Transaction]]) -> Chunk | None:
        """Parts first, the newest first, so that a fault is tracked down before others are met; but in a
        long row of useless answers look elsewhere now and then, so that many bad transactions in one place
        do not end the run."""
        elsewhere = self._breaker.useless >= LOOK_ELSEWHERE and self._breaker.useless % 4 == 0
        if self._parts and not elsewhere:
            return self._parts.pop()
        if (rows := next(fresh, None)) is not None:
            return Chunk(rows)
        return self._parts.pop(0) if self._parts else None

    def _tries(self, chunk: Chunk) -> int:
        if not chunk.is_part:
            return self._settings.attempts
        return 1 if len(chunk.rows) > 1 else min(2, self._settings.attempts)

    async def _settle(self, chunk: Chunk) -> None:
        """Find out what can be found out about a chunk: answers, or smaller chunks to ask for."""
        if not chunk.rows:
            return
        retrying = AsyncRetrying(
            stop=stop_after_attempt(self._tries(chunk)),
            wait=self._wait,
            retry=retry_if_result(_worth_another),
            sleep=self._sleep,
            retry_error_callback=lambda state: state.outcome.result() if state.outcome else GIVEN_UP,
        )
        verdict: Verdict = await retrying(self._attempt, chunk)
        chunk.error = verdict.error or chunk.error
        if self._breaker.given_up is not None and not verdict.categories:
            await self._leave(chunk)
        elif verdict.categories:
            await self._keep(chunk, verdict)
        elif len(chunk.rows) == 1:
            blamed = verdict.kind != "unavailable" or self._breaker.usable > 0
            status: Status = "failed" if blamed else "pending"
            await self._found.put([Answer(chunk.ids[0], status, None, None, chunk.error, chunk.asks)])
        else:
            middle = len(chunk.rows) // 2
            self._parts += [chunk.part(chunk.rows[middle:]), chunk.part(chunk.rows[:middle])]

    async def _attempt(self, chunk: Chunk) -> Verdict:
        permit = await self._breaker.admit()
        if permit is None:
            return GIVEN_UP
        body = _encode(chunk.rows)
        chunk.asks += 1
        limit = min(self._settings.timeout, self._breaker.remaining)
        try:
            async with asyncio.timeout(limit):
                reply = await self._ask(body)
            verdict = judge(reply, chunk.ids, self._known)
        except TimeoutError:
            verdict = Verdict("unavailable", error=f"no answer within {limit:.3g} s")
        except Exception as problem:
            verdict = Verdict("unavailable", error=clip(f"{type(problem).__name__}: {problem}"))
        self._breaker.record(permit, verdict, isolated=chunk.is_part and len(chunk.rows) == 1)
        chunk.error = verdict.error or chunk.error
        return verdict

    async def _sleep(self, seconds: float) -> None:
        if self._breaker.given_up is None:
            await self._clock.sleep(min(seconds, self._breaker.remaining))

    async def _keep(self, chunk: Chunk, verdict: Verdict) -> None:
        """The answer is sound: keep what it says, and ask again for the ones it has no usable category
        for."""
        version, asks = verdict.model_version, chunk.asks
        columns = (
            chunk.ids,
            repeat("classified"),
            verdict.categories,
            repeat(version),
            repeat(None),
            repeat(asks),
        )
        found = list(map(Answer._make, zip(*columns, strict=False)))
        lacking: list[Transaction] = []
        if verdict.error is not None:
            found = [answer for answer in found if answer.category]
            lacking = [row for row, said in zip(chunk.rows, verdict.categories, strict=True) if not said]
        if lacking and asks < self._settings.attempts and self._breaker.given_up is None:
            self._parts.append(chunk.part(lacking))
        elif lacking:
            found += [Answer(row["id"], "failed", None, None, verdict.error, asks) for row in lacking]
        await self._found.put(found)

    async def _leave(self, chunk: Chunk) -> None:
        """The service has been given up: everything not yet answered waits for the next run."""
        error = chunk.error if chunk.asks else None
        error = error or self._breaker.given_up
        await self._found.put([Answer(i, "pending", None, None, error, chunk.asks) for i in chunk.ids])


class _Wait(wait_base):
    """Exponential backoff with full jitter; at least what the service asks for, within the limit."""

    def __init__(self, settings: Settings) -> None:
        self._limit = settings.backoff_max
        self._jitter = wait_random_exponential(multiplier=settings.backoff, max=settings.backoff_max)

    def __call__(self, retry_state: RetryCallState) -> float:
        asked = retry_state.outcome.result().retry_after if retry_state.outcome else None
        return max(self._jitter(retry_state), min(asked or 0.0, self._limit))


def _worth_another(verdict: Verdict) -> bool:
    """Whether the same request may fare better. A refusal, a sound answer and a service given up will not."""
    return verdict.kind in ("unusable", "unavailable") and verdict is not GIVEN_UP


def _encode(rows: Sequence[Transaction]) -> bytes:
    return orjson.dumps(rows if isinstance(rows, list) else list(rows), default=_plain)


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"a transaction holds a {type(value).__name__}, which JSON has no word for: {value!r}")


def classify(
    batches: Iterable[Sequence[Transaction]],
    ask: Ask,
    settings: Settings | None = None,
    *,
    known: Iterable[str] = CATEGORIES,
    clock: Clock | None = None,
) -> Iterator[Answer]:
    """Ask for every batch (a list of dicts with a text `id`) and yield one Answer per transaction, in no
    particular order. Faults of the service end as `failed` or `pending` answers, never as exceptions; those
    of `batches` are raised. Not for use inside a running event loop."""

    async def answers() -> AsyncIterator[list[Answer]]:
        async with AsyncExitStack() as stack:
            if isinstance(ask, AbstractAsyncContextManager):
                await stack.enter_async_context(ask)
            engine = Engine(ask, settings or Settings(), frozenset(known), clock or Clock())
            stream = engine.run(batches)
            try:
                async for found in stream:
                    yield found
            finally:
                await stream.aclose()  # type: ignore[attr-defined]

    async def following() -> list[Answer] | None:
        return await anext(stream, None)

    stream = answers()
    with asyncio.Runner() as runner:
        try:
            while (found := runner.run(following())) is not None:
                yield from found
        finally:
            runner.run(stream.aclose())  # type: ignore[attr-defined]
