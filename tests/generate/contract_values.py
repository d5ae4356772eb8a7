"""The value contract read in plain Python, one text at a time: cleaning and instants (contract_amounts has the rest).

Written from the contract, not from the SQL, to hold the two against each other. Slow and plain on purpose.
"""

import datetime as dt
import re
from dataclasses import dataclass
from decimal import Decimal
from zoneinfo import ZoneInfo, available_timezones

WHITE = (
    "\t\n\v\f\r \u0085\u00a0\u1680"
    + "".join(map(chr, range(0x2000, 0x200B)))
    + "\u2028\u2029\u202f\u205f\u3000\u200b\u200c\u200d\u2060\ufeff"
)
"""Unicode white space, and the invisible characters that are trimmed with it."""
NULL_WORDS = ("null", "(null)", "none", "n/a", "#n/a", "nan", "undefined", "nil", "-", "--")
BLANKS = re.compile("[ \u00a0\u202f]+")
SHORT = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
LONG = [
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
    "november", "december",
]  # fmt: skip
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EPOCH = dt.datetime(1970, 1, 1)
ZONES = {name.lower(): name for name in available_timezones()}


def clean_text(raw: str | None) -> str | None:
    """A field of free text, trimmed; None when nothing is left, or when it is backslash N."""
    text = (raw or "").strip(WHITE)
    return None if text in ("", "\\N") else text


def clean_value(raw: str | None, words: tuple[str, ...] = NULL_WORDS) -> str | None:
    """A key, identifier, instant or number: null words are None, too."""
    text = clean_text(raw)
    return None if text is None or text.lower() in words else text


@dataclass(frozen=True)
class Options:
    """What a source's YAML says of its instants."""

    date_order: str = "auto"
    """dmy, mdy, ymd; auto or mixed is what the file told."""
    time_zone: str = "UTC"
    first: str = "1900-01-01"
    last: str = "2099-12-31"
    slash_date_order: str = "dmy"


DEFAULT = Options()


@dataclass(frozen=True)
class Reading:
    """What a text means: an instant, or None and whether only the order of its numbers is missing."""

    instant: dt.datetime | None = None
    is_ambiguous: bool = False
    forms: int = 0


def read_instant(text: str, options: Options = DEFAULT) -> Reading:
    """A cleaned text as an instant (UTC)."""
    meanings = _meanings(BLANKS.sub(" ", text), options)
    if meanings is None:
        return Reading()
    if len(meanings) == 1:
        return Reading(meanings[0])
    day_first, month_first = meanings[:2]
    forms = 0
    if day_first != month_first:
        forms = 1 if month_first is None else 2 if day_first is None else 4
    has_short_year = len(meanings) == 3
    known = [m for m in meanings if m]
    if has_short_year and known:
        forms |= 64
    order = options.date_order
    if order in ("dmy", "mdy", "ymd"):
        place = ("dmy", "mdy", "ymd").index(order)
        return Reading(meanings[place] if place < len(meanings) else None, forms=forms)
    if has_short_year:
        return Reading(None, bool(known), forms)
    if len(set(known)) < 2:
        return Reading(known[0] if known else None, forms=forms)
    if order == "mixed":
        return Reading(None, True, forms)
    return Reading(day_first if options.slash_date_order == "dmy" else month_first, forms=forms)


Meanings = list[dt.datetime | None]


def _meanings(text: str, options: Options) -> Meanings | None:
    """One meaning where the form tells the order, two or three (day, month, year first) where it does not."""
    if not text.isascii():
        return None
    for form in (_epoch, _year_first, _compact, _three_numbers, _named_month, _log_time, _asctime):
        found = form(text, options)
        if found is not None:
            return found
    return None


def _epoch(text: str, options: Options) -> Meanings | None:
    if not re.fullmatch(r"\d+(\.\d+)?([eE][+-]?\d{1,4})?", text, re.ASCII):
        return None
    value = Decimal(text)
    digits = len(text.split(".")[0])
    if "e" in text.lower():
        if value >= 10**19:
            return None
        digits = len(str(int(value)))
    whole = int(value)
    if digits in (9, 10):
        micros = int(value * 10**6)
    elif digits in (12, 13):
        micros = int(value * 10**3)
    elif digits in (15, 16):
        micros = whole
    elif digits == 18 and 62 * 10**16 <= whole <= 65 * 10**16:
        micros = whole // 10 - 62_135_596_800_000_000
    elif digits in (18, 19):
        micros = whole // 1000
    else:
        return None
    try:
        return [_within(EPOCH + dt.timedelta(microseconds=micros), options)]
    except OverflowError:
        return [None]


def _year_first(text: str, options: Options) -> Meanings | None:
    match = re.fullmatch(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})([T ].*)?", text, re.ASCII)
    if not match:
        return None
    year, _, month, day, time = match.groups()
    return [_instant(_day(year, month, day), time, options)]


def _compact(text: str, options: Options) -> Meanings | None:
    match = re.fullmatch(r"(\d{4})(\d\d)(\d\d)(?:T?(\d\d)(\d\d)(\d\d)(\D.*)?)?", text, re.ASCII)
    if not match:
        return None
    year, month, day, hour, minute, second, rest = match.groups()
    time = f"T{hour}:{minute}:{second}{rest or ''}" if hour else None
    return [_instant(_day(year, month, day), time, options)]


def _three_numbers(text: str, options: Options) -> Meanings | None:
    match = re.fullmatch(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{1,2})([T ].*)?", text, re.ASCII)
    if not match:
        return None
    first, _, second, third, time = match.groups()
    days = [None, None]
    if len(third) in (2, 4):
        days = [_day(third, second, first), _day(third, first, second)]
    if len(third) < 4:
        days.append(_day(first, second, third) if len(first) == 2 else None)
    return [_instant(day, time, options) for day in days]


def _named_month(text: str, options: Options) -> Meanings | None:
    for pattern in (
        r"(?P<d>\d{1,2})-(?P<m>[a-z]+)-(?P<y>\d{4}|\d\d)(?P<t>[T ].*)?",
        r"(?:(?P<w>[a-z]{3}), )?(?P<d>\d{1,2}) (?P<m>[a-z]+) (?P<y>\d{4}|\d\d)(?P<t>[T ].*)?",
        r"(?P<m>[a-z]+) (?P<d>\d{1,2}),? (?P<y>\d{4}|\d\d)(?P<t>[T ].*)?",
    ):
        match = re.fullmatch(pattern, text, re.ASCII | re.IGNORECASE)
        if match:
            weekday = match.groupdict().get("w")
            month = _month(match["m"])
            # The time is separated by a capital T, whatever the case of the names.
            if month and (not weekday or weekday.lower() in WEEKDAYS) and (match["t"] or " ")[0] != "t":
                return [_instant(_day(match["y"], month, match["d"]), match["t"], options)]
    return None


def _log_time(text: str, options: Options) -> Meanings | None:
    match = re.fullmatch(r"\[?(\d{1,2})/([A-Za-z]+)/(\d{4})(?::(.*))?", text, re.ASCII)
    month = match and _month(match[2])
    if not match or not month:
        return None
    time = None if match[4] is None else "T" + match[4]
    return [_instant(_day(match[3], month, match[1]), time, options)]


def _asctime(text: str, options: Options) -> Meanings | None:
    clock = r"[0-9:.,]+(?: ?[AaPp][Mm])?"
    match = re.fullmatch(
        rf"([A-Za-z]{{3}}) ([A-Za-z]+) (\d{{1,2}}) ({clock}) (\S{{3,}}|[Zz]) (\d{{4}})", text
    )
    month = match and _month(match[2])
    if not match or not month or match[1].lower() not in WEEKDAYS:
        return None
    return [_instant(_day(match[6], month, match[3]), f" {match[4]} {match[5]}", options)]


def _month(name: str) -> str | None:
    name = name.lower()
    for names in (SHORT, LONG):
        if name in names:
            return str(names.index(name) + 1)
    return None


def _day(year: str, month: str, day: str) -> dt.datetime | None:
    number = int(year)
    if len(year) == 2:
        number += 1900 if number >= 69 else 2000
    try:
        return dt.datetime(number, int(month), int(day))
    except ValueError:
        return None


TIME = re.compile(
    r"[T ](?P<h>\d{1,2}):(?P<m>[0-5]\d)(?::(?P<s>[0-5]\d|60)(?:[.,](?P<f>\d+))?)?(?P<half> ?[AaPp][Mm])?(?P<zone>.*)",
    re.ASCII,
)
NAME = r"\[[A-Z][^\]]+\]|[A-Z][A-Za-z]*(?:/[A-Za-z0-9_+-]+)+|[A-Z][a-z]{3,}"
SHIFT = r"[Zz]|[+-]\d\d(?::?\d\d)?"
ZONE = re.compile(rf" ?(?P<utc>UTC|GMT)| ?(?P<shift>{SHIFT})?(?: ?(?P<zone>{NAME}))?", re.ASCII)


def _instant(day: dt.datetime | None, time: str | None, options: Options) -> dt.datetime | None:
    if day is None:
        return None
    if time is None:
        return _to_utc(day, options.time_zone, options)
    for match in _times(time):
        zone = ZONE.fullmatch(match["zone"])
        hour, half = int(match["h"]), (match["half"] or "").strip().lower()
        if not zone or (not 1 <= hour <= 12 if half else hour > 23):
            continue
        hour = hour % 12 + 12 * (half == "pm") if half else hour
        local = day + dt.timedelta(
            hours=hour, minutes=int(match["m"]), seconds=int(match["s"] or 0),
            microseconds=int((match["f"] or "").ljust(6, "0")[:6]),
        )  # fmt: skip
        name = zone["zone"]
        if name is not None:
            name = _zone_name(name)
            if name is None:
                continue
        if zone["shift"]:
            shift = _shift(zone["shift"])
            return None if shift is None else _within(local - shift, options)
        return _to_utc(local, "UTC" if zone["utc"] else name or options.time_zone, options)
    return None


def _times(time: str) -> list[re.Match[str]]:
    """A time with a half of the day, and without one (the A of America is none)."""
    found = TIME.fullmatch(time)
    without = re.compile(TIME.pattern.replace("(?P<half> ?[AaPp][Mm])?", "(?P<half>)"), re.ASCII).fullmatch(
        time
    )
    return [match for match in (found, without) if match]


def _zone_name(name: str) -> str | None:
    if name in ("[UTC]", "[GMT]"):
        return "UTC"
    name = name.strip("[]")
    known = ZONES.get(name.lower())
    is_name = "/" in name or (len(name) > 3 and re.fullmatch("[A-Z][a-z]+", name))
    return known if is_name else None


def _shift(zone: str) -> dt.timedelta | None:
    if zone in "Zz":
        return dt.timedelta()
    digits = zone[1:].replace(":", "").ljust(4, "0")
    hours, minutes = int(digits[:2]), int(digits[2:])
    size = dt.timedelta(hours=hours, minutes=minutes)
    if minutes > 59 or size > dt.timedelta(hours=14):
        return None
    return -size if zone[0] == "-" else size


def _to_utc(local: dt.datetime, zone: str, options: Options) -> dt.datetime | None:
    if zone == "UTC":
        return _within(local, options)
    # fold=0 is the first of two; a time that does not occur does not come back from UTC.
    instant = local.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(dt.UTC)
    if instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None) != local:
        return None
    return _within(instant.replace(tzinfo=None), options)


def _within(instant: dt.datetime, options: Options) -> dt.datetime | None:
    return instant if options.first <= instant.date().isoformat() <= options.last else None
