"""CSV for spreadsheets: with `_safe=1` no cell is a formula and numbers stay numbers; without it values are as they are."""

import csv
import io
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.serve.csv_stream import csv_text, safe_cell

from .conftest import Served, serving
from .published import publish

CELLS = {
    "=HYPERLINK(\"http://x\",\"y\")": True,
    "+1+cmd|' /C calc'!A0": True,
    "-2+3": True,
    "@SUM(A1)": True,
    "\t=1": True,
    "\r=1": True,
    "\n=1": True,
    " =1": True,
    "＝1": True,
    "+31 6 1234": True,
    "-": True,
    "-5": False,
    "+5.25": False,
    "-1e-3": False,
    "plain": False,
    "a;=1": False,
    "'=1": False,
    "": False,
}  # fmt: skip
"""Cells, and whether a spreadsheet would calculate them."""


@pytest.fixture(scope="module")
def sheet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("sheet")
    publish(home)
    with closing(sqlite3.connect(home / "published" / "sluice.db")) as db, db:
        db.execute('create table cells (id integer primary key, "=column" text, number real)')
        db.executemany(
            "insert into cells values (?, ?, ?)", ((n, cell, -n / 2) for n, cell in enumerate(CELLS))
        )
    with serving(home) as served:
        yield served


PATHS = ("/sluice/cells.csv?", "/sluice/cells.csv?_size=100&", "/sluice.csv?sql=select+*+from+cells&")


@pytest.mark.parametrize("path", PATHS)
def test_safe_cells_are_no_formulas_and_numbers_stay_numbers(sheet: Served, path: str) -> None:
    text = sheet.get(f"{path}_safe=1").text
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    assert header == ["id", "'=column", "number"]
    assert [row[1] for row in rows] == [f"'{cell}" if formula else cell for cell, formula in CELLS.items()]
    assert [row[2] for row in rows] == [str(-n / 2) for n in range(len(CELLS))]
    assert re.search(r'^1,"', text, re.MULTILINE), "texts are in quotes, numbers are not"
    one = sheet.get("/sluice/cells/0.csv?_safe=1").text
    assert list(csv.reader(io.StringIO(one)))[1][1].startswith("'=")


@pytest.mark.parametrize("path", PATHS)
def test_without_it_every_value_is_as_it_is(sheet: Served, path: str) -> None:
    for ending in ("", "_safe=0"):
        header, *rows = csv.reader(io.StringIO(sheet.get(path + ending).text, newline=""))
        assert header == ["id", "=column", "number"]
        assert [row[1] for row in rows] == list(CELLS)
    assert sheet.get(f"{path}_safe=yes").status_code == 400


def test_pages_link_to_the_safe_one(sheet: Served) -> None:
    with sheet.client(Accept="text/html") as client:
        for page in ("/", "/sluice", "/sluice/cells", "/sluice?sql=select+1"):
            links = re.findall(r'href="([^"]*\.csv[^"]*)"', client.get(page).text)
            assert links, page
            for link in links:
                assert link.endswith("_safe=1"), (page, link)
                assert client.get(link.replace("&amp;", "&")).status_code == 200
        form = client.get("/sluice/cells").text
        assert re.search(r'<input type="checkbox" name="_safe" value="1" checked>', form)


def test_a_query_that_fails_says_so_and_gives_no_csv(sheet: Served) -> None:
    response = sheet.get(f"/sluice.csv?sql={quote('select nil')}")
    assert (response.status_code, response.json()["error"]) == (400, "no such column: nil")
    assert "name a table" in sheet.get("/sluice.csv").json()["error"]


@given(
    st.lists(
        st.lists(st.none() | st.integers() | st.floats(allow_nan=False) | st.text(), min_size=2, max_size=2)
    )
)
def test_safe_csv_holds_no_formula_and_loses_no_text(rows: list[list[object]]) -> None:
    found = list(csv.reader(io.StringIO(csv_text(rows, True), newline="")))
    assert len(found) == len(rows)
    for cells, row in zip(found, rows, strict=True):
        for cell, value in zip(cells, row, strict=True):
            assert cell == str("" if value is None else safe_cell(value))
            if isinstance(value, str):
                assert cell.removeprefix("'") == value.removeprefix("'") or cell == value
                assert not re.match(r"\s*[=@\t\r\n]", cell)
                if re.match(r"\s*[+-]", cell):
                    float(cell)
