"""A real server process per set of tests, on a home of its own."""

import contextlib
import hashlib
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from sluice.home import PROJECT_ROOT

from .published import publish, write_manifest

TOKENS = {
    "acme": "token-of-acme",
    "globex": "token-of-globex",
    "operator": "token-of-an-operator",
    "admin": "token-of-an-admin",
    "expired": "token-of-yesterday",
}


def tokens_yaml(names: Iterator[str] | list[str] | None = None) -> str:
    lines = ["tokens:"]
    for name in names or TOKENS:
        digest = hashlib.sha256(TOKENS[name].encode()).hexdigest()
        if name in ("operator", "admin"):
            lines.append(f"  - {{sha256: '{digest}', role: {name}}}")
        elif name == "expired":
            lines.append(f"  - {{sha256: '{digest}', role: admin, expires: 2020-01-01}}")
        else:
            lines.append(f"  - {{sha256: '{digest}', role: tenant, tenant_id: {name}}}")
    return "\n".join(lines) + "\n"


@dataclass
class Served:
    """A running server and ways to ask it."""

    base: str
    home: Path
    process: subprocess.Popen[str]
    output: str

    def client(self, who: str | None = None, **headers: str) -> httpx.Client:
        if who:
            headers["Authorization"] = f"Bearer {TOKENS.get(who, who)}"
        return httpx.Client(base_url=self.base, headers=headers, timeout=60, verify=False)

    def get(self, path: str, who: str | None = None, **params: str | int) -> httpx.Response:
        with self.client(who) as client:
            return client.get(path, params=params or None)


def environment_of(home: Path, **environment: str) -> dict[str, str]:
    """The environment of a server on this home, and of no other."""
    (home / "target").mkdir(exist_ok=True)
    if not (home / "target" / "manifest.json").exists():
        (home / "target" / "manifest.json").write_text("{}")  # or the server would ask dbt for one
    variables = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")}
    return variables | {"SLUICE_HOME": str(home), "DBT_TARGET_PATH": str(home / "target"), **environment}


@contextlib.contextmanager
def serving(home: Path, limit_descriptors: int | None = None, **environment: str) -> Iterator[Served]:
    """Start scripts/serve on any free port and stop it again."""
    variables = environment_of(home, **environment)
    command = [str(PROJECT_ROOT / "scripts" / "serve"), "--port", "0"]
    if limit_descriptors:
        command = ["sh", "-c", f'ulimit -n {limit_descriptors}; exec "$@"', "sh", *command]
    log = home / "serve.log"
    with log.open("w") as stderr:
        process = subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, stderr=stderr, text=True)
    assert process.stdout is not None
    output, deadline = "", time.monotonic() + 60
    try:
        while "sign in" not in output and "is not set" not in output and time.monotonic() < deadline:
            line = process.stdout.readline()
            if not line:
                raise AssertionError(f"the server stopped: {output}{log.read_text()}")
            output += line
        match = re.search(r"serves on (http://\S+?)/\n", output)
        assert match, output
        yield Served(match[1], home, process, output)
    finally:
        process.terminate()
        process.wait(timeout=60)
        process.stdout.close()


@pytest.fixture(scope="session")
def published_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    publish(home)
    write_manifest(home / "target")
    (home / "tokens.yml").write_text(tokens_yaml())
    return home


@pytest.fixture(scope="session")
def server(published_home: Path) -> Iterator[Served]:
    """With published files and tokens; tests only read."""
    with serving(published_home, SLUICE_TOKENS_FILE=str(published_home / "tokens.yml")) as served:
        yield served


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Start servers of one's own."""
    with contextlib.ExitStack() as stack:
        yield lambda home=tmp_path, **options: stack.enter_context(serving(home, **options))
