"""Pulsar's message ids, judged: whether what arrives continues what has landed."""

from enum import Enum

from sluice.streams.names import Position


class Arrival(Enum):
    """What the first messages after a start, a seek or a change of owner mean."""

    CONTINUE = "continue"
    SEEK = "seek"
    GAP = "gap"


def follows(last: Position, first: Position) -> bool:
    """Whether `first` certainly comes right after `last`: the next of its batch, or the first of the next
    entry."""
    same_entry = first[:2] == last[:2] and first[2] == last[2] + 1
    next_entry = first[0] == last[0] and first[1] == last[1] + 1 and first[2] == 0
    return same_entry or next_entry


def judge_arrival(seen: Position | None, first: Position, anchored: bool, sought: bool) -> Arrival:
    """Judge the first position of a received batch.

    Ids do not say what is missing between two ledgers, so a partition is read from its last landed message
    on, that message included: seeing it again proves that nothing is missing. `sought` says that this was
    asked for.
    """
    if seen is None:  # nothing has landed, so everything the broker has is to be read
        return Arrival.CONTINUE if anchored or sought else Arrival.SEEK
    if follows(seen, first):
        return Arrival.CONTINUE
    if anchored:
        skips = first[0] == seen[0] and first[1] > seen[1] + 1
        return Arrival.SEEK if skips else Arrival.CONTINUE
    if first <= seen and (sought or first[:2] == seen[:2]):
        return Arrival.CONTINUE
    return Arrival.GAP if sought else Arrival.SEEK
