"""An independent, slow reading of the contract for single records, to hold the generator's claims against."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from .contract_amounts import read_amount, read_number
from .contract_values import DEFAULT, Options, clean_value, read_instant

WHOLE = re.compile(r"[+-]?[0-9]+(\.0+)?")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
VALUES = {
    "event_id", "customer_id", "order_id", "tenant_id", "id", "session_id", "user_id", "timestamp", "event_time",
    "order_time", "created_at", "amount", "latency_ms", "status_code", "duration_ms", "schema_version",
}  # fmt: skip
"""Columns in which null words are null: keys, identifiers, instants and numbers."""


@dataclass
class Judged:
    """What the contract says of one record."""

    reasons: list[str] = field(default_factory=list)
    repaired: list[str] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)


class Judge:
    """Judges records, given as trimmed texts by column; what their file tells comes with `options` and `decimal`."""

    def __init__(self, known_customers: set[str], options: Options = DEFAULT, decimal: str = "auto") -> None:
        self.known_customers = known_customers
        self.options = options
        self.decimal = decimal

    def judge(self, feed: str, record: dict[str, str | None]) -> Judged:
        judged = Judged()
        record = {name: clean_value(text) if name in VALUES else text for name, text in record.items()}
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

    def _time(self, record: dict, judged: Judged, column: str, name: str) -> None:
        text = record.get(column)
        if text is None:
            judged.values[name] = None
            judged.reasons.append(f"missing_{column}")
            return
        reading = read_instant(text, self.options)
        judged.values[name] = reading.instant
        if reading.instant is None:
            judged.reasons.append("ambiguous_timestamp" if reading.is_ambiguous else f"invalid_{column}")

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
        latency = read_number(text) if text else None
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
        self._repair(
            judged, "created_at", created, read_instant(created, self.options).instant if created else None
        )

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
        value = judged.values["duration_ms"] = read_number(text) if text else None
        if text is not None and (value is None or not 0 <= value <= 86_400_000):
            judged.reasons.append("invalid_duration_ms")

    def _amount(self, record: dict, judged: Judged) -> Decimal | None:
        text = record.get("amount")
        value = judged.values["amount"] = read_amount(text, self.decimal).value if text else None
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
        if record["tenant_id"] and not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", record["tenant_id"]):
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
