"""Transactions to deliver, and prediction services that behave as told."""

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.pipeline.harness import DataHome, csv_text

COMMAND = Path(__file__).resolve().parents[2] / "scripts" / "predict_service"
COLUMNS = ["id", "description", "amount", "timestamp", "merchant", "operation_type", "side"]


@contextmanager
def predict_service(*switches: str) -> Iterator[str]:
    """A real service in a process of its own; SLUICE_PREDICT_URL names it until the end, when it is gone."""
    process = subprocess.Popen([COMMAND, "--port", "0", *switches], stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        said = process.stderr.readline()
        found = re.search(r"http://\S+", said)
        assert found, said + process.stderr.read()
        os.environ["SLUICE_PREDICT_URL"] = found.group()
        yield found.group()
    finally:
        os.environ.pop("SLUICE_PREDICT_URL", None)
        process.terminate()
        process.communicate()


def transaction(number: int, **changes: object) -> list[object]:
    """One raw record; ids t0, t1, …"""
    whole = {
        "id": f"t{number}",
        "description": f"purchase {number}",
        "amount": f"{number % 97}.{number % 100:02}",
        "timestamp": f"2026-01-{number % 28 + 1:02}",
        "merchant": f"shop {number % 5}",
        "operation_type": "card_payment",
        "side": "debit" if number % 7 else "credit",
        **changes,
    }
    return [whole[column] for column in COLUMNS]


def deliver(home: DataHome, file: str, rows: list[list[object]], modified: float | None = None) -> None:
    """A landing file of transactions."""
    home.write(f"transactions/ingest_date=2026-02-01/{file}", csv_text(COLUMNS, rows), modified)


def published_tables(home: DataHome) -> dict[str, list[tuple]]:
    """Everything published, for comparing two builds, but the alerts: they depend on the clock."""
    return {name: rows for name, rows in home.everything().items() if name != "alerts"}
