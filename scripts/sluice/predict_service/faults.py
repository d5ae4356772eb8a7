"""Switches for tests: a service that is slow, fails, lies or dies, as often as it is told to."""

import random
from dataclasses import dataclass, fields
from typing import Any

import orjson

Answer = list[dict[str, Any]]


@dataclass(frozen=True)
class Faults:
    """How the service misbehaves. Shares lie between 0 (never) and 1 (always); one fault per request at
    most."""

    delay: float = 0.0
    fail: float = 0.0
    garbage: float = 0.0
    wrong_ids: float = 0.0
    unknown_categories: float = 0.0
    shorter: float = 0.0
    bad_id: str | None = None
    die_after: int | None = None
    seed: int = 0

    SHARES = ("fail", "garbage", "wrong_ids", "unknown_categories", "shorter")

    def __post_init__(self) -> None:
        for name in self.SHARES:
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}: a share is between 0 and 1")
        if self.delay < 0:
            raise ValueError(f"delay is {self.delay}: seconds are not negative")
        if sum(getattr(self, name) for name in self.SHARES) > 1 + 1e-9:
            raise ValueError("the shares of all faults add up to more than 1")

    @property
    def any(self) -> bool:
        """Whether any switch is on."""
        return any(getattr(self, f.name) != f.default for f in fields(self) if f.name != "seed")


class Dice:
    """Which fault strikes the next request: one draw each, repeatable by seed."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self._random = random.Random(faults.seed)

    def next_fault(self) -> str | None:
        """The name of the fault that strikes this request, if one does."""
        draw = self._random.random()
        for name in Faults.SHARES:
            draw -= getattr(self.faults, name)
            if draw < 0:
                return name
        return None


def spoil(fault: str, answer: Answer) -> bytes:
    """The body of a lying answer: what becomes of `answer` under one of the faults that lie."""
    if fault == "garbage":
        return b'<html>[{"id": "\xff\xfe", "category": groc'
    if fault == "shorter":
        return orjson.dumps(answer[:-1])
    spoiled = [dict(item) for item in answer]
    if fault == "wrong_ids":
        for item in spoiled[::2]:  # not in another order: that is no lie
            item["id"] = f"{item['id']}-not"
    elif fault == "unknown_categories":
        for item in spoiled[::3]:
            item["category"] = "phrenology"
    else:
        raise ValueError(f"no such fault: {fault}")
    return orjson.dumps(spoiled)
