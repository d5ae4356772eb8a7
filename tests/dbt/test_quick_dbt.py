"""What sluice.quick_dbt spares dbt: the same answers as dbt's own, and nothing lost that somebody would see."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import agate
import jinja2
import pytest
from dbt.context import macros
from dbt_common.clients import agate_helper
from dbt_common.events.base_types import EventLevel
from dbt_common.events.event_manager import EventManager
from dbt_common.events.types import Note, PrintEvent
from hypothesis import given
from hypothesis import strategies as st

from sluice import quick_dbt

NAMES = st.dictionaries(st.sampled_from("abcd"), st.integers(), max_size=4)


@pytest.fixture(autouse=True, scope="module")
def original() -> Iterator[SimpleNamespace]:
    """dbt's own, and afterwards everything as it was."""
    kept = SimpleNamespace(
        namespace=quick_dbt._MacroNamespace, tester=quick_dbt._new_type_tester, fire=quick_dbt._fire
    )
    with pytest.MonkeyPatch.context() as patched:
        for owner, name in (
            (macros, "MacroNamespace"),
            (agate_helper, "build_type_tester"),
            (jinja2.Environment, "compile"),
            (EventManager, "fire_event"),
        ):
            patched.setattr(owner, name, getattr(owner, name))
        quick_dbt.spare_work()
        quick_dbt.spare_work_between_builds()
        yield kept


@given(NAMES, NAMES, NAMES, st.dictionaries(st.sampled_from(["a", "sluice", "dbt_x"]), NAMES))
def test_a_namespace_finds_what_dbt_finds(
    original: SimpleNamespace, root: dict, local: dict, internal: dict, packages: dict
) -> None:
    parts = {
        "global_namespace": root, "local_namespace": local, "global_project_namespace": internal, "packages": packages,
    }  # fmt: skip
    quick, slow = macros.MacroNamespace(**parts), original.namespace(**parts)
    assert type(quick) is not type(slow)
    assert dict(quick) == dict(slow)
    assert len(quick) == len(slow)
    for package in (None, "dbt", *packages):
        assert quick.get_from_package(package, "a") == slow.get_from_package(package, "a")


VALUES = st.sampled_from(["1", "1.5", "null", "", "true", "2026-01-02", "2026-01-02 03:04:05", "x", None])


@given(st.lists(st.tuples(VALUES, VALUES), max_size=4), st.sets(st.sampled_from(["one", "two"])))
def test_a_result_has_the_types_that_dbt_gives_it(
    original: SimpleNamespace, rows: list[tuple], text_columns: set[str]
) -> None:
    names = ["one", "two"]
    quick = agate_helper.table_from_rows(rows, names, text_only_columns=text_columns)
    slow = agate.Table(rows, names, column_types=original.tester(text_columns, string_null_values=()))
    assert [type(column) for column in quick.column_types] == [type(column) for column in slow.column_types]
    assert [tuple(row) for row in quick.rows] == [tuple(row) for row in slow.rows]


def test_a_template_is_compiled_once_and_rendered_with_what_it_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quick_dbt, "TEMPLATES_FOLDER", tmp_path / "templates")
    quick_dbt._store.cache_clear()
    compiled = []
    monkeypatch.setattr(
        quick_dbt,
        "_new_code",
        lambda *given, new=quick_dbt._new_code, **options: compiled.append(given) or new(*given, **options),
    )
    kinds = (jinja2.Environment, type("Other", (jinja2.Environment,), {}))
    for process in range(2):
        quick_dbt._code.clear()
        for environment in (kind() for kind in kinds for _ in range(2)):
            for n in range(3):
                assert environment.from_string("{{ n }} of {{ 2 + 1 }}").render(n=n) == f"{n} of 3"
        assert len(compiled) == 2, f"process {process}"
        assert len(list((tmp_path / "templates").iterdir())) == 2
    with pytest.raises(jinja2.TemplateSyntaxError):
        jinja2.Environment().from_string("{{ broken")  # noqa: S701
    assert jinja2.Environment().compile("{{ 1 }}", raw=True).startswith("from jinja2")  # noqa: S701
    quick_dbt._store.cache_clear()


def test_without_a_place_for_them_templates_are_compiled_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(quick_dbt, "TEMPLATES_FOLDER", tmp_path / "file" / "templates")
    quick_dbt._store.cache_clear()
    assert jinja2.Environment().from_string("{{ 3 }}, nowhere kept").render() == "3, nowhere kept"  # noqa: S701
    quick_dbt._store.cache_clear()


def test_old_templates_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quick_dbt, "TEMPLATES_FOLDER", tmp_path)
    monkeypatch.setattr(quick_dbt, "TEMPLATES", 3)
    for n in range(5):
        quick_dbt._store.cache_clear()
        jinja2.Environment().from_string(f"template {n}")  # noqa: S701
    assert 0 < len(list(tmp_path.iterdir())) <= 4
    quick_dbt._store.cache_clear()


def test_only_events_that_nobody_would_see_are_left_out() -> None:
    manager, seen = EventManager(), []
    manager.add_callback(lambda message: seen.append((message.info.name, message.info.level)))
    manager.fire_event(Note(msg="detail"), EventLevel.DEBUG)
    manager.fire_event(Note(msg="progress"))
    manager.fire_event(Note(msg="odd"), level=EventLevel.WARN)
    manager.fire_event(Note(msg="wrong"), level=EventLevel.ERROR)
    manager.fire_event(PrintEvent(msg="said by a macro"))
    assert seen == [("Note", "warn"), ("Note", "error"), ("PrintEvent", "info")]
    manager.loggers.append(SimpleNamespace(filter=lambda _: True, write_line=lambda _: None))
    manager.fire_event(Note(msg="progress"))
    assert seen[3:] == [("Note", "info")]
