"""The six feeds: their columns, their files per day, and what their best records are made of."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

SQL = Path(__file__).parent / "sql"


@dataclass(frozen=True)
class Feed:
    """One feed. `key` is the column that is the key, if one column is; `columns` are the contract's, in its
    order; `optional` are those a lean file leaves out; `entity` are the columns of the best record."""

    name: str
    stem: str
    files_per_day: int
    first_dress: int
    key: str | None
    columns: tuple[str, ...]
    optional: tuple[str, ...]
    entity: tuple[str, ...]
    coded: tuple[tuple[str, str], ...] = ()
    """Columns that sql/<feed>.sql gives as numbers, and the SQL list of what they mean: cheaper to carry."""
    first_wins: bool = False
    """The first path wins a key, whatever the records say."""
    lean_decides: bool = False
    """What tells poor rivals from rich ones is among the optional columns alone."""
    rare_fault: int = -1
    """A fault of sql/<feed>.sql that is too large to be frequent."""
    date_share: int = 0
    """How many of 4096 records have a date without a time."""

    @cached_property
    def sql(self) -> str:
        """The macros run_faults() and run_records(files)."""
        return (SQL / f"{self.name}.sql").read_text(encoding="utf-8")


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FEEDS = {
    feed.name: feed
    for feed in (
        Feed(
            "service_events", "events", 4, 0, "event_id",
            _words("event_id service event_type timestamp latency_ms status_code user_id schema_version"),
            _words("user_id schema_version"),
            _words(
                "event_id service event_type event_at event_at_raw latency_ms status_code user_id"
                " ingest_date"
            ),
            coded=(("service", "service_names()"), ("event_type", "event_types()")),
        ),
        Feed(
            "customers", "customers", 2, 3, "customer_id",
            _words("customer_id email country created_at"),
            _words("country"),
            _words("customer_id email country created_at ingest_date"),
        ),
        Feed(
            "product_events", "product", 3, 6, "event_id",
            _words("event_id customer_id event_type event_time platform session_id duration_ms"),
            _words("session_id"),
            _words("event_id customer_id event_type event_at platform session_id duration_ms ingest_date"),
        ),
        Feed(
            "orders", "orders", 2, 2, "order_id",
            _words("order_id customer_id order_time amount currency status"),
            _words("currency"),
            _words("order_id customer_id ordered_at amount currency status ingest_date"),
            lean_decides=True,
        ),
        Feed(
            "tenant_events", "tenants", 3, 9, None,
            _words("event_id tenant_id source event_type timestamp schema_version payload"),
            _words("schema_version"),
            _words(
                "event_id tenant_id source event_type event_at schema_version payload"
                " user_id user_email user_first_name user_last_name product_id product_name"
                " amount currency fraud_score churn_score pii_contains ingest_date"
            ),
            first_wins=True,
            rare_fault=5,
        ),
        Feed(
            "transactions", "transactions", 2, 5, "id",
            _words("id description amount timestamp merchant operation_type side"),
            _words("merchant"),
            _words("id description amount transacted_at merchant operation_type side ingest_date"),
            date_share=2400,
        ),
    )
}  # fmt: skip
