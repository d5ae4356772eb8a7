"""When to build what: the decisions of the watcher, apart from dbt and from the clock."""

from collections.abc import Collection
from dataclasses import dataclass, field

WHOLE_SECONDS = 600.0
"""While files keep coming, everything is built and tested this often."""
QUIET_SECONDS = 20.0
"""When nothing has come for this long, what builds of single feeds left out is made up for."""
BACK_OFF_SECONDS = (2.0, 5.0, 15.0, 60.0)
"""How long to wait after the first, second … failure in a row."""


@dataclass
class Plan:
    """What is to be built. Times are seconds of a monotonic clock."""

    feeds: Collection[str]
    whole_because: str | None = "start"
    waiting: set[str] = field(default_factory=set)
    failures: int = 0
    not_before: float = 0.0
    last_whole: float = 0.0
    last_change: float = 0.0
    is_partial: bool = False
    """Single feeds were built since everything was."""

    def note_changes(self, folders: Collection[str], now: float) -> None:
        """Files came, went or changed in these folders of the landing zone."""
        if folders:
            self.last_change = now
        self.waiting |= set(folders)

    def next_build(self, now: float) -> list[str] | None:
        """The feeds to build now; an empty list: everything; None: nothing."""
        if now < self.not_before:
            return None
        if self.whole_because or not self.waiting <= set(self.feeds):
            return []
        if self.is_partial and now - self.last_whole > WHOLE_SECONDS:
            return []
        if self.waiting:
            return sorted(self.waiting)
        return [] if self.is_partial and now - self.last_change > QUIET_SECONDS else None

    def note_build(self, built: Collection[str], succeeded: bool, now: float) -> None:
        """A build has ended. After a failure the next one is of everything, a while later or when the code changes."""
        if succeeded:
            self.failures, self.not_before, self.whole_because = 0, 0.0, None
            self.is_partial = bool(built)
            self.last_whole = self.last_whole if built else now
        else:
            self.whole_because = "the last build failed"
            self.not_before = now + BACK_OFF_SECONDS[min(self.failures, len(BACK_OFF_SECONDS) - 1)]
            self.failures += 1
