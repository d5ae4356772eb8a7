"""A prediction service inside the test, honest or not, and a clock that nobody waits for."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from sluice.classify import CATEGORIES, Clock, Reply

Lie = Callable[[list[dict[str, Any]]], Any]


def truth(transaction_id: str) -> str:
    """The right category of an id."""
    return CATEGORIES[sum(transaction_id.encode()) % len(CATEGORIES)]


def rows(count: int) -> list[dict[str, Any]]:
    """Transactions t0, t1, …"""
    return [{"id": f"t{number}", "amount": 1.5, "side": "debit"} for number in range(count)]


def batches(count: int, size: int) -> list[list[dict[str, Any]]]:
    """The same, in batches."""
    everything = rows(count)
    return [everything[start : start + size] for start in range(0, count, size)]


def fake_clock() -> Clock:
    """Time that passes only when somebody sleeps."""
    now = 0.0

    async def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds
        await asyncio.sleep(0)

    return Clock(now=lambda: now, sleep=sleep)


def _unknown(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**item, "category": "phrenology"} if n % 3 == 0 else item for n, item in enumerate(items)]


LIES: dict[str, Lie] = {
    "a foreign id": lambda items: [*items[:-1], {**items[-1], "id": "somebody else"}],
    "shorter": lambda items: items[:-1],
    "longer": lambda items: [*items, items[-1]],
    "doubled first": lambda items: [items[0], *items[:-1]] if len(items) > 1 else items * 2,
    "unknown category": _unknown,
    "no category": lambda items: [{"id": item["id"]} for item in items],
    "null category": lambda items: [{**item, "category": None} for item in items],
    "category of another type": lambda items: [{**item, "category": ["fees"]} for item in items],
    "category in capitals": lambda items: [{**item, "category": item["category"].upper()} for item in items],
    "an id twice": lambda items: [items[-1], *items[1:]] if len(items) > 1 else items * 2,
    "ids of another type": lambda items: [{**item, "id": 7} for item in items],
    "not objects": lambda items: [item["category"] for item in items],
    "an object": lambda items: {item["id"]: item["category"] for item in items},
    "null": lambda items: None,
    "empty": lambda items: [],
}
HONEST = {
    "honest": lambda items: items,
    "reversed": lambda items: items[::-1],
    "rotated": lambda items: items[1:] + items[:1],
}
"""Each is what was asked for; the order of the answers is the service's own business."""
STATUSES = (301, 400, 401, 404, 413, 422, 429, 500, 502, 503, 504)
FAULTS = (*HONEST, *LIES, "garbage", "nothing", "refused", "timeout", *map(str, STATUSES))


class FakeService:
    """Answers request n with fault n of a script, and honestly after its end; counts how often each id was
    asked."""

    def __init__(
        self, script: Sequence[str] = (), bad_ids: frozenset[str] = frozenset(), bad: str = "500"
    ) -> None:
        self.script = list(script)
        self.bad_ids = bad_ids
        self.bad = bad
        self.requests = 0
        self.asked: Counter[str] = Counter()

    async def __call__(self, body: bytes) -> Reply:
        transactions = orjson.loads(body)
        fault = self.script[self.requests] if self.requests < len(self.script) else "honest"
        self.requests += 1
        self.asked.update(one["id"] for one in transactions)
        await asyncio.sleep(0)
        if any(one["id"] in self.bad_ids for one in transactions):
            fault = self.bad
        return self._reply(fault, [{"id": one["id"], "category": truth(one["id"])} for one in transactions])

    def _reply(self, fault: str, honest: list[dict[str, Any]]) -> Reply:
        if fault == "refused":
            raise ConnectionRefusedError("nobody there")
        if fault == "timeout":
            raise TimeoutError
        if fault == "garbage":
            return Reply(200, b'[{"id": "\xff\xfe')
        if fault == "nothing":
            return Reply(200, b"")
        if fault.isdigit():
            return Reply(int(fault), b'{"error": "told to"}', retry_after=1.0)
        answer = (LIES | HONEST)[fault](honest)
        return Reply(200, orjson.dumps(answer), "fake-1")
