"""What the lake notes of its files is what builds wrote, whatever happens to the files meanwhile."""

import shutil
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from sluice.deliver.lake.files import change_partitions, written_files
from sluice.deliver.lake.touched import noted_after, touched_partitions
from sluice.stamps import stamp, stamps

SOURCES = ["clean/orders/data", "metrics/daily_metrics/orders", "metrics/daily_metrics/customers"]
DAYS = [f"ingest_date=2026-01-0{day}" for day in (1, 2, 3)]

changes = st.tuples(
    st.sampled_from(SOURCES),
    st.sampled_from(["all", "rewritten", "grown"]),
    st.sets(st.sampled_from(DAYS), min_size=1),
    st.dictionaries(
        st.sampled_from(["", "-7", "-8", "-waiting"]), st.sets(st.sampled_from(DAYS)), min_size=1
    ),
)


def change(lake: Path, noted: dict[str, str], number: int, step: tuple) -> dict[str, str]:
    """Write and move the files of a step. Returns what is noted after it."""
    source, kind, days, parts = step
    table, _, name = source.rpartition("/")
    if kind == "grown":
        parts = {rest: some for rest, some in parts.items() if rest} or {"-7": set()}
    folders = {rest: lake / ".staging" / f"part{rest}" for rest in {"", *parts}}
    for rest, some in parts.items():
        for day in some if kind == "all" else some & days:
            (folders[rest] / day).mkdir(parents=True)
            (folders[rest] / day / "data_0.parquet").write_text("x" * (number + 1))
    moved = {
        f"{table}/{day}/{name}{rest}.parquet": stamp(file)
        for rest, folder in folders.items()
        for day, file in written_files(folder).items()
    }
    rewritten = None if kind == "all" else sorted(days) if kind == "rewritten" else []
    grown = sorted(days) if kind == "grown" else []
    (lake / ".staging").mkdir(exist_ok=True)
    change_partitions(lake / table, name, folders, rewritten, grown)
    return noted_after(noted, source, list(folders), rewritten, grown, moved)


@given(st.lists(changes, max_size=6))
def test_what_is_noted_is_what_is_there(tmp_path_factory, steps: list[tuple]) -> None:
    lake = tmp_path_factory.mktemp("lake")
    noted: dict[str, str] = {}
    for number, step in enumerate(steps):
        noted = change(lake, noted, number, step)
        assert noted == dict(stamps(lake, ".parquet"))
        assert touched_partitions(lake, noted, SOURCES) == {}
    shutil.rmtree(lake)


def test_a_file_that_vanishes_before_it_is_noted_is_missed(tmp_path: Path) -> None:
    steps = [("clean/orders/data", "all", {DAYS[0]}, {"": {DAYS[0], DAYS[1]}})]
    noted: dict[str, str] = {}
    for number, step in enumerate(steps):
        noted = change(tmp_path, noted, number, step)
    (tmp_path / "clean/orders" / DAYS[1] / "data.parquet").unlink()
    assert touched_partitions(tmp_path, noted, SOURCES) == {"clean/orders/data": ["2026-01-02"]}
    assert touched_partitions(tmp_path, noted, ["clean/customers/data"]) == {}
