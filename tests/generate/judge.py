"""An independent, slow reading of the contract for single records, to hold the generator's claims against."""

import datetime as dt
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

WHITE = " \t\r\n\v\f\u00a0"
NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]+)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
AMOUNT = re.compile(r"[+-]?([0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?|[0-9]+(\.[0-9]+)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
WHOLE = re.compile(r"[+-]?[0-9]+(\.0+)?")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
ZONE = r"(?: ?(?P<zone>Z|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?))"
DAY_TIME = r"(?P<h>[0-9]{2}):(?P<mi>[0-9]{2})"
SHAPES = [
    re.compile(p, re.ASCII)
    for p in (
        r"(?P<y>[0-9]{4})-(?P<mo>[0-9]{2})-(?P<d>[0-9]{2})"
        rf"[T ]{DAY_TIME}(?::(?P<s>[0-9]{{2}})(?:\.(?P<f>[0-9]+))?)?{ZONE}?",
        r"(?P<y>[0-9]{4})(?P<mo>[0-9]{2})(?P<d>[0-9]{2})T(?P<h>[0-9]{2})(?P<mi>[0-9]{2})(?P<s>[0-9]{2})(?P<zone>Z)?",
        r"(?P<y>[0-9]{4})-(?P<mo>[0-9]{2})-(?P<d>[0-9]{2})",
        rf"(?P<d>[0-9]{{2}})/(?P<mo>[0-9]{{2}})/(?P<y>[0-9]{{4}})(?: {DAY_TIME}(?::(?P<s>[0-9]{{2}}))?)?",
        rf"(?P<d>[0-9]{{2}})\.(?P<mo>[0-9]{{2}})\.(?P<y>[0-9]{{4}})(?: {DAY_TIME}(?::(?P<s>[0-9]{{2}}))?)?",
        r"(?:[A-Z][a-z]{2}, )?(?P<d>[0-9]{2}) (?P<mon>[A-Z][a-z]{2}) (?P<y>[0-9]{4}) "
        rf"{DAY_TIME}:(?P<s>[0-9]{{2}}) "
        r"(?P<zone>GMT|UTC|[+-][0-9]{4})",
        r"(?P<d>[0-9]{2})/(?P<mon>[A-Z][a-z]{2})/(?P<y>[0-9]{4})"
        rf":{DAY_TIME}:(?P<s>[0-9]{{2}}) (?P<zone>[+-][0-9]{{4}})",
    )
]
EPOCH = dt.datetime(1970, 1, 1)
EARLIEST, LATEST = dt.datetime(1980, 1, 1), dt.datetime(2100, 1, 1)


def instant(text: str) -> dt.datetime | None:
    """The UTC instant of a text, or None."""
    found = _epoch(text) or _calendar(text)
    return found if found and EARLIEST <= found < LATEST else None


def _epoch(text: str) -> dt.datetime | None:
    if re.fullmatch(r"[0-9]{9,10}(\.[0-9]+)?", text, re.ASCII):
        return EPOCH + dt.timedelta(microseconds=int(Decimal(text) * 1_000_000))
    digits = len(text)
    if re.fullmatch(r"[0-9]+", text, re.ASCII) and digits in (12, 13, 15, 16, 18, 19):
        micros = {12: 1000, 13: 1000, 15: 1, 16: 1}
        return EPOCH + dt.timedelta(
            microseconds=int(text) * micros[digits] if digits < 18 else int(text) // 1000
        )
    return None


def _calendar(text: str) -> dt.datetime | None:
    for shape in SHAPES:
        match = shape.fullmatch(text)
        if match:
            part: dict[str, Any] = {
                "h": None,
                "mi": None,
                "s": None,
                "f": None,
                "zone": None,
                **match.groupdict(),
            }
            month = MONTHS.index(part["mon"]) + 1 if part.get("mon") in MONTHS else int(part.get("mo") or 0)
            try:
                local = dt.datetime(
                    int(part["y"]), month, int(part["d"]),
                    int(part["h"] or 0), int(part["mi"] or 0), int(part["s"] or 0),
                    int(((part["f"] or "") + "000000")[:6]),
                )  # fmt: skip
            except ValueError:
                return None
            offset = _offset(part["zone"])
            return None if offset is None else local - offset
    return None


def _offset(zone: str | None) -> dt.timedelta | None:
    if zone in (None, "Z", "UTC", "GMT"):
        return dt.timedelta()
    digits = zone[1:].replace(":", "").ljust(4, "0")
    size = dt.timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return None if size > dt.timedelta(hours=14) else (-size if zone[0] == "-" else size)


def number(text: str) -> float | None:
    return float(text) if NUMBER.fullmatch(text) and text.isascii() else None


def amount(text: str) -> Decimal | None:
    if not AMOUNT.fullmatch(text):
        return None
    value = Decimal(text.replace(",", "")).quantize(Decimal("0.0001"), ROUND_HALF_UP)
    return value if abs(value) < 10**14 else None


@dataclass
class Judged:
    """What the contract says of one record."""

    reasons: list[str] = field(default_factory=list)
    repaired: list[str] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)


class Judge:
    """Judges records, given as trimmed texts by column."""

    def __init__(self, known_customers: set[str]) -> None:
        self.known_customers = known_customers

    def judge(self, feed: str, record: dict[str, str | None]) -> Judged:
        judged = Judged()
        rules: Callable[[dict[str, str | None], Judged], None] = getattr(self, f"_{feed}")
        rules(record, judged)
        judged.reasons.sort()
        judged.repaired.sort()
        return judged

    @staticmethod
    def _need(record: dict, judged: Judged, *columns: str, lower: tuple[str, ...] = ()) -> None:
        for column in columns:
            value = record.get(column)
            if value is None:
                judged.reasons.append(f"missing_{column}")
            judged.values[column] = value.lower() if value and column in lower else value

    @staticmethod
    def _time(record: dict, judged: Judged, column: str, name: str) -> None:
        text = record.get(column)
        judged.values[name] = instant(text) if text else None
        if text is None:
            judged.reasons.append(f"missing_{column}")
        elif judged.values[name] is None:
            judged.reasons.append(f"invalid_{column}")

    @staticmethod
    def _fold(record: dict, judged: Judged, *columns: str, upper: bool = False) -> None:
        for column in columns:
            value = record.get(column)
            judged.values[column] = value and (value.upper() if upper else value.lower())

    @staticmethod
    def _repair(judged: Judged, column: str, text: str | None, value: Any) -> None:
        judged.values[column] = value
        if text is not None and value is None:
            judged.repaired.append(column)

    def _service_events(self, record: dict, judged: Judged) -> None:
        self._need(record, judged, "event_id", "service", "event_type", lower=("service", "event_type"))
        self._time(record, judged, "timestamp", "event_at")
        judged.values["event_at_raw"] = record["timestamp"]
        judged.values["user_id"] = record.get("user_id")
        text = record.get("latency_ms")
        latency = number(text) if text else None
        self._repair(judged, "latency_ms", text, latency if latency is not None and latency >= 0 else None)
        text = record.get("status_code")
        status = int(float(text)) if text and WHOLE.fullmatch(text) and text.isascii() else None
        self._repair(
            judged, "status_code", text, status if status is not None and 100 <= status <= 599 else None
        )

    def _customers(self, record: dict, judged: Judged) -> None:
        self._need(record, judged, "customer_id")
        judged.values["country"] = record.get("country")
        email = record.get("email")
        self._repair(judged, "email", email, email.lower() if email and EMAIL.fullmatch(email) else None)
        created = record.get("created_at")
        self._repair(judged, "created_at", created, instant(created) if created else None)

    def _customer(self, record: dict, judged: Judged) -> None:
        self._need(record, judged, "customer_id")
        if record["customer_id"] and record["customer_id"] not in self.known_customers:
            judged.reasons.append("unknown_customer_id")

    def _product_events(self, record: dict, judged: Judged) -> None:
        self._need(record, judged, "event_id")
        self._customer(record, judged)
        self._time(record, judged, "event_time", "event_at")
        self._fold(record, judged, "event_type", "platform")
        judged.values["session_id"] = record.get("session_id")
        text = record.get("duration_ms")
        value = judged.values["duration_ms"] = number(text) if text else None
        if text is not None and (value is None or not 0 <= value <= 86_400_000):
            judged.reasons.append("invalid_duration_ms")

    def _amount(self, record: dict, judged: Judged) -> Decimal | None:
        text = record.get("amount")
        value = judged.values["amount"] = amount(text) if text else None
        if text is None:
            judged.reasons.append("missing_amount")
        elif value is None:
            judged.reasons.append("invalid_amount")
        elif value < 0:
            judged.reasons.append("negative_amount")
        return value

    def _orders(self, record: dict, judged: Judged) -> None:
        self._need(record, judged, "order_id", "status", lower=("status",))
        self._customer(record, judged)
        self._time(record, judged, "order_time", "ordered_at")
        value, status = self._amount(record, judged), judged.values["status"]
        if value is not None and value <= 0 and status in ("paid", "refunded", "chargeback"):
            judged.reasons.append("non_positive_amount_for_status")
        if status and status not in ("paid", "refunded", "chargeback", "failed", "pending", "cancelled"):
            judged.reasons.append("unknown_status")
        text = record.get("currency")
        self._repair(
            judged, "currency", text, text.upper() if text and re.fullmatch(r"[A-Za-z]{3}", text) else None
        )

    def _tenant_events(self, record: dict, judged: Judged) -> None:
        folded = ("tenant_id", "source", "event_type")
        self._need(record, judged, "event_id", *folded, lower=folded)
        tenant = judged.values["tenant_id"]
        if tenant and not re.fullmatch(r"[a-z0-9_-]{1,64}", tenant):
            judged.reasons.append("invalid_tenant_id")
        self._time(record, judged, "timestamp", "event_at")
        payload = judged.values["payload"] = record.get("payload")
        if payload:
            try:
                told = json.loads(payload)
            except ValueError:
                told = None
            if not isinstance(told, dict):
                judged.reasons.append("invalid_payload")
            if len(payload.encode()) > 65_536:
                judged.reasons.append("payload_too_large")
        text = record.get("schema_version")
        version = int(text) if text and re.fullmatch(r"\+?[0-9]+", text) and int(text) > 0 else None
        self._repair(judged, "schema_version", text, version)
        judged.values["schema_version"] = version or 1

    def _transactions(self, record: dict, judged: Judged) -> None:
        self._need(record, judged, "id", "side", lower=("side",))
        self._time(record, judged, "timestamp", "transacted_at")
        self._amount(record, judged)
        if judged.values["side"] not in (None, "credit", "debit"):
            judged.reasons.append("invalid_side")
        judged.values |= {column: record.get(column) for column in ("description", "merchant")}
        self._fold(record, judged, "operation_type")
