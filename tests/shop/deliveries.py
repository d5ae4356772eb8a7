"""Small landing files of the shop."""

# ruff: noqa: E501 - rows of test tables stay on one line

from tests.pipeline.harness import csv_text

CUSTOMER = ("customer_id", "email", "country", "created_at")
ORDER = ("order_id", "customer_id", "order_time", "amount", "currency", "status")
PRODUCT_EVENT = (
    "event_id",
    "customer_id",
    "event_type",
    "event_time",
    "platform",
    "session_id",
    "duration_ms",
)


def customers(*names: str) -> str:
    return csv_text(CUSTOMER, [(name, f"{name}@shop.example", "NL", "2026-01-01") for name in names])


def orders(*rows: tuple) -> str:
    return csv_text(ORDER, rows)


def order(number: object, customer: str = "c1", day: str = "2026-01-01", amount: object = 10, currency: str = "EUR", status: str = "paid") -> tuple:  # fmt: skip
    return (f"o{number}", customer, f"{day}T10:00:00Z", amount, currency, status)


def events(*rows: tuple) -> str:
    return csv_text(PRODUCT_EVENT, rows)


def event(
    number: object, customer: str = "c1", day: str = "2026-01-01", hour: int = 10, duration: object = 5
) -> tuple:
    return (f"p{number}", customer, "view", f"{day}T{hour:02}:00:00Z", "web", "s1", duration)
