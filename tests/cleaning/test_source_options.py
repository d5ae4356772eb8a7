"""The options of a source, as its YAML gives them: what they change, and what is refused with which words."""

import datetime as dt
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from sluice.cleaning import expression
from sluice.home import PROJECT_ROOT

ORDER_TIME = "orders.order_time"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what the macros need of the project."""
    shutil.copytree(
        PROJECT_ROOT / "macros" / "vocabulary" / "cleaning", tmp_path / "macros" / "vocabulary" / "cleaning"
    )
    shutil.copy(PROJECT_ROOT / "dbt_project.yml", tmp_path)
    (tmp_path / "models").mkdir()
    return tmp_path


def declare(project: Path, meta: dict[str, Any], column: dict[str, Any] | None = None) -> Path:
    """Writes the YAML of the feed orders with these options."""
    columns = [
        {"name": "order_time", "config": {"meta": column or {}}},
        {"name": "amount"},
        {"name": "order_id"},
    ]
    table = {"name": "orders", "config": {"meta": meta}, "columns": columns}
    text = yaml.safe_dump({"sources": [{"name": "landing", "tables": [table]}]})
    (project / "models" / "sources.yml").write_text(text, encoding="utf-8")
    return project


def ask(sql: str, text: str) -> Any:
    """What a SQL expression over `value` makes of a text whose file told nothing."""
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        relation = (
            "select $1 as value, cast(null as varchar) as _date_order, cast(null as varchar) as _decimal"
        )
        row = connection.execute(f"select {sql} from ({relation})", [text]).fetchone()
    assert row
    return row[0]


def instant(project: Path, text: str) -> dt.datetime | None:
    return ask(expression("parse_timestamp", "value", ORDER_TIME, project=project), text)


@pytest.mark.parametrize(
    ("meta", "text", "expected"),
    [
        ({}, "03/04/2026", "2026-04-03"),
        ({"date_order": "mdy"}, "03/04/2026", "2026-03-04"),
        ({"date_order": "mdy"}, "03/04/26 11:32", "2026-03-04 11:32"),
        ({"date_order": "mdy"}, "13/04/2026", None),
        ({"date_order": "ymd"}, "26/01/13", "2026-01-13"),
        ({"time_zone": "Europe/Berlin"}, "2026-07-13 11:32:14", "2026-07-13 09:32:14"),
        ({"time_zone": "Europe/Berlin"}, "2026-07-13T11:32:14Z", "2026-07-13 11:32:14"),
        ({"time_zone": "Europe/Berlin"}, "2026-03-29 02:30", None),
        ({"time_zone": "America/New_York"}, "1/7/2026 9:05 PM", "2026-07-02 01:05"),
        ({"timestamp_range": ["2020-03-01", "2020-03-31"]}, "2020-02-29", None),
        ({"timestamp_range": ["2020-03-01", "2020-03-31"]}, "2020-03-01T00:00:00Z", "2020-03-01"),
        (
            {"timestamp_range": ["2020-03-01", "2020-03-31"]},
            "2020-03-31T23:59:59.999Z",
            "2020-03-31 23:59:59.999",
        ),
        ({"timestamp_range": ["2020-03-01", "2020-03-31"]}, "2020-04-01 00:00:00", None),
        ({"timestamp_range": ["2020-03-01", "2020-03-31"]}, "01/04/2020 00:00:00", None),
        ({"timestamp_range": ["2020-03-01", "2020-03-31"]}, "31/03/2020", "2020-03-31"),
        ({"timestamp_range": ["2020-03-01", "2020-03-31"]}, "1585699200", None),
        ({"timestamp_range": ["1700-01-01", "2100-12-31"]}, "1750-06-01", "1750-06-01"),
    ],
)
def test_options_of_instants(project: Path, meta: dict[str, Any], text: str, expected: str | None) -> None:
    found = instant(declare(project, meta), text)
    assert found == (dt.datetime.fromisoformat(expected) if expected else None)


@pytest.mark.parametrize(
    ("meta", "text", "expected"),
    [
        ({}, "13.01.2026 11h32", "2026-01-13 11:32"),
        ({}, "2026-01-13T11:32:14Z", "2026-01-13 11:32:14"),
        ({}, "03|04|2026 +0200", "2026-04-02 22:00"),
        ({"time_zone": "Europe/Berlin"}, "13.07.2026 11h32", "2026-07-13 09:32"),
        ({"time_zone": "Europe/Berlin"}, "03|04|2026 +0500", "2026-04-02 19:00"),
        ({}, "13.01.1850 11h32", None),
        ({}, "03/04/2026", "2026-03-04"),
        ({}, "soon", None),
    ],
)
def test_formats_of_a_column_come_first(
    project: Path, meta: dict[str, Any], text: str, expected: str | None
) -> None:
    formats = ["%d.%m.%Y %Hh%M", "%d|%m|%Y %z", "%m/%d/%Y"]
    declare(project, meta, {"formats": formats})
    assert instant(project, text) == (dt.datetime.fromisoformat(expected) if expected else None)
    ambiguous = expression("is_ambiguous_timestamp", "value", ORDER_TIME, project=project)
    assert ask(ambiguous, text) is False
    assert ask(expression("value_forms", instants=[("value", ORDER_TIME)], project=project), text) == 0


def test_what_an_option_decides_tells_nothing(project: Path) -> None:
    declare(project, {"date_order": "mdy", "decimal": "comma"})
    forms = expression(
        "value_forms", instants=[("value", ORDER_TIME)], amounts=[("value", "orders.amount")], project=project
    )
    assert [ask(forms, text) for text in ("13/01/2026", "03/04/26", "12,50", "1.234")] == [0, 0, 0, 0]
    ambiguous = expression("is_ambiguous_timestamp", "value", ORDER_TIME, project=project)
    assert ask(ambiguous, "85/01/13") is False
    amount = expression("parse_amount", "value", "orders.amount", project=project)
    assert [ask(amount, text) and float(ask(amount, text)) for text in ("12,50", "1.234", "12.50")] == [
        12.5,
        1234,
        None,
    ]


def test_null_words_of_a_source(project: Path) -> None:
    declare(project, {"null_words": ["Missing", "9999", "x1", "it's"]})
    cleaned = expression("clean_value", "value", "orders", project=project)
    texts = ["MISSING", " 9999 ", "X1", "It's", "\u200bmissing", "NULL", "9998", "x2", "missing one"]
    assert [ask(cleaned, text) for text in texts] == [None] * 5 + ["NULL", "9998", "x2", "missing one"]
    declare(project, {"null_words": []})
    # The YAML is read once for a project, so this is another one.
    other = project.rename(project.with_name("other"))
    cleaned = expression("clean_value", "value", "orders", project=other)
    assert [ask(cleaned, text) for text in ("NULL", " - ", "\\N", "")] == ["NULL", "-", None, None]


@pytest.mark.parametrize(
    ("meta", "words"),
    [
        ({"date_oder": "mdy"}, "unknown option 'date_oder'; the options are date_order, decimal"),
        ({"date_order": "american"}, "date_order: 'american'; allowed is auto, dmy, mdy, ymd"),
        ({"time_zone": "Berlin"}, "time_zone: 'Berlin'; allowed is the IANA name"),
        ({"time_zone": "x'; drop table y"}, "allowed is the IANA name"),
        ({"timestamp_range": ["2026-01-01"]}, "allowed is the first and the last day"),
        ({"timestamp_range": ["2026-01-02", "2026-01-01"]}, "allowed is the first and the last day"),
        ({"timestamp_range": ["1.1.2026", "2.1.2026"]}, "allowed is the first and the last day"),
    ],
)
def test_wrong_options_of_instants_stop_compilation(project: Path, meta: dict[str, Any], words: str) -> None:
    declare(project, meta)
    with pytest.raises(ValueError, match=words.replace("'", ".")):
        expression("parse_timestamp", "value", ORDER_TIME, project=project)


@pytest.mark.parametrize(
    ("macro", "arguments", "words"),
    [
        ("source_option", ("orders", "colour"), "no option .colour. of a source; the options are date_order"),
        ("source_option", ("order", "decimal"), "no table .order."),
        ("column_formats", ("orders", "colour"), "no column .colour."),
        ("source_option", ("orders", "decimal"), "decimal: .dot.; allowed is auto, point, comma"),
        ("source_option", ("orders", "null_words"), "allowed is a list of words"),
        ("source_option", ("orders", "delimiter"), "allowed is one character"),
        ("source_option", ("orders", "header"), "allowed is auto, True, False"),
        ("column_formats", ("orders", "order_time"), "give a list of strptime patterns"),
    ],
)
def test_other_wrong_options(project: Path, macro: str, arguments: tuple[str, str], words: str) -> None:
    meta = {"decimal": "dot", "null_words": "NULL", "delimiter": "::", "header": "no", "x_of_our_own": 1}
    declare(project, meta, {"formats": "%d.%m.%Y"})
    with pytest.raises(ValueError, match=words):
        expression(macro, *arguments, project=project)


def test_every_option_has_a_default(project: Path) -> None:
    declare(project, {})
    names = expression("source_options", project=project)
    values = {name: expression("source_option", "orders", name, project=project) for name in names}
    assert values["date_order"] == values["decimal"] == values["encoding"] == "auto"
    assert values["time_zone"] == "UTC"
    assert [str(day) for day in values["timestamp_range"]] == ["1900-01-01", "2099-12-31"]
    assert "NULL" in values["null_words"]
