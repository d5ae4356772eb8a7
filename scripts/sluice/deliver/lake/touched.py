"""Which partitions of the lake are not as the last build left them."""

import re
from collections.abc import Collection, Mapping
from pathlib import Path

from sluice.stamps import stamps

FILE = re.compile(
    r"(?P<table>[a-z_0-9]+/[a-z_0-9]+)/[a-z_]+=(?P<value>\d{4}-\d\d-\d\d)/(?P<source>[a-z_0-9]+)(-[a-z0-9]+)?\.parquet"
)
"""A file of the lake: `clean/orders/ingest_date=2026-01-01/data-17.parquet` is of the source `clean/orders/data`."""


def touched_partitions(lake: Path, noted: Mapping[str, str]) -> dict[str, list[str]]:
    """Source -> values of the partitions in which it has a file that was not noted, or lacks one that was, or has one
    with another stamp.

    Args:
        lake: the lake.
        noted: path below the lake -> stamp, of all files that the last build left behind.
    """
    found = dict(stamps(lake, ".parquet"))
    touched: dict[str, set[str]] = {}
    for path in {path for path, _ in noted.items() ^ found.items()}:
        if place := FILE.fullmatch(path):
            touched.setdefault(f"{place['table']}/{place['source']}", set()).add(place["value"])
    return {source: sorted(values) for source, values in sorted(touched.items())}


def files_to_note(lake: Path, touched: Mapping[str, Collection[str]]) -> dict[str, str]:
    """Path -> stamp of the files in the lake, without those of partitions that are still to be written again."""

    def is_touched(path: str) -> bool:
        place = FILE.fullmatch(path)
        return place is not None and place["value"] in touched.get(f"{place['table']}/{place['source']}", ())

    return {path: found for path, found in stamps(lake, ".parquet") if not is_touched(path)}
