"""Tables written in any dialect come back: each record once, with equal values, in the line where it stands."""

import bz2
import gzip
import lzma
import tempfile
from dataclasses import dataclass
from pathlib import Path

import duckdb
from hypothesis import given, note
from hypothesis import strategies as st

from .support import feed_of, inspect_bytes, read_records
from .test_properties import relaxed

COLUMNS = ["order_id", "customer", "amount", "note"]
PACKERS = {"": bytes, "gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}
LETTERS = "aZ09 .-_äéß€"
SPECIAL = ",;|\t\"'\\\n"
words = st.text(st.sampled_from(LETTERS), min_size=1, max_size=8).filter(str.strip)
values = st.one_of(words, st.text(st.sampled_from(LETTERS + SPECIAL), max_size=8))


@dataclass(frozen=True)
class Style:
    """How a table is written."""

    titles: tuple[str, ...]
    bom: bool
    encoding: str
    delimiter: str
    quote: str
    quote_all: bool
    spaces: bool
    trailing: int
    header_trailing: int
    newline: str
    blanks: bool
    last_end: bool
    header: bool
    repeated: bool
    packer: str


styles = st.builds(
    Style,
    titles=st.lists(
        st.sampled_from(["Orders", "made on 2026-01-01, by hand", "", "# order", "sep=;"]), max_size=3
    ).map(tuple),
    bom=st.booleans(),
    encoding=st.sampled_from(["utf-8", "utf-8", "utf-16-le", "utf-16-be", "windows-1252"]),
    delimiter=st.sampled_from(",;\t|"),
    quote=st.sampled_from('""\'\\'),
    quote_all=st.booleans(),
    spaces=st.booleans(),
    trailing=st.integers(0, 2),
    header_trailing=st.integers(0, 2),
    newline=st.sampled_from(["\n", "\r\n", "\r", "\r\r\n"]),
    blanks=st.booleans(),
    last_end=st.booleans(),
    header=st.booleans(),
    repeated=st.booleans(),
    packer=st.sampled_from(sorted(PACKERS)),
)


class Writer:
    """Writes a table, and notes in which line each record begins."""

    def __init__(self, style: Style) -> None:
        """Write in this style."""
        self.style = style
        self.text = ""

    def field(self, value: str) -> str:
        """One field, quoted if it must be."""
        style = self.style
        special = style.delimiter + style.quote + '\n"' + ("\\'" if style.quote != '"' else "")
        if not style.quote_all and not any(char in value for char in special) and value.strip():
            return value
        quote = '"' if style.quote == "\\" else style.quote
        text = value.replace(quote, quote * 2)
        if style.quote == "\\":
            text = value.replace("\\", "\\\\").replace('"', '\\"')
        space = " " if style.spaces else ""
        return f"{space}{quote}{text}{quote}{space}"

    def line(self) -> int:
        """The number of the line that is written next, as an editor counts."""
        return len(self.text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))

    def row(self, row: list[str], trailing: int) -> int:
        """Write one; its line."""
        line = self.line()
        self.text += self.style.delimiter.join(map(self.field, row)) + self.style.delimiter * trailing
        self.text += self.style.newline
        return line

    def data(self) -> bytes:
        """The file."""
        style = self.style
        text = self.text if style.last_end else self.text.removesuffix(style.newline)
        mark = "\ufeff" if style.bom and style.encoding != "windows-1252" else ""
        return PACKERS[style.packer]((mark + text).encode(style.encoding, "replace"))


def option_of(style: Style) -> dict[str, object]:
    """What the source's YAML says: only what no reader can see in a few records."""
    options: dict[str, object] = {} if style.header else {"header": False, "delimiter": style.delimiter}
    options["encoding"] = style.encoding if style.encoding != "utf-8" else None
    if style.quote == "'":
        options["quote"] = "'"
    if style.quote == "\\":
        options["escape"] = "\\"
    return options


@relaxed
@given(
    style=styles,
    rows=st.lists(st.lists(values, min_size=4, max_size=4), min_size=1, max_size=8),
    keys=st.permutations(range(8)),
)
def test_tables_come_back(
    style: Style, rows: list[list[str]], keys: list[int], connection: duckdb.DuckDBPyConnection
) -> None:
    if style.encoding == "windows-1252":
        rows = [
            [value.encode("windows-1252", "replace").decode("windows-1252") for value in row] for row in rows
        ]
    writer, expected = Writer(style), []
    if style.header:
        for title in style.titles:
            writer.text += title + style.newline
        writer.row(COLUMNS, style.header_trailing)
    for number, row in enumerate(rows):
        row = [f"k{keys[number]}", row[0].strip() or "x", *row[2:]]  # noqa: PLW2901
        if style.blanks and number % 3 == 1:
            writer.text += style.delimiter * (number % 4) + style.newline
        if style.repeated and number == len(rows) // 2:
            writer.row(list(reversed(COLUMNS)), 0)
        order = row[::-1] if style.repeated and number >= len(rows) // 2 else row
        line = writer.row(order, style.trailing)
        expected.append((dict(zip(COLUMNS, row, strict=True)), line))
    note(repr(writer.text))
    with tempfile.TemporaryDirectory() as folder:
        found = inspect_bytes(Path(folder), writer.data(), feed_of(COLUMNS, **option_of(style)))
        assert (found.error, found.fault_count) == (None, 0)
        assert found.records_read == len(rows)
        records = read_records(found, connection)
    assert [(trimmed(record), line) for record, line in records] == [
        (trimmed(record), line) for record, line in expected
    ]


def trimmed(record: dict[str, str]) -> dict[str, str]:
    """As the rules trim it, without empty values."""
    return {column: value.strip() for column, value in record.items() if value.strip()}
