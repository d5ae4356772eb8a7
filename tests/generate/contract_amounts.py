"""Numbers and amounts of the contract, read in plain Python; see contract_values."""

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext

NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)


def read_number(text: str) -> float | None:
    """A number column's value; None where it is none or too large for a double."""
    if not NUMBER.fullmatch(text):
        return None
    value = float(text)
    return None if value in (float("inf"), float("-inf")) else value


BLANK = "[ \u00a0\u202f]*"
CURRENCY = "[$£€¥₹]|[A-Z]{3}"
BARE = "[.,]?[0-9](?:[0-9.,'\u2019 \u00a0\u202f]*[0-9])?(?:[eE][+-]?[0-9]+)?"
DECORATED = re.compile(
    rf"(?P<open>\()?{BLANK}(?P<s1>[+-])?{BLANK}(?P<c1>{CURRENCY})?{BLANK}(?P<s2>[+-])?{BLANK}(?P<n>{BARE}){BLANK}"
    rf"(?P<s3>[+-])?{BLANK}(?P<c2>{CURRENCY})?{BLANK}(?P<s4>[+-])?{BLANK}(?P<close>\))?"
)


@dataclass(frozen=True)
class Amount:
    """What a text means as an amount, and which bits it has of value_forms."""

    value: Decimal | None = None
    forms: int = 0


def read_amount(text: str, decimal: str = "point") -> Amount:
    """A cleaned text as an amount. `decimal` is point, comma, or what the file told: auto or mixed."""
    with_point, with_comma, shows_comma = _both_ways(text)
    forms = 0
    if with_point != with_comma:
        forms = 8 if with_comma is None else 16 if with_point is None and shows_comma else 32
    if decimal == "comma":
        return Amount(with_comma, forms)
    if decimal == "point":
        return Amount(with_point, forms)
    if with_point is None:
        return Amount(with_comma if shows_comma else None, forms)
    if decimal == "mixed" and with_comma not in (None, with_point):
        return Amount(None, forms)
    return Amount(with_point, forms)


def _both_ways(text: str) -> tuple[Decimal | None, Decimal | None, bool]:
    match = DECORATED.fullmatch(text)
    if not match:
        return None, None, False
    signs = "".join(match[group] or "" for group in ("s1", "s2", "s3", "s4"))
    if (match["c1"] and match["c2"]) or bool(match["open"]) != bool(match["close"]):
        return None, None, False
    if len(signs) + bool(match["open"]) > 1:
        return None, None, False
    factor = -1 if match["open"] or signs == "-" else 1
    number = match["n"]
    point = _plain(number, ".", [","])
    comma = _plain(number, ",", [".", " ", "\u00a0", "\u202f", "'", "\u2019"])
    shows = "," in number and not re.fullmatch(r"(0[0-9]*)?,[0-9]{3}", number)
    return _money(point, factor), _money(comma, factor), shows


def _plain(number: str, decimal: str, thousands: list[str]) -> str | None:
    """The number with a point and nothing else, or None."""
    mark = re.escape(decimal)
    if re.fullmatch(rf"([0-9]{{1,14}}({mark}[0-9]+)?|{mark}[0-9]+)([eE][+-]?[0-9]+)?", number):
        return number.replace(decimal, ".")
    for part in thousands:
        if re.fullmatch(rf"[1-9][0-9]{{0,2}}({re.escape(part)}[0-9]{{3}})+({mark}[0-9]+)?", number):
            return number.replace(part, "").replace(decimal, ".")
    return None


def _money(number: str | None, factor: int) -> Decimal | None:
    if number is None:
        return None
    mantissa, _, exponent = number.lower().partition("e")
    power = int(exponent or 0)
    if Decimal(mantissa) == 0 or power < -2000:
        return Decimal(0)
    if power > 2000:
        return None
    with localcontext(prec=6000):
        exact = (Decimal(mantissa) * factor).scaleb(power)
        value = exact.quantize(Decimal("0.0001"), ROUND_HALF_UP)
    return value if abs(value) < 10**14 else None
