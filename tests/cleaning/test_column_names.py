"""Values are judged alike whatever else the relation has for columns, also such as are names within the macros."""

import datetime as dt
import re
from decimal import Decimal

import duckdb

from sluice.cleaning import expression
from sluice.home import PROJECT_ROOT


def test_no_column_of_a_feed_is_taken_for_a_part_of_a_value() -> None:
    texts = "".join(
        path.read_text(encoding="utf-8")
        for path in (PROJECT_ROOT / "macros" / "vocabulary" / "cleaning").glob("*.sql")
    )
    names = {
        name.lstrip("_")
        for name in re.findall(r"lambda (\w+):|duckdb__let\([^\n]*?'(\w+)'", texts)
        for name in name
    }
    columns = [
        *(names - {""}),
        "part",
        "line",
        "readings",
        "amounts",
        "time",
        "order",
        "values",
        "mark",
        "zone",
    ]
    others = ", ".join(f"'x' as \"{name}\"" for name in dict.fromkeys(columns))
    asked = {
        expression("parse_timestamp", "clean_time"): dt.datetime(2026, 2, 1, 20, 5),
        expression("value_forms", instants=["clean_time"], amounts=["clean_amount"]): 4 | 16,
        expression("parse_amount", "clean_amount", None, "'auto'"): Decimal("1.5"),
        expression("clean_value", '"values"'): "x",
        expression("clean_value", '"order"', fold="upper"): "X",
    }
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        row = connection.execute(
            f"select {', '.join(asked)} from (select '1/2/2026 9:05 PM Europe/Berlin' as clean_time,"
            f" '$1,5' as clean_amount, {others})"
        ).fetchone()
    assert row == tuple(asked.values())
