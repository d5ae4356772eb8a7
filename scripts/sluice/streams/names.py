"""File names of landed batches: which topic, partition and positions a file holds can be read from its
name."""

import hashlib
import re
from dataclasses import dataclass

Position = tuple[int, ...]
"""Where a message stands in its partition: (offset,) in Kafka, (ledger, entry, batch index) in Pulsar."""

_UNSAFE = re.compile(r"^[._]|[^A-Za-z0-9._-]")  # a leading dot or underscore would hide the file
_NAME = re.compile(
    r"(?P<topic>.+?)(?:@(?P<generation>\d+))?-(?P<partition>\d+)-(?P<first>\d+(?:\.\d+)*)-(?P<last>\d+(?:\.\d+)*)\.csv(?:\.gz)?"
)
_WIDTHS = {1: (20,), 3: (12, 10, 6)}
_LONGEST_TOPIC = 120  # file names end at 255 bytes
PULSAR_SCHEME = "persistent://"


def safe_topic(topic: str) -> str:
    """A topic as part of a file name: Pulsar's scheme and default namespace dropped, odd characters as
    ~hex."""
    short = topic.removeprefix(PULSAR_SCHEME).removeprefix("public/default/")
    safe = _UNSAFE.sub(lambda match: "".join(f"~{byte:02x}" for byte in match[0].encode()), short)
    if len(safe) <= _LONGEST_TOPIC:
        return safe
    return f"{safe[:_LONGEST_TOPIC]}~{hashlib.sha256(topic.encode()).hexdigest()[:12]}"


@dataclass(frozen=True)
class Place:
    """One partition of one topic, as landed by one kind of broker."""

    broker: str
    topic: str
    partition: int

    @property
    def stem(self) -> str:
        """The part of every file name that says topic and partition of the first generation."""
        return f"{safe_topic(self.topic)}-{self.partition}"


def position_text(position: Position, padded: bool = False) -> str:
    """A position as text: 42, or 7.13.0; padded so that names sort as positions do."""
    if not padded:
        return ".".join(str(part) for part in position)
    widths = _WIDTHS[len(position)]
    return ".".join(f"{part:0{width}d}" for part, width in zip(position, widths, strict=True))


def file_name(place: Place, generation: int, first: Position, last: Position) -> str:
    """The name of the file that holds the positions first to last; `@2` marks a topic's second
    incarnation."""
    again = f"@{generation}" if generation > 1 else ""
    head = f"{safe_topic(place.topic)}{again}-{place.partition}"
    return f"{head}-{position_text(first, padded=True)}-{position_text(last, padded=True)}.csv"


def parse_name(name: str) -> tuple[str, int, int, Position, Position] | None:
    """(safe topic, partition, generation, first, last) of a landed file's name; None for other files."""
    match = _NAME.fullmatch(name)
    if not match:
        return None
    first, last = (tuple(int(part) for part in match[end].split(".")) for end in ("first", "last"))
    return match["topic"], int(match["partition"]), int(match["generation"] or 1), first, last
