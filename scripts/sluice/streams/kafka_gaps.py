"""Kafka's offsets, judged: which missing ones were deleted, which never held a message, where a partition
goes on."""

from collections.abc import Sequence
from dataclasses import dataclass

from confluent_kafka import OFFSET_BEGINNING

from sluice.streams.rows import Message

ADMIT, DELETED, LOOK_AGAIN = "admit", "deleted", "look again"


@dataclass(frozen=True)
class Jump:
    """The message at `index` has offset `found` where `expected` would follow."""

    index: int
    expected: int
    found: int


def first_jump(expected: int | None, run: Sequence[Message]) -> Jump | None:
    """The first place where an offset is missing; messages from before `expected` do not count."""
    if expected is None and run:
        expected = run[0].position[0]
    if not run or expected is None:
        return None
    if run[0].position[0] == expected and run[-1].position[0] - expected + 1 == len(run):
        return None
    for index, message in enumerate(run):
        offset = message.position[0]
        if offset > expected:
            return Jump(index, expected, offset)
        expected = max(expected, offset + 1)
    return None


def judge_jump(jump: Jump, low: int | None, looked_at: int | None) -> str:
    """Why offsets are missing.

    Below the partition's first offset they were deleted. Otherwise the partition is read once more from
    there, so that no slip of a client can pass for it; offsets that are still missing then never held a
    message for us (a compacted topic, or the marks of transactions).
    """
    if low is not None and low > jump.expected:
        return DELETED
    return ADMIT if looked_at == jump.expected else LOOK_AGAIN


@dataclass(frozen=True)
class Start:
    """Where a partition goes on, and what that means."""

    offset: int
    lost: int = 0
    reset: bool = False


def where_to_start(seen: int | None, low: int | None, high: int | None) -> Start:
    """Where to go on after offset `seen` in a partition that holds low … high - 1; None: not known."""
    if seen is None:
        return Start(OFFSET_BEGINNING if low is None else low)
    if high is not None and high <= seen:
        return Start(low or 0, reset=True)
    if low is not None and low > seen + 1:
        return Start(low, lost=low - seen - 1)
    return Start(seen + 1)
