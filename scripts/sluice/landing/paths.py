"""What the path of a landing file says: which feed it is of, which ingest date it was delivered under.

A path is `<feed>/[date folder]/[hour=H/][minute=M/][folder that Spark wrote/]<name>`. The date folder is `ingest_date=`,
`dt=` or `date=` with an ISO date, or `year=/month=/day=`. Without one the file takes the UTC date of its modification time.
"""

import datetime as dt
import re
from collections.abc import Collection
from dataclasses import dataclass

DATA_NAME = re.compile(
    r".+\.(?:(?:csv|tsv|txt)(?:\.\d+)?(?:\.(?:gz|bz2|xz|zst|zip))?(?:\.\d+)?|zip)", re.IGNORECASE | re.DOTALL
)
"""Names of files that hold records; rotated ones have a number (`events.csv.1`, `events.csv.1.gz`)."""
_DATE = re.compile(r"(?:ingest_date|dt|date)=(.*)", re.DOTALL)
_YEAR, _MONTH, _DAY = re.compile(r"year=(\d{4})"), re.compile(r"month=(\d\d?)"), re.compile(r"day=(\d\d?)")
_HOUR, _MINUTE = re.compile(r"hour=(?:[01]?\d|2[0-3])"), re.compile(r"minute=[0-5]?\d")
_SECONDS_OF_DAY = 86_400
_FIRST_DAY = dt.date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class LandingPath:
    """What a path says: `feed` is its first folder, `ingest_date` an ISO date or None. `error`: why there can be no landing
    file, and what to do about it."""

    feed: str
    ingest_date: str | None = None
    error: str | None = None


def read_path(file: str, modified_ns: int, feeds: Collection[str]) -> LandingPath:
    """Read a path relative to the landing folder.

    Args:
        file: the path, with `/` as separator.
        modified_ns: modification time in nanoseconds since 1970 (UTC).
        feeds: the names of all feeds.
    """
    feed, *folders, name = file.split("/")
    if not folders and feed == name:
        return LandingPath(
            feed,
            None,
            "The file lies outside every feed folder; move it to landing/<feed>/ingest_date=YYYY-MM-DD/",
        )
    if feed not in feeds:
        return LandingPath(feed, None, f"There is no feed '{feed}'; the feeds are {', '.join(sorted(feeds))}")
    ingest_date, rest, error = _date_of(folders, modified_ns)
    if error is None and not DATA_NAME.fullmatch(name):
        error = f"The name '{name}' does not end in .csv, .tsv or .txt (also with .gz, .bz2, .xz, .zst or a number), or in .zip"
    if error is None:
        error = _wrong_folder(rest, name)
    return LandingPath(feed, ingest_date, error)


def _date_of(folders: list[str], modified_ns: int) -> tuple[str | None, list[str], str | None]:
    """The ingest date, the folders below its own, and what is wrong with them."""
    if not folders or _may_stand_below_date(folders[0]):
        days = modified_ns // 1_000_000_000 // _SECONDS_OF_DAY
        return (_FIRST_DAY + dt.timedelta(days=days)).isoformat(), folders, None
    named = _DATE.fullmatch(folders[0])
    if named:
        date, rest = _iso_date(named[1]), folders[1:]
    elif len(folders) >= 3 and (parts := _year_month_day(folders)):
        date, rest = _iso_date(parts), folders[3:]
    else:
        date, rest = None, folders
    if date is None:
        shown = "/".join(folders[:3]) if folders[0].startswith("year=") else folders[0]
        wanted = "ingest_date=YYYY-MM-DD (or dt=, date=, year=YYYY/month=MM/day=DD)"
        return None, rest, f"The folder '{shown}' names no date; it must read {wanted}"
    return date, rest, None


def _year_month_day(folders: list[str]) -> str | None:
    parts = [
        pattern.fullmatch(folder) for pattern, folder in zip((_YEAR, _MONTH, _DAY), folders, strict=False)
    ]
    return "-".join(part[1].zfill(2) for part in parts if part) if all(parts) else None


def _iso_date(text: str) -> str | None:
    """The text, if it is a date written YYYY-MM-DD."""
    try:
        return text if dt.date.fromisoformat(text).isoformat() == text else None
    except ValueError:
        return None


def _may_stand_below_date(folder: str) -> bool:
    return bool(_HOUR.fullmatch(folder) or _MINUTE.fullmatch(folder) or DATA_NAME.fullmatch(folder))


def _wrong_folder(folders: list[str], name: str) -> str | None:
    """What is wrong with the folders below the date's."""
    rest = list(folders)
    for pattern in (_HOUR, _MINUTE):
        if rest and pattern.fullmatch(rest[0]):
            rest.pop(0)
    if rest and len(rest) == 1 and (DATA_NAME.fullmatch(rest[0]) or name.startswith("part-")):
        rest.pop(0)
    if rest:
        return (
            f"The folder '{rest[0]}' cannot be placed; only hour=0 to hour=23, minute=0 to minute=59 and a folder that Spark"
            " wrote (events.csv/part-0.csv) may stand below the date"
        )
    return None
