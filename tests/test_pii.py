"""The key for personal data: made once, whole, and never one that hides nothing."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sluice import durable, pii
from sluice.pii import PiiKeyError, pii_key


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SLUICE_HOME", str(tmp_path))
    monkeypatch.delenv("SLUICE_PII_KEY", raising=False)
    return tmp_path


def test_a_key_is_made_once(home: Path) -> None:
    key = pii_key()
    assert re.fullmatch("[0-9a-f]{64}", key) and pii_key() == key
    assert (home / "pii.key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in home.iterdir()] == ["pii.key"]


@pytest.mark.parametrize("content", ["", "\n", "abc", "0" * 31, "x" * 64, "0" * 63 + " 0", "\0" * 64])
def test_a_file_without_a_key_is_an_error_with_a_remedy(home: Path, content: str) -> None:
    (home / "pii.key").write_text(content)
    with pytest.raises(PiiKeyError, match=r"pii\.key holds no key: .*backup"):
        pii_key()
    assert (home / "pii.key").read_text() == content, "it is not replaced in silence"


def test_a_key_may_end_in_a_line_end(home: Path) -> None:
    (home / "pii.key").write_text("a0" * 32 + "\n")
    assert pii_key() == "a0" * 32


def test_a_disk_that_is_full_at_first_use_leaves_no_key(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    for step in ("sync", "file"):
        with monkeypatch.context() as patched:
            if step == "sync":
                patched.setattr(durable.os, "fsync", full)
            else:
                patched.setattr(durable.os, "fdopen", full)
            with pytest.raises(OSError, match="No space"):
                pii_key()
        assert not (home / "pii.key").exists()
    assert pii_key() == pii_key()


def test_two_processes_make_one_key(home: Path) -> None:
    code = "from sluice.pii import pii_key; print(pii_key())"
    environment = {**os.environ, "PYTHONPATH": str(Path(pii.__file__).parents[1])}
    both = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment)
        for _ in range(4)
    ]
    assert len({process.communicate()[0] for process in both}) == 1


@pytest.mark.parametrize("given", ["a", "1234567", " " * 20, "  1234567  "])
def test_a_short_variable_is_an_error_that_names_the_minimum(
    home: Path, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    monkeypatch.setenv("SLUICE_PII_KEY", given)
    with pytest.raises(PiiKeyError, match="SLUICE_PII_KEY has [0-7] letters; give it at least 8"):
        pii_key()


def test_an_empty_variable_counts_as_unset(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICE_PII_KEY", "")
    assert len(pii_key()) == 64
