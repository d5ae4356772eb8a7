"""Whatever goes wrong at a step: after one undisturbed run of the same command everything is as without it.

Each test strikes a command at one of its steps (points.py), lets it run again, and compares with an undisturbed run. What
readers find in between is the state before or the state after. table.py has the matrix, and says what is tested elsewhere.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.faults.lab import Lab, Run, Worker, faketime, go_on, small_disk, wait_until_stopped
from tests.faults.points import EVERY_STEP
from tests.faults.scene import D1, Scene
from tests.faults.table import CELLS, HERE, OF_BUILDS, tried_here

pytestmark = pytest.mark.slow

PYTHON_STEPS = (
    *("list", "inspect", "archive", "restore", "ingest", "land", "erase"),
    *("publish", "tenants", "lake", "report"),
)
"""Steps whose work is Python's: memory ends in their middle; it ends at the first statement of the others."""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The home on a small file system of its own, where one can be mounted."""
    folder = tmp_path_factory.mktemp("faults")
    with small_disk(folder / "disk", mib=192) as is_small, pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLUICE_HOME", str(folder / "disk" / "home"))
        lab = Lab(folder, folder / "disk", is_small)
        yield lab
        lab.worker.stop()


@pytest.fixture(scope="module")
def scene(lab: Lab) -> Scene:
    """What the commands are run on, and what undisturbed runs of them give."""
    return Scene(lab)


def fault(kind: str, step: str, at: int | str, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "step": step, "at": at, **more}


def strike(scene: Scene, step: str, asked: dict[str, Any]) -> tuple[Run, Path]:
    """Run the step's command with a fault, which must have struck; readers must find no mixture."""
    pid, note = scene.begin(step, asked)
    run = scene.lab.worker.end(pid, note)
    assert run.struck, f"{asked} did not strike:\n{run.said[-3000:]}"
    return run, note


def assert_felt(scene: Scene, step: str, run: Run) -> None:
    """A fault that strikes and changes nothing tests nothing: the run failed, or something is not as it should be."""
    assert run.status != 0 or scene.differing(step), f"the fault was not felt:\n{run.said[-3000:]}"


def assert_recovers(scene: Scene, step: str, *struck: Run) -> None:
    """One undisturbed run, and everything is as without the fault."""
    said = "\n".join(run.said[-1500:] for run in struck)
    run = scene.run(step)
    assert run.status == 0, (
        f"the run after the fault failed:\n{run.said[-3000:]}\nthe run with it said:\n{said}"
    )
    differing = scene.differing(step)
    assert differing == [], f"{differing} are not as without the fault; the run with it said:\n{said}"


@pytest.mark.parametrize("step", tried_here("power loss"))
def test_killed_twice_and_power_is_lost(scene: Scene, step: str) -> None:
    """At its first point, the next run in its middle; power is lost at the last point of the one after that, or at its end
    where less was left to do. Readers keep published files from being synced then."""
    assert CELLS[step, "kill −9"] == HERE
    scene.prepare(step)
    last = scene.points(step)
    for at in (1, last // 2 + 1):
        run, _ = strike(scene, step, fault("kill", step, at))
        assert run.status == -9
        scene.assert_no_mixture(step)
    with reading(scene) if step in ("publish", "tenants") else ExitStack():
        run, note = strike(scene, step, fault("power loss", step, last))
    assert run.status == -9
    scene.lab.lose_power(note)
    scene.assert_no_mixture(step)
    assert_recovers(scene, step, run)


@pytest.mark.parametrize("step", tried_here("disk full"))
def test_the_disk_is_full(scene: Scene, require: Callable[[str, object, str], None], step: str) -> None:
    """From its first point on, until the end of the run."""
    require("a small disk", scene.lab.is_small, "mounting a tmpfs needs root")
    scene.prepare(step)
    run, _ = strike(scene, step, fault("disk full", step, 1, balloon=str(scene.lab.balloon)))
    scene.lab.balloon.unlink()
    assert run.status in (0, 1), run.said[-3000:]
    assert run.status == 1 or scene.differing(step) == [], f"it said nothing of it:\n{run.said[-3000:]}"
    scene.assert_no_mixture(step)
    assert_recovers(scene, step, run)


@pytest.mark.parametrize("step", tried_here("memory limit"))
def test_memory_and_descriptors_run_out(scene: Scene, step: str) -> None:
    """One run without memory, the next one without descriptors."""
    scene.prepare(step)
    middle = scene.points(step) // 2 + 1
    faults = [fault("memory", step, middle if step in PYTHON_STEPS else 1)]
    if CELLS[step, "descriptors"] == HERE:
        faults.append(fault("descriptors", step, 1))
    for asked in faults:
        run, _ = strike(scene, step, asked)
        assert run.status in (0, 1, 3), run.said[-3000:]
        assert_felt(scene, step, run)
        scene.assert_no_mixture(step)
    assert_recovers(scene, step, run)


@pytest.mark.parametrize("step", sorted(set(tried_here("descriptors")) - set(tried_here("memory limit"))))
def test_descriptors_run_out(scene: Scene, step: str) -> None:
    scene.prepare(step)
    run, _ = strike(scene, step, fault("descriptors", step, 1))
    assert_felt(scene, step, run)
    assert_recovers(scene, step, run)


@pytest.mark.parametrize("step", tried_here("permission"))
def test_permission_is_withdrawn(scene: Scene, step: str) -> None:
    scene.prepare(step)
    denied = scene.what_to_deny(step)
    modes = [(path, path.stat().st_mode & 0o777) for path, _ in denied]
    at = "store" if step == "stage" else 1
    asked = fault("permission", step, at, deny=[(str(path), mode) for path, mode in denied])
    run, _ = strike(scene, step, asked)
    for path, mode in modes:
        if path.exists():
            path.chmod(mode)
    assert_felt(scene, step, run)
    if run.status:  # otherwise a build without the file, which its ledger calls failed
        scene.assert_no_mixture(step)
    assert_recovers(scene, step, run)


@pytest.mark.parametrize("step", tried_here("vanishing file"))
def test_files_vanish_and_change(scene: Scene, step: str) -> None:
    """What landing files lose comes back before the next run, as it would be delivered again."""
    scene.prepare(step)
    at = "store" if step == "stage" else scene.points(step) // 2 + 1
    run, _ = strike(scene, step, fault("vanishing file", step, at, change=scene.what_to_change(step)))
    scene.deliver_again()
    assert_recovers(scene, step, run)


def test_the_clock_jumps(scene: Scene, require: Callable[[str, object, str], None]) -> None:
    """There and back at every step of a build; the run after it is by the clock of now."""
    library = faketime()
    require("libfaketime", library, "apt-get install libfaketime")
    assert tried_here("clock jump") == list(OF_BUILDS)
    clock = scene.lab.folder / "clock"
    clock.write_text("+0d\n")
    worker = Worker(
        scene.lab.home,
        scene.lab.folder / "runs by another clock",
        LD_PRELOAD=str(library),
        FAKETIME_TIMESTAMP_FILE=str(clock),
        **dict.fromkeys(
            ("FAKETIME_NO_CACHE", "NO_FAKE_STAT", "FAKETIME_DONT_FAKE_MONOTONIC", "DONT_FAKE_MONOTONIC"), "1"
        ),
    )
    scene.prepare("list")
    run = worker.run("build", fault=fault("clock", EVERY_STEP, 1, clock=str(clock)))
    worker.stop()
    assert run.struck and run.status == 0, run.said[-3000:]
    started = scene.lab.home.query(
        "select min(finished_at - started_at), max(finished_at - started_at) from state.runs"
    )
    assert max(abs(span.days) for span in started[0]) >= 3, "the clock did not jump"
    assert_recovers(scene, "list", run)


def test_readers_stay_while_everything_is_written(scene: Scene) -> None:
    """They go on reading what they began with: published files, tenants', lake and reports."""
    assert {"publish", "tenants", "lake", "report"} <= set(tried_here("long reader"))
    scene.prepare("publish")
    with reading(scene) as still_reads:
        run = scene.run("publish")
        still_reads()
    assert run.status == 0
    assert scene.differing("publish") == []
    assert_recovers(scene, "publish", run)


def test_readers_stay_while_files_are_archived(scene: Scene) -> None:
    scene.prepare("archive")
    with reading(scene) as still_reads:
        run = scene.run("archive")
        still_reads()
    assert_recovers(scene, "archive", run)


@pytest.mark.parametrize("step", tried_here("two at once"))
def test_two_at_once(scene: Scene, step: str) -> None:
    """The first one stands still at the step; the second one waits for it, and both end well."""
    scene.prepare(step)
    first, first_note = scene.begin(step, fault("stop", step, scene.points(step) // 2 + 1))
    wait_until_stopped(first)
    second, second_note = scene.begin(step)
    deadline = time.monotonic() + 60
    log = second_note / "log"
    while not log.exists() or "waiting for process" not in log.read_text():
        assert time.monotonic() < deadline, "the second one does not wait"
        time.sleep(0.05)
    go_on(first)
    runs = [scene.lab.worker.end(first, first_note), scene.lab.worker.end(second, second_note)]
    assert [run.status for run in runs] == [0, 0], runs
    assert scene.differing(step) == []


def test_a_damaged_file_is_delivered_again(scene: Scene) -> None:
    assert tried_here("damaged file") == ["inspect"]
    scene.prepare("inspect")
    path = scene.lab.home.landing / f"tenant_events/{D1}/packed.csv.gz"
    path.write_bytes(path.read_bytes()[:-12])
    run = scene.run("inspect")
    assert scene.differing("inspect"), "the damage was not seen"
    scene.deliver_again()
    assert_recovers(scene, "inspect", run)


@contextmanager
def reading(scene: Scene) -> Iterator[Callable[[], None]]:
    """Readers that have begun and do not end: of databases, the lake and the reports. What it gives asserts that they still
    read what they began with."""
    root = scene.lab.home.root
    with ExitStack() as stack:
        databases, files = [], []
        for path in [
            root / "published/sluice.db",
            root / "published/operations.db",
            *root.glob("published/tenants/*.db"),
        ]:
            db = stack.enter_context(closing(sqlite3.connect(path, isolation_level=None)))
            db.execute("begin")
            databases.append((db, db.execute("select * from _build").fetchall()))
        for path in [*root.glob("lake/clean/*/*/*.parquet"), *root.glob("reports/*/*.json")]:
            handle = stack.enter_context(path.open("rb"))
            files.append((handle, path.read_bytes()))

        def still_reads() -> None:
            assert [db.execute("select * from _build").fetchall() for db, _ in databases] == [
                seen for _, seen in databases
            ]
            assert [handle.read() for handle, _ in files] == [content for _, content in files]

        yield still_reads
