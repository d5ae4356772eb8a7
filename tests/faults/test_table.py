"""The table of tests/README.md is that of the tests."""

import re
from pathlib import Path

from tests.faults.table import CELLS, FAULTS, PAGE, STEPS, Elsewhere, renew, tried_here

MATRIX = Path(__file__).with_name("test_matrix.py").read_text(encoding="utf-8")


def test_the_table_in_the_docs_is_up_to_date() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert renew(page) == page, "run PYTHONPATH=scripts:. .venv/bin/python -m tests.faults.table"


def test_every_cell_says_where_it_is_tested_or_why_not() -> None:
    assert set(CELLS) == {(step, fault) for step in STEPS for fault in FAULTS}
    for cell in CELLS.values():
        if isinstance(cell, Elsewhere):
            assert f"def {cell.test}(" in (PAGE.parent / cell.file).read_text(encoding="utf-8"), cell


def test_what_is_tried_here_is_asked_for_by_a_test() -> None:
    asked_for = set(re.findall(r'(?:tried_here\(|CELLS\[step, )"([^"]+)"', MATRIX))
    assert asked_for == set(FAULTS) and all(tried_here(fault) for fault in FAULTS)
