"""The service as a process: its categories however it is started, errors that name the item, faults."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from sluice.categories import CATEGORIES
from sluice.predict_service.app import create_app

ROOT = Path(__file__).resolve().parents[2]
COMMAND = ROOT / "scripts" / "predict_service"

EXPECTED = {
    "t1": "utilities",
    "t2": "entertainment",
    "1": "health",
    "42": "income",
    "0": "fees",
    "txn-0001": "travel",
    "TXN-0001": "shopping",
    "e70f4eddf368ff46d6dd": "restaurants",
    "8cd087eca5c86a65771b": "restaurants",
    "07f457e6f1cb963a46d2": "fees",
    "a b": "travel",
    "é": "utilities",
    "日本": "restaurants",
    "🙂": "fees",
    "x" * 64: "other",
    "00000000-0000-0000-0000-000000000000": "transport",
    "-1": "entertainment",
    "1.0": "health",
    "null": "groceries",
    "true": "transport",
}


def transaction(transaction_id: Any, **changes: Any) -> dict[str, Any]:
    whole = {
        "id": transaction_id,
        "description": None,
        "amount": 12.5,
        "timestamp": "2026-01-01T00:00:00.000000Z",
        "merchant": "shop",
        "operation_type": "card_payment",
        "side": "debit",
    }
    return {name: value for name, value in {**whole, **changes}.items() if value is not ...}


@contextmanager
def service(*arguments: str, **environment: str) -> Iterator[httpx.Client]:
    process = subprocess.Popen(
        [COMMAND, "--port", "0", *arguments],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )
    try:
        assert process.stderr is not None
        said = process.stderr.readline()
        found = re.search(r"http://\S+", said)
        assert found, said + process.stderr.read()
        with httpx.Client(base_url=found.group(), trust_env=False, timeout=5) as client:
            yield client
    finally:
        process.terminate()
        process.communicate()


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with service() as running:
        yield running


def ask(client: httpx.Client, *transactions: Any) -> httpx.Response:
    return client.post("/predict", json=list(transactions))


@pytest.mark.parametrize("seed", [None, "0", "1", "random"])
def test_categories_are_those_of_hash_seed_0_however_it_is_started(seed: str | None) -> None:
    assert len(EXPECTED) == 20
    with service(**({} if seed is None else {"PYTHONHASHSEED": seed})) as client:
        answer = ask(client, *map(transaction, EXPECTED))
    assert answer.json() == [{"id": i, "category": category} for i, category in EXPECTED.items()]


def test_an_id_that_is_a_number_counts_as_its_text(client: httpx.Client) -> None:
    assert ask(client, transaction(42)).json() == [{"id": "42", "category": EXPECTED["42"]}]


def test_health_and_every_answer_name_the_model(client: httpx.Client) -> None:
    assert client.get("/health").json() == {"status": "ok", "model_version": "hash-1"}
    answer = ask(client)
    assert (answer.json(), answer.headers["X-Model-Version"]) == ([], "hash-1")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"id": ...}, "id"),
        ({"id": None}, "id"),
        ({"id": ""}, "id"),
        ({"id": ["t"]}, "id"),
        ({"amount": "much"}, "amount"),
        ({"amount": ...}, "amount"),
        ({"timestamp": "yesterday"}, "timestamp"),
        ({"side": "left"}, "side"),
        ({"merchant": {}}, "merchant"),
    ],
)
def test_errors_name_the_item_and_the_field(
    client: httpx.Client, changes: dict[str, Any], field: str
) -> None:
    answer = ask(client, transaction("good"), transaction("bad", **changes))
    said = answer.json()
    assert (answer.status_code, said["ok"], said["status"]) == (422, False, 422)
    assert said["error"].startswith("item 1") and f"field {field}" in said["error"]
    assert [(item["index"], item["field"]) for item in said["items"]] == [(1, field)]
    if field != "id":
        assert said["items"][0]["id"] == "bad"


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        (b"[{", 400, "the body is not JSON"),
        (b"\xff", 400, "body"),
        (b"{}", 422, "the body: "),
        (b"", 422, "the body: "),
        (b"[7]", 422, "item 0: "),
        (b'[{"id": "\\ud800", "amount": NaN}]', 422, "item 0 (id \\ud800), field id"),
    ],
)
def test_other_bodies_are_refused(client: httpx.Client, body: bytes, status: int, error: str) -> None:
    answer = client.post("/predict", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == status
    assert error in answer.json()["error"]


def test_errors_have_one_shape(client: httpx.Client) -> None:
    assert client.get("/predict").json() == {
        "ok": False,
        "error": "Method Not Allowed",
        "status": 405,
        "items": [],
    }
    assert client.get("/nothing").json()["status"] == 404


def test_openapi_lists_the_categories(client: httpx.Client) -> None:
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    assert schemas["Prediction"]["properties"]["category"]["enum"] == list(CATEGORIES)


@pytest.mark.parametrize(
    ("switch", "status"),
    [
        ("--fail", 503),
        ("--garbage", 200),
        ("--wrong-ids", 200),
        ("--unknown-categories", 200),
        ("--shorter", 200),
    ],
)
def test_switches_spoil_answers(switch: str, status: int) -> None:
    with service(switch, "1") as client:
        answer = ask(client, transaction("t1"), transaction("t2"))
    honest = b'[{"id":"t1","category":"utilities"},{"id":"t2","category":"entertainment"}]'
    assert answer.status_code == status and answer.content != honest


def test_switches_for_speed_single_ids_and_death() -> None:
    with service("--delay", "0.2", "--bad-id", "bad", "--die-after", "2") as client:
        assert ask(client, transaction("t1")).elapsed.total_seconds() > 0.2
        assert ask(client, transaction("so bad")).status_code == 500
        with pytest.raises(httpx.TransportError):
            ask(client, transaction("t1"))


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([COMMAND, *arguments], capture_output=True, text=True, timeout=30, check=False)


def test_exit_codes_say_what_went_wrong() -> None:
    assert run("--help").returncode == 0
    wrong = run("--fail", "2")
    assert (wrong.returncode, "a share is between 0 and 1" in wrong.stderr) == (2, True)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        busy = run("--port", str(taken.getsockname()[1]))
    assert (busy.returncode, "cannot listen on 127.0.0.1:" in busy.stderr) == (1, True)


@pytest.mark.skipif(not sys.flags.hash_randomization, reason="this Python runs under a fixed hash seed")
def test_the_application_refuses_a_random_seed() -> None:
    with pytest.raises(RuntimeError, match="use scripts/predict_service"):
        create_app()
