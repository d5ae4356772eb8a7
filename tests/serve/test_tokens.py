"""Tokens: made by scripts/token, taken up and dropped without a restart, signed in with from a browser."""

import hashlib
import os
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from sluice.home import PROJECT_ROOT

from .conftest import TOKENS, Served, tokens_yaml
from .published import publish


def make_token(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(PROJECT_ROOT / "scripts" / "token"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def rewrite(path: Path, text: str) -> None:
    path.write_text(text)
    os.utime(path, ns=(time.time_ns(), time.time_ns()))


def test_a_new_token_works_at_once_and_a_removed_one_does_not(
    start: Callable[..., Served], tmp_path: Path
) -> None:
    publish(tmp_path)
    tokens = tmp_path / "tokens.yml"
    tokens.write_text(tokens_yaml(["globex"]))
    served = start(SLUICE_TOKENS_FILE=str(tokens))
    made = make_token("--tenant-id", "acme", "--expires", "2099-01-31")
    token = re.search(r"^token: (\S+)$", made.stdout, re.MULTILINE)
    line = made.stdout.splitlines()[1]
    assert made.returncode == 0
    assert token
    assert hashlib.sha256(token[1].encode()).hexdigest() in line
    assert served.get("/acme.json", token[1]).status_code == 401
    rewrite(tokens, tokens_yaml(["globex"]) + line + "\n")
    assert served.get("/acme.json", token[1]).status_code == 200
    assert served.get("/globex.json", token[1]).status_code == 403
    rewrite(tokens, tokens_yaml(["globex"]))
    assert served.get("/acme.json", token[1]).status_code == 401
    tokens.unlink()
    assert served.get("/globex.json", "globex").status_code == 401


def test_without_a_tokens_file_only_public_data_is_served(
    start: Callable[..., Served], tmp_path: Path
) -> None:
    publish(tmp_path)
    served = start()
    assert "SLUICE_TOKENS_FILE is not set" in served.output
    assert served.get("/sluice/orders.json").status_code == 200
    assert [served.get(path).status_code for path in ("/operations", "/acme", "/events?tenant_id=acme")] == [
        403
    ] * 3
    assert served.get("/sluice", "token").status_code == 401
    page = served.get("/").text
    assert "Sign in" not in page
    assert served.get("/sign-in").status_code == 200


def test_usage_of_the_token_command() -> None:
    for arguments in (
        (),
        ("--role", "tenant"),
        ("--tenant-id", "../x"),
        ("--role", "admin", "--tenant-id", "a"),
        ("-x",),
    ):
        result = make_token(*arguments)
        assert (result.returncode, result.stdout) == (2, ""), arguments
    assert "SLUICE_TOKENS_FILE" in make_token("--help").stdout
    assert "role: admin}" in make_token("--role", "admin").stdout


def sign_in(client: httpx.Client, token: str) -> httpx.Response:
    form = re.search(r'name="csrftoken" value="([^"]+)"', client.get("/sign-in").text)
    assert form
    return client.post("/sign-in", data={"token": token, "csrftoken": form[1]})


def test_signing_in_and_out_with_a_browser(server: Served) -> None:
    with server.client() as client:
        assert client.get("/acme").status_code == 403
        response = sign_in(client, TOKENS["acme"])
        assert (response.status_code, response.headers["location"]) == (302, "/")
        cookie = response.headers["set-cookie"].lower()
        assert "sluice_session=" in cookie
        assert "httponly" in cookie
        assert "samesite=lax" in cookie
        assert TOKENS["acme"] not in cookie
        assert client.get("/acme/events.json").status_code == 200
        assert client.get("/globex/events.json").status_code == 403
        front = client.get("/", headers={"Accept": "text/html"}).text
        assert "tenant acme" in front
        assert 'href="/acme"' in front
        assert client.get("/-/actor.json").json()["actor"]["tenant_id"] == "acme"
        assert client.post("/sign-out").status_code == 302
        assert client.get("/acme").status_code == 403


def test_what_does_not_sign_in(server: Served) -> None:
    with server.client() as client:
        assert sign_in(client, "unknown").status_code == 401
        assert sign_in(client, TOKENS["expired"]).status_code == 401
        assert client.post("/sign-in", data={"token": TOKENS["admin"]}).status_code == 403
        for forged in ("x", "IjEi.abc", '"' + "a" * 64 + '"'):
            assert (
                client.get("/operations", headers={"Cookie": f"sluice_session={forged}"}).status_code == 403
            )
            assert client.get("/operations", headers={"Cookie": f"ds_actor={forged}"}).status_code == 403
        assert client.get("/", headers={"Cookie": "a b=c; =; \x01"}).status_code in (200, 400)


def test_a_signed_in_browser_loses_access_with_its_token(
    start: Callable[..., Served], tmp_path: Path
) -> None:
    publish(tmp_path)
    tokens = tmp_path / "tokens.yml"
    tokens.write_text(tokens_yaml())
    served = start(SLUICE_TOKENS_FILE=str(tokens))
    with served.client() as client:
        sign_in(client, TOKENS["operator"])
        assert client.get("/operations.json").status_code == 200
        rewrite(tokens, tokens_yaml(["acme"]))
        assert client.get("/operations.json").status_code == 403
        assert client.get("/").status_code == 200


FAULTS = (
    "tokens:\n  - {sha256: '%s', role: admin, expires: 2027-02-30}\n" % ("0" * 64),
    "tokens: [{",
    "tokens: 5\n",
    "\x00",
)


def test_a_bad_token_file_keeps_the_last_good_set_and_is_said(
    start: Callable[..., Served], tmp_path: Path
) -> None:
    publish(tmp_path)
    tokens = tmp_path / "tokens.yml"
    tokens.write_text(tokens_yaml())
    served = start(SLUICE_TOKENS_FILE=str(tokens))
    assert served.get("/ready").json()["warnings"] == []
    assert "sluice_token_file_ok 1.0" in served.get("/prometheus").text
    for number, fault in enumerate(FAULTS, 1):
        rewrite(tokens, fault)
        assert served.get("/acme/events.json", "acme").status_code == 200
        assert served.get("/sluice/orders.json", "unknown").status_code == 401
        ready = served.get("/ready")
        assert ready.status_code == 200
        assert "token file" in ready.json()["warnings"][0]
        assert str(tmp_path) not in ready.text
        assert "sluice_token_file_ok 0.0" in served.get("/prometheus").text
        log = (tmp_path / "serve.log").read_text()
        assert log.count(f"token file: {tokens}") == number
    rewrite(tokens, tokens_yaml(["globex"]))
    assert served.get("/ready").json()["warnings"] == []
    assert served.get("/acme/events.json", "acme").status_code == 401
    assert served.get("/globex/events.json", "globex").status_code == 200


@pytest.mark.parametrize("fault", FAULTS[:2])
def test_a_server_starts_with_a_bad_token_file_and_lets_nobody_in(
    start: Callable[..., Served], tmp_path: Path, fault: str
) -> None:
    publish(tmp_path)
    tokens = tmp_path / "tokens.yml"
    tokens.write_text(fault)
    served = start(SLUICE_TOKENS_FILE=str(tokens))
    assert served.get("/sluice/orders.json").status_code == 200
    assert served.get("/acme.json", "acme").status_code == 401
    assert "token file" in served.get("/ready").json()["warnings"][0]
    rewrite(tokens, tokens_yaml())
    assert served.get("/acme.json", "acme").status_code == 200


def test_a_tenant_id_that_looks_like_a_number_is_that_tenants(
    start: Callable[..., Served], tmp_path: Path
) -> None:
    publish(tmp_path, tenants=["010", "8", "10"])
    tokens = tmp_path / "tokens.yml"
    digest = hashlib.sha256(b"t").hexdigest()
    tokens.write_text(f"tokens:\n  - {{sha256: {digest}, role: tenant, tenant_id: 010}}\n")
    served = start(SLUICE_TOKENS_FILE=str(tokens))
    for tenant, status in (("010", 200), ("8", 403), ("10", 403)):
        assert served.get(f"/{tenant}/events.json", "t").status_code == status, tenant
