"""How hard, how fast and how long the prediction service is asked."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self


@dataclass(frozen=True)
class Settings:
    """The knobs of one classification run; the defaults suit a service on the same machine or network."""

    batch_size: int = 500
    """Transactions per request."""
    in_flight: int = 4
    """Requests at the same time."""
    timeout: float = 10.0
    """Seconds for one whole answer, from connecting to its last byte."""
    attempts: int = 4
    """Asks for a batch, or for a single transaction, before it counts as failed in this run."""
    backoff: float = 0.1
    """Seconds; the wait before attempt n is drawn from 0 to backoff * 2^n."""
    backoff_max: float = 5.0
    """Seconds; no wait is longer, whatever the service asks for in Retry-After."""
    max_seconds: float = 300.0
    """Seconds for the whole run; what is not answered by then stays pending."""
    breaker_threshold: int = 5
    """Asks in a row without any answer that open the breaker."""
    breaker_waits: tuple[float, ...] = (0.25, 0.5, 1.0, 2.0)
    """Seconds before each probe of an open breaker; when all of them have failed, the run gives up."""
    silence: float = 15.0
    """Seconds without any answer after which a failed probe ends the run at once."""
    patience: int = 100
    """Answers in a row without a single usable one after which the run gives up."""
    max_answer_bytes: int = 8 * 1024 * 1024
    """A longer answer is not read to its end."""

    def __post_init__(self) -> None:
        for name in (
            "batch_size",
            "in_flight",
            "attempts",
            "breaker_threshold",
            "patience",
            "max_answer_bytes",
        ):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ValueError(f"classification setting {name} is {value!r}: use a whole number from 1")
        for name in ("timeout", "max_seconds", "silence"):
            if not _is_number(getattr(self, name)) or getattr(self, name) <= 0:
                raise ValueError(
                    f"classification setting {name} is {getattr(self, name)!r}: use seconds above 0"
                )
        for name in ("backoff", "backoff_max"):
            if not _is_number(getattr(self, name)) or getattr(self, name) < 0:
                raise ValueError(
                    f"classification setting {name} is {getattr(self, name)!r}: use seconds from 0"
                )
        object.__setattr__(self, "breaker_waits", tuple(self.breaker_waits))
        if not self.breaker_waits or not all(_is_number(wait) and wait >= 0 for wait in self.breaker_waits):
            raise ValueError(
                f"classification setting breaker_waits is {self.breaker_waits!r}: use a list of seconds"
            )

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """Settings from a mapping, such as a dbt var. An unknown name or an impossible value is a
        ValueError."""
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise ValueError(
                f"unknown classification setting {', '.join(unknown)}; known are {', '.join(sorted(known))}"
            )
        return cls(**values)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value
