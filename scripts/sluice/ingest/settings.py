"""What can be set from outside: environment variables of the write side, read once at the start."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

MAX_BODY_BYTES = 8 * 1024 * 1024
"""The largest request body; anything over it is answered 413."""

MAX_BULK_EVENTS = 5_000
"""The most events of one bulk request; more are answered 413."""

BACKLOG = 1_024
"""Connections that the system holds until they are taken."""

_ORIGIN = re.compile(r"https?://[^/\s,*?#@]+")


class SettingsError(ValueError):
    """An environment variable holds something that cannot be used."""


@dataclass(frozen=True)
class Settings:
    """Limits of one process."""

    rate: float = 50_000.0
    """Events per second that one tenant may send on average (SLUICE_INGEST_RATE)."""

    min_free_bytes: int = 256 * 1024 * 1024
    """Below this much free disk space writes are refused (SLUICE_INGEST_MIN_FREE_BYTES)."""

    segment_seconds: float = 1.0
    """Age at which the open segment becomes a landing file."""

    segment_bytes: int = 8 * 1024 * 1024
    """Size at which the open segment becomes a landing file."""

    queue_bytes: int = 64 * 1024 * 1024
    """Rows that may wait for the disk before writes are refused."""

    backlog_bytes: int = 512 * 1024 * 1024
    """Segments that may wait to become landing files before writes are refused."""

    inflight_bytes: int = 256 * 1024 * 1024
    """Request bodies held in memory at once before writes are refused."""

    lag_seconds: float = 2.0
    """Writes are refused while the disk has been busy with one write for longer."""

    body_seconds: float = 30.0
    """A client that takes longer to send its body is answered 408."""

    allow_origins: tuple[str, ...] = ()
    """Origins whose pages may write from a browser (SLUICE_INGEST_ALLOW_ORIGINS); none by default."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """The settings of this process; SettingsError names the variable and its value."""
        default = cls()
        return cls(
            rate=_number(environment, "SLUICE_INGEST_RATE", default.rate, least=0.001),
            min_free_bytes=int(
                _number(environment, "SLUICE_INGEST_MIN_FREE_BYTES", default.min_free_bytes, least=0)
            ),
            allow_origins=_origins(environment, "SLUICE_INGEST_ALLOW_ORIGINS"),
        )


def _origins(environment: Mapping[str, str], name: str) -> tuple[str, ...]:
    found = tuple(each.strip() for each in environment.get(name, "").split(",") if each.strip())
    for origin in found:
        if origin != "*" and not _ORIGIN.fullmatch(origin):
            raise SettingsError(f"{name}={origin}: expected origins such as https://app.example.org, or *")
    return found


def _number(environment: Mapping[str, str], name: str, default: float, least: float) -> float:
    text = environment.get(name, "").strip()
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not least <= value < float("inf"):
        raise SettingsError(f"{name}={text}: expected a number of at least {least:g}")
    return value
