"""A landed file that is about to lose records on purpose, because somebody is to be forgotten."""

from pathlib import Path

from sluice.streams.disk import Disk, patiently
from sluice.streams.names import parse_name
from sluice.streams.record import Line, newest, parse_line


def expect_size(feed_folder: Path, path: Path, size: int) -> None:
    """Note in its partition's record that a landed file has this size from now on, or a stream would take it for cut
    short and land it anew. Files that no stream landed are left alone.

    Raises BusyError when a stream holds the partition for too long, OSError.
    """
    parsed = parse_name(path.name)
    if not parsed:
        return
    topic, partition, *_, last = parsed
    record = (
        feed_folder / "_offsets" / ("kafka" if len(last) == 1 else "pulsar") / f"{topic}-{partition}.jsonl"
    )
    if not record.exists():
        return
    disk = Disk()

    def note() -> None:
        with disk.lock(record.with_suffix(".lock")):
            lines = [
                line for line in map(parse_line, record.read_text(errors="replace").splitlines()) if line
            ]
            state = newest(lines, lambda file: (feed_folder / file).exists())
            file = path.relative_to(feed_folder).as_posix()
            disk.append(record, Line("mended", state, file, size).to_text().encode())

    patiently(note)
