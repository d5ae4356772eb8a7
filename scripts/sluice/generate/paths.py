"""Where a file stands until it is whole."""

from pathlib import Path


def part_of(target: Path) -> Path:
    """A name beside the target that no reader of the landing zone takes for a file yet."""
    return target.with_name(target.name + ".part")
