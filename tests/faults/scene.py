"""What the commands are run on, and what undisturbed runs of them give."""

import csv
import gzip
import io
import os
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

from tests.backup.mix_kit import outcome
from tests.faults.commands import PERSON
from tests.faults.lab import Lab, Run
from tests.faults.table import OF_BUILDS
from tests.forget.test_forget import places
from tests.pipeline.harness import DataHome, csv_text

from sluice.archive.store import list_archive, read_lines
from sluice.backup.__main__ import make_backup
from sluice.home import data_home
from sluice.ingest.landing import LandingZone
from sluice.ingest.segment import Segment, frame

D1, D2 = "ingest_date=2026-01-01", "ingest_date=2026-01-02"
COLUMNS = ("event_id", "tenant_id", "source", "event_type", "timestamp", "payload")


def _events(*rows: tuple[str, str, object], email: str = "x@example.org") -> str:
    payload = '{{"amount": {}, "email": "{}"}}'
    return csv_text(
        COLUMNS,
        [
            (event, tenant, "web", "click", "2026-01-01T10:00:00Z", payload.format(amount, email))
            for event, tenant, amount in rows
        ],
    )


OLD = {
    f"tenant_events/{D1}/plain.csv": _events(
        ("t1", "acme", 5), ("t2", "globex", 7), ("t3", "initech", 1)
    ).encode(),
    f"tenant_events/{D2}/kept.csv": _events(("t1", "acme", 4), ("t6", "acme", 3), email=PERSON).encode(),
}
NEW = {
    f"tenant_events/{D1}/plain.csv": _events(
        ("t1", "acme", 6), ("t2", "globex", 7), ("t4", "hooli", 1)
    ).encode(),
    f"tenant_events/{D1}/odd.csv": (
        _events(("t7", "acme", 2), ("t2", "globex", 9), email=PERSON).replace("\n", "\r\n")
        + 'short\r\n\r\nt8,acme,web,click,soon,\r\nt9,acme,web,click,2026-01-01,"stray\r\nt10,globex,web,click,2026-01-02,\r\n'
    ).encode(),
    f"tenant_events/{D1}/packed.csv.gz": gzip.compress(
        _events(("t11", "acme", 1), ("t12", "initech", "x")).encode()
    ),
    f"tenant_events/{D2}/kept.csv": OLD[f"tenant_events/{D2}/kept.csv"],
}
EARLIER = _events(("t1", "acme", 8), ("t13", "globex", 7)).encode()
"""A version of plain.csv that another takes the place of while it is looked at."""
PLAIN, ODD = f"tenant_events/{D1}/plain.csv", f"tenant_events/{D1}/odd.csv"
OLD_TIME, NEW_TIME = 1_700_000_000, 1_750_000_000


class Scene:
    """The home before each command; `prepare` brings it back, `differing` compares it with an undisturbed run's."""

    def __init__(self, lab: Lab) -> None:
        self.lab, self._points, self._expected, self._arguments = lab, {}, {}, {}
        self._published: dict[str, tuple[dict, dict]] = {}
        self._acknowledged = lab.folder / "acknowledged"
        home = lab.home
        lab.keep("ingest")
        _prepare_landing(home)
        lab.keep("land")
        lab.bring_back("ingest")
        _deliver(home, OLD)
        first = lab.worker.run("build all")
        assert first.status == 0, first.said[-5000:]
        _deliver(home, NEW)
        lab.keep("build")
        self._learn("build")
        lab.keep("archive")
        make_backup(data_home(), lab.folder / "backup")
        self._arguments = {"restore": [str(lab.folder / "backup")], "ingest": [str(self._acknowledged)]}
        shutil.copytree(lab.folder / "build", lab.folder / "restore")
        self._learn("archive")
        _deliver(home, {file: NEW[file] for file in (PLAIN, ODD)})
        lab.keep("erase")
        for command in ("erase", "restore", "ingest", "land"):
            lab.bring_back(command)
            self._learn(command)

    def _learn(self, command: str) -> None:
        before = self._read_published()
        run = self._run(command)
        assert run.status == 0, run.said[-5000:]
        self._points |= {step: count for step, count in run.counts.items() if _command(step) == command}
        self._expected[command] = self._found(command)
        self._published[command] = (before, self._read_published())

    def points(self, step: str) -> int:
        """How many points a step has in an undisturbed run."""
        return self._points[step]

    def prepare(self, step: str) -> None:
        """Bring the home back as it is before the command that the step is one of."""
        self._acknowledged.unlink(missing_ok=True)
        self.lab.bring_back(_command(step))

    def begin(self, step: str, fault: dict[str, Any] | None = None) -> tuple[int, Path]:
        """Start the command that a step is one of."""
        command = _command(step)
        return self.lab.worker.begin(command, *self._arguments.get(command, ()), fault=fault)

    def run(self, step: str) -> Run:
        """Run the command that a step is one of, undisturbed."""
        return self._run(_command(step))

    def _run(self, command: str) -> Run:
        return self.lab.worker.run(command, *self._arguments.get(command, ()))

    def differing(self, step: str) -> list[str]:
        """What is not as after an undisturbed run of the step's command, by its name."""
        expected, found = self._expected[_command(step)], self._found(_command(step))
        # A published file that is made again lacks the tables of feeds that the build leaves out: they have no rows.
        names = expected.keys() | found.keys()
        return sorted(name for name in names if (expected.get(name) or []) != (found.get(name) or []))

    def _found(self, command: str) -> dict[str, object]:
        home = self.lab.home
        if command == "build":
            return outcome(home)
        if command == "erase":
            return {**outcome(home), "places": places(home, PERSON), "landing": _texts(home.landing)}
        if command == "archive":
            held = {
                f"archived {entry.file}": b"".join(read_lines(entry))
                for entry in list_archive(home.root / "archive")
            }
            hidden = [path.name for path in (home.root / "archive").rglob(".*")]
            return {**held, **tree_of(home.landing), **self._read_published(), "hidden": hidden}
        if command == "restore":
            return {
                name: content
                for part in ("warehouse.duckdb", "published", "lake", "reports", "landing")
                for name, content in tree_of(home.root / part).items()
            }
        counts = Counter(row["event_id"] for row in _rows(home.landing))
        if command == "land":
            return dict(counts)
        twice = sum(count - 1 for count in counts.values())
        return {"events": sorted(counts), "more than what was on its way came twice": twice > 1}

    def assert_no_mixture(self, step: str) -> None:
        """Each published file is as before the step's command, or as after it."""
        before, after = self._published[_command(step)]
        for name, tables in self._read_published().items():
            assert tables in (before.get(name), after.get(name)), f"{name} is neither as before nor as after"

    def _read_published(self) -> dict[str, dict[str, list[tuple]]]:
        """The published files by name, each read from a copy: a reader would bring its write-ahead log into it."""
        published, copies = self.lab.home.root / "published", DataHome(self.lab.folder / "copies")
        shutil.rmtree(copies.root, ignore_errors=True)
        names = [
            path.relative_to(published).with_suffix("")
            for path in published.rglob("[!.]*.db")
            if ".staging" not in path.parts
        ]
        for name in names:
            target = copies.root / "published" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            for path in (published / name.parent).glob(f"{name.name}.db*"):
                shutil.copy(path, target.parent)
        return {str(name): copies.published(str(name)) for name in names}

    def deliver_again(self) -> None:
        """What should be in landing is delivered, where it is not there."""
        _deliver(self.lab.home, NEW)

    def what_to_deny(self, step: str) -> list[tuple[Path, int]]:
        """Files and folders that a step needs, and the permissions that they are left with."""
        root = self.lab.home.root
        landing = root / "landing"
        if step == "lake":
            folder = root / "lake" / "clean" / "tenant_events"
            return [(place, 0o500) for place in (*folder.iterdir(), folder)]
        return {
            "list": [(landing / "tenant_events" / D1, 0)],
            "inspect": [(landing / ODD, 0)],
            "stage": [(landing / PLAIN, 0)],
            "publish": [(root / "published", 0o500)],
            "tenants": [(root / "published" / "tenants", 0o500)],
            "report": [(root / "reports" / D1, 0o500)],
            "archive": [(landing / "tenant_events" / D1, 0o500)],
            "erase": [(landing / "tenant_events" / D1, 0o500)],
            "land": [(landing / "tenant_events", 0o500)],
            "restore": [(root, 0o500)],
        }[step]

    def what_to_change(self, step: str) -> list[tuple[str, str | None]]:
        """Files that vanish at a step, and others with what takes their place."""
        home, root = self.lab.home, self.lab.home.root
        if step in ("list", "inspect", "stage", "archive"):
            other = self.lab.disk / "another version"
            other.write_bytes(EARLIER if step == "archive" else NEW[PLAIN])
            os.utime(other, (NEW_TIME, NEW_TIME))
            if step != "archive":
                home.write(PLAIN, EARLIER, OLD_TIME + 5)
            return [(str(home.landing / ODD), None), (str(home.landing / PLAIN), str(other))]
        vanishing = {
            "publish": ["published/sluice.db", "published/operations.db"],
            "tenants": ["published/tenants/acme.db"],
            "lake": [f"lake/clean/tenant_events/{D1}"],
            "report": [f"reports/{D1}/validation_report.json"],
        }
        return [(str(root / name), None) for name in vanishing[step]]


def tree_of(folder: Path) -> dict[str, bytes]:
    """The files below a folder, or a file, by their paths."""
    files = [folder] if folder.is_file() else [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder.parent)): path.read_bytes() for path in files}


def _command(step: str) -> str:
    return "build" if step in OF_BUILDS else step


def _deliver(home: DataHome, files: dict[str, bytes]) -> None:
    for file, content in files.items():
        path = home.landing / file
        if not path.exists() or path.read_bytes() != content:
            home.write(file, content, OLD_TIME if content == OLD.get(file) else NEW_TIME)


def _prepare_landing(home: DataHome) -> None:
    """Two segments that a killed `scripts/ingest` left."""
    zone = LandingZone(home.root / "ingest", home.landing)
    zone.prepare()
    for number in range(2):
        segment = Segment(zone.ingest, f"20260101T00000000000{number}Z")
        for event in range(3):
            segment.append(frame(f"s{number}{event}\n".encode(), 1))
        segment.close()


def _rows(landing: Path) -> list[dict[str, str]]:
    found = []
    for path in sorted(landing.glob("tenant_events/ingest_date=*/[!.]*.csv")):
        found += csv.DictReader(io.StringIO(path.read_text()))
    return found


def _texts(landing: Path) -> dict[str, bytes]:
    packed = {
        name: gzip.decompress(content) if name.endswith(".gz") else content
        for name, content in tree_of(landing).items()
    }
    return dict(sorted(packed.items()))
