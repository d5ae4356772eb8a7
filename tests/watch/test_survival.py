"""The watcher lives on: without the system's notices, and while files of the code are half saved."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event, Timer

import pytest
from tests.pipeline.harness import PROJECT
from watchfiles._rust_notify import WatchfilesRustInternalError

from sluice.watch import builds, changes
from sluice.watch.builds import Builder

LIMITS = [
    OSError(28, "OS file watch limit reached."),
    OSError(24, "Too many open files"),
    WatchfilesRustInternalError("error in underlying watcher: No space left on device (os error 28)"),
]


@pytest.mark.parametrize("limit", LIMITS, ids=str)
@pytest.mark.parametrize("looks_before", [0, 2])
def test_without_notices_it_looks_now_and_then_and_says_so_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: Exception, looks_before: int
) -> None:
    def watch(*_: object, **__: object):
        for _ in range(looks_before):
            yield {("added", "file")}
        raise limit

    monkeypatch.setattr(changes, "watch", watch)
    monkeypatch.setattr(changes, "WITHOUT_NOTICES_SECONDS", 0.05)
    said: list[str] = []
    stop = Event()
    looks = 0
    Timer(20, stop.set).start()
    for _ in changes.notices(tmp_path / "landing", 0.0, stop, said.append):
        looks += 1
        if looks == looks_before + 5:
            stop.set()
    assert looks == looks_before + 5
    assert len(said) == 1 and "looking every" in said[0] and "max_user_watches" in said[0]


def test_a_build_that_breaks_outside_dbt_is_a_failed_build(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def invoke(self, _: list[str]) -> None:
            raise SyntaxError("invalid syntax (half_saved.py, line 7)")

    builder = Builder.__new__(Builder)
    builder._home, builder._runner = builds.data_home(), Broken()
    build = builder.whole()
    assert not build.succeeded
    assert build.problems == ("SyntaxError: invalid syntax (half_saved.py, line 7)",)


def test_code_that_cannot_be_imported_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "PROJECT_ROOT", tmp_path)
    module = tmp_path / "scripts/sluice/half.py"
    module.parent.mkdir(parents=True)
    module.write_text("def begun(")
    assert "scripts/sluice/half.py: " in (changes.why_not_importable() or "")
    module.write_text("def begun(): pass")
    monkeypatch.setenv("PYTHONPATH", str(PROJECT / "scripts"))
    assert changes.why_not_importable() is None
    (tmp_path / "first/sluice/watch").mkdir(parents=True)
    for name in ("sluice", "sluice/watch"):
        (tmp_path / "first" / name / "__init__.py").touch()
    (tmp_path / "first/sluice/watch/__main__.py").write_text("import no_such_module")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "first"))
    assert "no_such_module" in (changes.why_not_importable() or "")


HALF_SAVED = {
    "scripts/sluice/watch/changes.py": "cannot be imported",
    "models/marts/alerts/_alerts__models.yml": "cannot be parsed",
}


@pytest.mark.slow
def test_half_saved_files_are_waited_for(tmp_path: Path) -> None:
    """On a copy of the project."""
    copy = tmp_path / "project"
    files = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=PROJECT, capture_output=True, text=True
    )
    for name in files.stdout.split("\n"):
        if name and (PROJECT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / name, copy / name)
    (copy / ".venv").symlink_to((PROJECT / ".venv").resolve())
    log = tmp_path / "log"
    environment = {
        **os.environ,
        "SLUICE_HOME": str(tmp_path / "home"),
        "SLUICE_ENV_FILE": "",
        "SLUICE_PII_KEY": "x" * 32,
    }
    with log.open("w") as err:
        watcher = subprocess.Popen(
            [copy / "scripts/watch", "--interval", "0"], stderr=err, stdout=err, env=environment
        )

    def said(text: str, times: int = 1) -> None:
        _wait_for(lambda: watcher.poll() is not None or log.read_text().count(text) >= times, log)
        assert watcher.poll() is None, log.read_text()

    try:
        said("everything: 0 files")
        for round_, (name, complaint) in enumerate(HALF_SAVED.items(), start=2):
            path = copy / name
            whole = path.read_text()
            path.write_text(whole[:-200] + "\n  - : [")
            said(complaint)
            path.write_text(whole)
            said("everything: 0 files", round_)
    finally:
        watcher.send_signal(signal.SIGTERM)
        assert watcher.wait(60) == 0, log.read_text()


def _wait_for(true: Callable[[], bool], log: Path, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)
