"""Which partitions of the lake are not as the last build left them."""

import re
from collections.abc import Collection, Mapping
from pathlib import Path

from sluice.stamps import stamps

FILE = re.compile(
    r"(?P<table>[a-z_0-9]+/[a-z_0-9]+)/[a-z_]+=(?P<value>\d{4}-\d\d-\d\d)/(?P<source>[a-z_0-9]+)(?P<rest>-[a-z0-9]+)?\.parquet"
)
"""A file of the lake: `clean/orders/ingest_date=2026-01-01/data-17.parquet` is of the source `clean/orders/data`."""


def touched_partitions(
    lake: Path, noted: Mapping[str, str], sources: Collection[str]
) -> dict[str, list[str]]:
    """Source -> values of the partitions in which it has a file that was not noted, or lacks one that was, or has one
    with another stamp.

    Args:
        lake: the lake.
        noted: path below the lake -> stamp, of the files that builds left behind.
        sources: the sources of the lake; other files are nobody's.
    """
    found = dict(stamps(lake, ".parquet"))
    touched: dict[str, set[str]] = {}
    for path in {path for path, _ in noted.items() ^ found.items()}:
        place = FILE.fullmatch(path)
        if place and (source := _source(place)) in sources:
            touched.setdefault(source, set()).add(place["value"])
    return {source: sorted(values) for source, values in sorted(touched.items())}


def noted_after(
    noted: Mapping[str, str],
    source: str,
    written: Collection[str],
    rewritten: Collection[str] | None,
    grown: Collection[str],
    moved: Mapping[str, str],
) -> dict[str, str]:
    """What is noted once partitions changed. Stamps are those of the files as they were written, never of what is found
    afterwards: a file that vanishes meanwhile is missed by the next build.

    Args:
        noted: path below the lake -> stamp.
        source, written, rewritten, grown: what changed; see change_partitions.
        moved: path below the lake -> stamp, of the files that were written.
    """

    def leaves(path: str) -> bool:
        place = FILE.fullmatch(path)
        if place is None or _source(place) != source:
            return False
        partition = path.split("/")[-2]
        if rewritten is None or partition in rewritten:
            return True
        return partition in grown and place["rest"] is not None and place["rest"] in written

    return {path: stamp for path, stamp in noted.items() if not leaves(path)} | dict(moved)


def _source(place: re.Match[str]) -> str:
    return f"{place['table']}/{place['source']}"
