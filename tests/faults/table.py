"""The fault matrix: which fault is tried at which step, and where. `python -m tests.faults.table` writes tests/README.md."""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "README.md"
STEPS = (
    *("list", "inspect", "stage", "resolve", "roll up", "test", "publish", "tenants", "lake", "report"),
    *("archive", "erase", "ingest", "land", "restore"),
)
OF_BUILDS = STEPS[:10]
FAULTS = (
    *("kill −9", "power loss", "disk full", "permission", "vanishing file", "clock jump", "memory limit"),
    *("descriptors", "long reader", "two at once", "damaged file"),
)


@dataclass(frozen=True)
class Elsewhere:
    """Tested in another file, by the test of this name."""

    file: str
    test: str


@dataclass(frozen=True)
class Never:
    """Does not apply, and why."""

    reason: str


HERE = "here"
Cell = str | Elsewhere | Never

_NO_FILES = Never("the step reads and writes the warehouse only, which this process has open")
_ONE_LOCK = Never(
    "one lock is held from before `list` to after `report`; it is tried at the first and the last of them"
)
_NO_READER = Never("nobody else can read the warehouse, or a file on its way, while the step runs")
_OWN_CLOCK = Never("the step looks at no clock but for the name of a file")
_MEMORY = Never(
    "a row or a file is in memory, nothing more; a process that is ended for its memory is killed"
)
_NOTHING_TO_READ = Never(
    "the step reads no file but the warehouse and what an earlier step has just looked at"
)
_WAREHOUSE = Elsewhere("backup/test_damage.py", "test_the_remedy_for_a_damaged_warehouse_helps")
_PUBLISHED = Elsewhere("backup/test_damage.py", "test_what_was_touched_is_compared_whole_and_said")

CELLS: dict[tuple[str, str], Cell] = {(step, fault): HERE for step in STEPS for fault in FAULTS}
CELLS |= {
    (step, fault): _NO_FILES
    for step in ("resolve", "roll up", "test")
    for fault in ("permission", "vanishing file", "descriptors")
}
CELLS |= {(step, "two at once"): _ONE_LOCK for step in OF_BUILDS[1:-1]}
CELLS |= {
    (step, "long reader"): _NO_READER
    for step in STEPS
    if step not in ("publish", "tenants", "lake", "report", "archive", "erase")
}
CELLS |= {
    ("list", "damaged file"): Never("names are listed, no file is opened"),
    ("stage", "damaged file"): Never("`inspect` has read the file to its end; one that changes since is a vanishing file"),
    **{(step, "damaged file"): _WAREHOUSE for step in ("resolve", "roll up", "test")},
    **{(step, "damaged file"): _PUBLISHED for step in ("publish", "tenants", "lake", "report")},
    ("archive", "damaged file"): Elsewhere("archive/test_store.py", "test_a_file_that_is_broken_by_now_stays_and_is_named"),
    ("archive", "clock jump"): Elsewhere("archive/test_store.py", "test_the_newer_copy_counts_where_the_clock_steps_back"),
    ("erase", "damaged file"): Elsewhere("forget/test_survivors.py", "test_the_error_of_a_file_that_cannot_be_read_keeps_nothing"),
    ("erase", "long reader"): Elsewhere("forget/test_survivors.py", "test_a_reader_of_an_older_state_is_waited_for_then_named"),
    ("erase", "vanishing file"): Elsewhere("forget/test_replace.py", "test_a_version_that_comes_meanwhile_is_read_and_stays"),
    ("erase", "clock jump"): _OWN_CLOCK,
    ("ingest", "permission"): Never("its folders are made, or found unwritable, when it starts; then it has its files open"),
    ("ingest", "vanishing file"): Never("nobody else writes to its folder; a segment that is gone is gone"),
    ("ingest", "clock jump"): Elsewhere("ingest/test_ingest_segment.py", "test_ids_grow_when_the_clock_stands_or_steps_back"),
    ("ingest", "memory limit"): _MEMORY,
    ("ingest", "two at once"): Elsewhere("ingest/test_ingest_process.py", "test_a_second_one_on_the_same_home_is_refused"),
    ("ingest", "damaged file"): Elsewhere("ingest/test_ingest_segment.py", "test_a_changed_byte_never_yields_a_wrong_frame"),
    ("land", "vanishing file"): Elsewhere("streams/test_kafka.py", "test_a_truncated_file_lands_anew"),
    ("land", "clock jump"): Elsewhere("streams/test_kill_list.py", "test_every_message_is_in_exactly_one_place"),
    ("land", "memory limit"): _MEMORY,
    ("land", "two at once"): Elsewhere("streams/test_exactly_once.py", "test_no_message_lands_twice_and_none_is_lost"),
    ("land", "damaged file"): Elsewhere("streams/test_exactly_once.py", "test_a_file_that_was_cut_short_is_found_and_mended"),
    ("restore", "vanishing file"): Elsewhere("backup/test_commands.py", "test_a_damaged_backup_changes_nothing"),
    ("restore", "damaged file"): Elsewhere("backup/test_commands.py", "test_a_damaged_backup_changes_nothing"),
    ("restore", "clock jump"): _OWN_CLOCK,
}  # fmt: skip


def tried_here(fault: str) -> list[str]:
    """The steps at which test_matrix.py tries a fault."""
    return [step for step in STEPS if CELLS[step, fault] == HERE]


def table() -> str:
    """The matrix as Markdown, with its reasons below."""
    reasons: list[str] = []

    def text(cell: Cell) -> str:
        if isinstance(cell, Elsewhere):
            return f"[{cell.file.rpartition('/')[2].removeprefix('test_').removesuffix('.py')}]({cell.file})"
        if isinstance(cell, Never):
            if cell.reason not in reasons:
                reasons.append(cell.reason)
            return f"– {reasons.index(cell.reason) + 1}"
        return cell

    lines = [f"| step | {' | '.join(FAULTS)} |", "| --- " * (len(FAULTS) + 1) + "|"]
    lines += [f"| {step} | {' | '.join(text(CELLS[step, fault]) for fault in FAULTS)} |" for step in STEPS]
    lines += ["", "Does not apply, because", ""]
    lines += [f"{number}. {reason}" for number, reason in enumerate(reasons, 1)]
    return "\n".join(lines)


def renew(page: str) -> str:
    """The page with its table brought up to date. ValueError where it has no place for it, or several."""
    pattern = re.compile(r"(<!-- faults: [^\n]*-->\n).*?(<!-- /faults -->)", re.DOTALL)
    renewed, count = pattern.subn(lambda found: f"{found[1]}{table()}\n{found[2]}", page)
    if count != 1:
        raise ValueError(f"tests/README.md has {count} places for the table of faults; it needs one")
    return renewed


def main() -> int:
    """Write the page; the exit code."""
    PAGE.write_text(renew(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
