"""Kafka's offsets in order: takes messages, and finds out what offsets that are missing between them mean."""

import logging
from collections.abc import Callable

from sluice.streams.intake import Intake
from sluice.streams.kafka_gaps import ADMIT, DELETED, LOOK_AGAIN, first_jump, judge_jump
from sluice.streams.names import Place
from sluice.streams.rows import Message
from sluice.streams.telemetry import Telemetry


class Order:
    """What is known of each partition's offsets while it is being read."""

    def __init__(
        self,
        intake: Intake,
        telemetry: Telemetry,
        first_offset: Callable[[Place, bool], int | None],
        seek: Callable[[Place, int], None],
    ) -> None:
        """`first_offset`: the first offset that a partition still has, from memory where that is True; None where the
        broker does not tell. `seek`: read a partition from an offset on."""
        self._intake = intake
        self._telemetry = telemetry
        self._first_offset = first_offset
        self._seek = seek
        self._resume: dict[Place, int] = {}  # offsets below are known to be gone
        self._looked_at: dict[Place, int] = {}  # where offsets were missing, and are being read again
        self._sparse: set[Place] = set()  # missing offsets were confirmed: compacted or transactional

    def forget(self, place: Place) -> None:
        """The partition begins again, or is somebody else's."""
        self._resume.pop(place, None)
        self._looked_at.pop(place, None)
        self._sparse.discard(place)

    def doubt(self, place: Place) -> None:
        """The partition is read again from further back: offsets that are missing are looked at again."""
        self._sparse.discard(place)

    def is_sparse(self, place: Place) -> bool:
        """Whether the partition is known to have offsets that hold no message for us."""
        return place in self._sparse or self._intake.landed(place).is_sparse

    def admit(self, place: Place, run: list[Message]) -> None:
        """Take the messages, unless offsets are missing before one of them and it is not known why."""
        seen = self._intake.seen(place)
        expected = None if seen is None else max(seen[0] + 1, self._resume.get(place, 0))
        jump = first_jump(expected, run)
        is_sparse = self.is_sparse(place)
        low = None if jump is None else self._first_offset(place, is_sparse)
        if jump is None or (is_sparse and (low is None or low <= jump.expected)):
            self._intake.take(place, run)
            return
        self._intake.take(place, run[: jump.index])
        verdict = judge_jump(jump, low, self._looked_at.get(place))
        missing = {"expected": jump.expected, "found": jump.found}
        if verdict == LOOK_AGAIN:
            self._look_again(place, jump.expected, **missing)
            return
        if verdict == DELETED:
            self.gap(place, jump.expected, min(low or jump.found, jump.found))
        elif verdict == ADMIT:
            self._sparse.add(place)
            why = "offsets missing, none deleted: compacted or transactional topic"
            self._telemetry.say(logging.INFO, why, place, **missing)
        self._intake.take(place, run[jump.index :])

    def reach_end(self, place: Place, end: int) -> bool:
        """The broker's next offset is `end`: False where the partition is read once more before that is believed.

        What is missing up to there are marks of transactions and aborted messages. They are noted, so that they are no
        loss when the broker deletes them.
        """
        seen = self._intake.seen(place)
        if seen is not None and end > seen[0] + 1:
            if not self.is_sparse(place) and self._looked_at.get(place) != seen[0] + 1:
                self._look_again(place, seen[0] + 1, expected=seen[0] + 1, end=end)
                return False
            self._intake.pass_over(place, (end - 1,))
        return True

    def gap(self, place: Place, expected: int, found: int) -> None:
        """Tell what was deleted: messages, unless the partition has had offsets without one before."""
        self._resume[place] = found
        lost: int | None = found - expected
        why = "the broker deleted messages before they landed"
        if self.is_sparse(place):
            why = f"the broker deleted {lost} offsets before they landed: messages, or only marks of transactions"
            lost = None
        self._telemetry.gap(place, "deleted", (expected,), (found,), lost, why)

    def _look_again(self, place: Place, offset: int, **missing: int) -> None:
        self._looked_at[place] = offset
        self._telemetry.say(logging.INFO, "offsets missing, looking again", place, **missing)
        self._seek(place, offset)
