"""When the watcher builds what, without dbt and without waiting."""

import os
from pathlib import Path

import pytest

from sluice.watch.__main__ import main
from sluice.watch.changes import changed_folders, list_landing
from sluice.watch.loop import BACK_OFF_SECONDS, QUIET_SECONDS, WHOLE_SECONDS, Plan

FEEDS = ("customers", "orders")


def started() -> Plan:
    plan = Plan(FEEDS)
    assert plan.next_build(0.0) == []
    plan.note_build([], True, 1.0)
    return plan


def test_everything_is_built_at_the_start_and_then_nothing() -> None:
    assert started().next_build(2.0) is None


def test_only_what_arrived_is_built() -> None:
    plan = started()
    plan.note_changes({"orders"}, 2.0)
    assert plan.next_build(2.0) == ["orders"]


def test_what_cannot_be_a_feed_needs_a_build_of_everything() -> None:
    plan = started()
    plan.note_changes({"orders", "README.txt"}, 2.0)
    assert plan.next_build(2.0) == []


def test_what_was_left_out_is_made_up_for_when_it_is_quiet() -> None:
    plan = started()
    plan.note_changes({"orders"}, 2.0)
    plan.waiting.clear()
    plan.note_build(["orders"], True, 4.0)
    assert plan.next_build(2.0 + QUIET_SECONDS) is None
    assert plan.next_build(2.1 + QUIET_SECONDS) == []
    plan.note_build([], True, 30.0)
    assert plan.next_build(100.0) is None


def test_everything_is_built_now_and_then_while_files_keep_coming() -> None:
    plan = started()
    plan.note_build(["orders"], True, 4.0)
    plan.note_changes({"orders"}, WHOLE_SECONDS)
    assert plan.next_build(WHOLE_SECONDS) == ["orders"]
    assert plan.next_build(WHOLE_SECONDS + 1.1) == []


def test_failures_are_retried_more_and_more_seldom() -> None:
    plan = started()
    now = 10.0
    for wait in (*BACK_OFF_SECONDS, BACK_OFF_SECONDS[-1]):
        plan.note_changes({"orders"}, now)
        plan.note_build(["orders"], False, now)
        assert plan.next_build(now + wait - 0.1) is None, "new files do not shorten the wait"
        now += wait
        assert plan.next_build(now) == [], "the next build is of everything"
    plan.note_build([], True, now)
    assert plan.failures == 0


def test_changes_of_files(tmp_path: Path) -> None:
    for name in ("orders/a.csv", "orders/b.csv", "customers/c.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    before = list_landing(tmp_path)
    assert changed_folders(before, before) == set()
    assert changed_folders({}, before) == {"orders", "customers"}
    os.utime(tmp_path / "orders/a.csv", (1, 1))
    assert changed_folders(before, list_landing(tmp_path)) == {"orders"}
    (tmp_path / "customers/c.csv").unlink()
    (tmp_path / "orders/.d.csv").write_text("not a file yet")
    assert changed_folders(before, list_landing(tmp_path)) == {"orders", "customers"}


@pytest.mark.parametrize(
    "wrong", [["--interval", "soon"], ["--interval", "-1"], ["--interval", "nan"], ["now"]]
)
def test_wrong_usage(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(wrong)
    assert stopped.value.code == 2
    assert "scripts/watch" in capsys.readouterr().err
