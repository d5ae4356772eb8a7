"""Small, clean, generated events for any feed: event number → record, the same each time."""

from datetime import UTC, datetime, timedelta

_SERVICES = ("auth", "billing", "cart", "checkout", "search")
_STATUSES = ("paid", "pending", "refunded", "failed")


def event(feed: str, columns: tuple[str, ...], number: int, prefix: str, at: datetime) -> dict[str, object]:
    """The record of that number. Ids are prefix + number; a feed without a recipe gets its columns filled
    plainly."""
    recipe = _RECIPES.get(feed)
    if recipe:
        return recipe(
            f"{prefix}{number}", number, at.isoformat(timespec="microseconds").replace("+00:00", "Z")
        )
    return dict.fromkeys(columns, f"{prefix}{number}")


def now() -> datetime:
    """The time that generated events carry."""
    return datetime.now(UTC)


def _service_events(name: str, number: int, at: str) -> dict[str, object]:
    return {
        "event_id": name, "service": _SERVICES[number % 5], "event_type": "request", "timestamp": at,
        "latency_ms": number % 900 + 1, "status_code": 500 if number % 50 == 0 else 200,
        "user_id": f"user-{number % 10_000}", "schema_version": "1",
    }  # fmt: skip


def _customers(name: str, number: int, at: str) -> dict[str, object]:
    return {
        "customer_id": name,
        "email": f"{name}@example.org",
        "country": ("DE", "FR", "US")[number % 3],
        "created_at": at,
    }


def _product_events(name: str, number: int, at: str) -> dict[str, object]:
    return {
        "event_id": name, "customer_id": f"customer-{number % 1000}", "event_type": "view", "event_time": at,
        "platform": ("web", "ios", "android")[number % 3], "session_id": f"session-{number // 10}",
        "duration_ms": number % 5000,
    }  # fmt: skip


def _orders(name: str, number: int, at: str) -> dict[str, object]:
    return {
        "order_id": name, "customer_id": f"customer-{number % 1000}", "order_time": at,
        "amount": f"{number % 500 + 1}.{number % 100:02d}", "currency": ("EUR", "USD")[number % 2],
        "status": _STATUSES[number % 4],
    }  # fmt: skip


def _tenant_events(name: str, number: int, at: str) -> dict[str, object]:
    return {
        "event_id": name, "tenant_id": ("acme", "globex", "initech")[number % 3], "source": "web",
        "event_type": "click",
        "timestamp": at, "schema_version": 1, "payload": {"page": f"/{number % 20}", "amount": number % 100},
    }  # fmt: skip


def _transactions(name: str, number: int, at: str) -> dict[str, object]:
    return {
        "id": name, "description": f"card purchase {number % 200}",
        "amount": f"{number % 300 + 1}.{number % 100:02d}",
        "timestamp": at, "merchant": f"shop {number % 200}", "operation_type": "card_payment",
        "side": ("debit", "credit")[number % 10 == 0],
    }  # fmt: skip


_RECIPES = {
    "service_events": _service_events,
    "customers": _customers,
    "product_events": _product_events,
    "orders": _orders,
    "tenant_events": _tenant_events,
    "transactions": _transactions,
}
_FIRST_DAY = datetime(2026, 1, 1, tzinfo=UTC)


def fixed_time(number: int) -> datetime:
    """A time that depends on the number alone, for truth that can be computed twice."""
    return _FIRST_DAY + timedelta(milliseconds=number)
