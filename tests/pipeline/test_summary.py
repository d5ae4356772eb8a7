"""The last lines of a command, for people: what was read, what became of it, and whether it was published."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.pipeline.harness import PROJECT, DataHome

pytestmark = pytest.mark.slow  # several commands

DAY = "orders/ingest_date=2026-01-01"
HEADER = "order_id,customer_id,order_time,amount,currency,status\n"


def order(order_id: str, amount: str = "5") -> str:
    return f"{order_id},c1,2026-01-01T10:00:00Z,{amount},EUR,paid\n"


def said(home: DataHome, *arguments: str) -> str:
    """What a dbt command says on the data home, as a person runs it."""
    target = str(home.target)
    dbt = Path(sys.executable).with_name("dbt")
    command = [dbt, "--no-use-colors", *arguments, "--target-path", target, "--log-path", target]
    env = {**os.environ, "SLUICE_HOME": str(home.root), "SLUICE_PII_KEY": home.pii_key}
    return subprocess.run(command, cwd=PROJECT, env=env, capture_output=True, text=True, check=True).stdout


def test_the_last_lines_say_what_became_of_it(home: DataHome) -> None:
    home.write("customers/ingest_date=2026-01-01/a.csv", "customer_id,email,country\nc1,x@example.org,DE\n")
    home.write(
        f"{DAY}/a.csv", HEADER + order("o1") + order("o1") + order("o2", "secret") * 3 + order("o3", "")
    )
    text = said(home, "build")
    assert "customers: 1 files, 1 records read = 1 clean + 0 duplicates + 0 rejected" in text
    assert (
        "orders: 1 files, 6 records read = 1 clean + 1 duplicates + 4 rejected (most often invalid_amount, 3)"
        in text
    )
    assert "!!! orders: MORE THAN HALF OF THE NEW RECORDS WERE REJECTED (4 of 6)" in text
    assert "secret" not in text
    assert "New alerts:" in text and f"Published in {home.root / 'published'}" in text

    text = said(home, "build")
    assert "Nothing new was delivered." in text and "New alerts:" not in text

    home.write(f"{DAY}/b.csv", HEADER + order("o4"))
    text = said(home, "run")
    assert "orders: 1 files, 1 records read" in text
    assert "Nothing was published: dbt run does not publish. dbt build tests and publishes." in text

    text = said(home, "build", "-s", "+orders")
    assert "Not published: customers, orders, product_events" in text and "dbt build publishes them." in text
    assert "Published in" not in text
    assert "Nothing was published: --empty reads no records." in said(home, "build", "--empty")
    assert "o4" not in {row[0] for row in home.published()["orders"]}
    said(home, "build")
    assert "o4" in {row[0] for row in home.published()["orders"]}
