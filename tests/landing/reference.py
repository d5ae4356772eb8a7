"""A slow and obvious reader of messy CSV, to compare the fast one with.

It works on one str per file in which each character is one byte (latin-1), so that lengths are those of bytes. It
judges headers by the project's own function: that has tests of its own.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from sluice.landing.names import Header

WHITE = " \t\v\f\r\n"
FindHeader = Callable[[bytes, str], Header | None]
"""The header that one line is, if the delimiter so far was this one."""
FindHeaderByValues = Callable[[list[bytes], str], Header | None]
"""The same for a record that quotes stretch over lines, by its values."""


@dataclass
class Expected:
    """Good records and faults, each in the order of the file.

    A record is its values by column (or label), with its line; a fault is (reason, raw text, line).
    """

    records: list[tuple[dict[str, bytes], int]] = field(default_factory=list)
    faults: list[tuple[str, str, int]] = field(default_factory=list)


@dataclass
class Line:
    """A line's text is text[start:stop]; its line end lies before `after`."""

    start: int
    stop: int
    after: int
    begins_after_lf: bool


def split_lines(text: str, *, mid_line: bool) -> list[Line]:
    """The lines, which LF, CRLF or CR end."""
    lines, at, after_lf = [], 0, not mid_line
    for end in re.finditer(r"\r\n|\n|\r", text):
        lines.append(Line(at, end.start(), end.end(), after_lf))
        at, after_lf = end.end(), end[0].endswith("\n")
    if at < len(text):
        lines.append(Line(at, len(text), len(text), after_lf))
    return lines


def parse(text: str, delimiter: str, *, alone: bool) -> tuple[str, list[str]]:
    """The fields of a text: ("closed", fields), or "open", "broken" or "shifted" quotes."""
    blanks = " \t".replace(delimiter, "")
    fields: list[str] = []
    at = glued = 0
    while True:
        begin = at
        while begin < len(text) and text[begin] in blanks:
            begin += 1
        if begin < len(text) and text[begin] == '"':
            value, at = "", begin + 1
            while True:
                if at == len(text):
                    return "open", []
                if text[at] != '"':
                    value += text[at]
                elif text.startswith('""', at):
                    value += '"'
                    at += 1
                else:
                    break
                at += 1
            at += 1
            while at < len(text) and text[at] in blanks:
                at += 1
            if at < len(text) and text[at] != delimiter:
                return "broken", []
        else:
            value = ""
            while at < len(text) and text[at] != delimiter:
                if text[at] == '"':
                    kind = lost_delimiter(text, at, delimiter, blanks)
                    if kind == "inside":
                        return "shifted", []
                    glued += kind == "glued"
                value += text[at]
                at += 1
        fields.append(value)
        if at == len(text):
            if alone and glued and text.endswith(delimiter):
                return "shifted", []
            return "closed", fields
        at += 1


def lost_delimiter(text: str, quote: int, delimiter: str, blanks: str) -> str | None:
    """Whether a quote within an unquoted field may open a field whose delimiter was lost.

    "inside": it would hold delimiters; "glued": it holds none, and stands between two characters.
    """
    at = quote + 1
    if at == len(text) or text[at] in WHITE or text[at] in (delimiter, '"'):
        return None
    while at < len(text) and (text[at] not in (delimiter, '"') or text.startswith('""', at)):
        at += 2 if text.startswith('""', at) else 1
    if at >= len(text):
        return None
    kind = "inside"
    if text[at] == '"':
        kind = "glued" if text[quote - 1] not in WHITE and text[quote - 1] not in (delimiter, '"') else None
    else:
        # the unquoted text ends where the next field begins with a quote
        stop = re.compile(re.escape(delimiter) + f'[{blanks}]*"').search(text, quote)
        end = stop.start() if stop else len(text)
        while at < end and text[at] != '"':
            at += 1
            while text.startswith('""', at) and at + 1 < end:
                at += 2
        if at >= end:
            return None
    at += 1
    while at < len(text) and text[at] in blanks:
        at += 1
    return kind if at == len(text) or text[at] == delimiter else None


def is_empty(value: str) -> bool:
    """Nothing but white space."""
    return not value.strip(WHITE)


def is_invisible(value: str) -> bool:
    """Nothing that can be seen."""
    return not value.encode("latin-1").decode("utf-8", "replace").strip(WHITE + "\u00a0\u200b\ufeff")


def judge(values: list[str], header: Header, *, usual: int, is_doubtful: bool) -> str:
    """What a record is; empty surplus values are taken away, if that cannot shift the others."""
    width = len(values)
    while len(values) > header.named and is_empty(values[-1]):
        values.pop()
    if all(map(is_empty, values)):
        return "blank"
    is_alone = header.named > 1 and all(map(is_empty, values[1:]))
    most = max(header.width, header.named + usual)
    if width > most and len(values) < width and not all(map(is_empty, values[1:])):
        full = [place for place, value in enumerate(values) if not is_empty(value)]
        if is_doubtful or len(full) <= full[-1]:
            return "too_many_columns"
    if header.named <= len(values) <= header.width and not is_alone:
        return "record"
    if all(map(is_invisible, values)):
        return "blank"
    if is_alone:
        return "too_few_values"
    return "too_few_columns" if len(values) < header.named else "too_many_columns"


class Slow:
    """Reads the records below a header."""

    def __init__(
        self,
        text: str,
        header: Header,
        find: FindHeader,
        find_values: FindHeaderByValues,
        *,
        limit: int,
        line: int,
        mid_line: bool,
    ) -> None:
        """`limit`: the longest record in bytes; `line`: the number of the first line."""
        self.text = text
        self.header = header
        self.find = find
        self.find_values = find_values
        self.limit = limit
        self.first = line
        self.lines = split_lines(text, mid_line=mid_line)
        self.mid_line = mid_line
        self.found = Expected()
        texts = [text[line.start : line.stop] for line in self.lines]
        texts = [line for line in texts if line.count('"') % 2 == 0]
        texts = [line for line in texts if not find(line.encode("latin-1"), header.delimiter)]
        rows = [
            fields
            for line in texts
            for state, fields in [parse(line, header.delimiter, alone=True)]
            if line and state == "closed" and len(fields) >= header.named
            if not all(map(is_empty, fields[min(1, header.named - 1) :]))
        ]
        widths = [len(fields) if all(map(is_empty, fields[header.named :])) else 0 for fields in rows]
        empty_behind = sorted(width for width in widths if width)
        usual = max(empty_behind, key=empty_behind.count, default=header.named)
        if 10 * widths.count(usual) < 9 * len(rows):
            usual = header.named
        narrowest = max([usual, *empty_behind[:1]])
        fitting = [fields for fields, width in zip(rows, widths, strict=True) if width == narrowest]
        filled = sum(not is_empty(fields[header.named - 1]) for fields in fitting)
        self.usual = usual - header.named
        self.is_doubtful = 2 * filled <= len(fitting)

    def read(self) -> Expected:
        """Go through the file."""
        at = 0
        while at < len(self.lines):
            at = self.read_at(at)
        return self.found

    def of(self, first: int, last: int) -> str:
        """The text of some lines."""
        return self.text[self.lines[first].start : self.lines[last].stop]

    def read_at(self, at: int) -> int:
        """Read what begins with a line; the line after it."""
        line = self.lines[at]
        stop = at + 1
        while stop < len(self.lines) and not self.lines[stop].begins_after_lf:
            stop += 1
        text = self.of(at, stop - 1)
        if line.begins_after_lf and stop - at > 1 and len(text) <= self.limit:
            parts = range(at, stop)
            is_any_header = any(self.is_header(part) for part in parts)
            if not is_any_header and not all(self.is_whole(part) or self.is_blank(part) for part in parts):
                state, values = parse(text, self.header.delimiter, alone=True)
                if (
                    state == "closed"
                    and judge(values, self.header, usual=self.usual, is_doubtful=self.is_doubtful) == "record"
                ):
                    return self.take("record", values, at, stop)
        text = self.of(at, at)
        if not text:
            return at + 1
        header = self.find(text.encode("latin-1"), self.header.delimiter)
        horizon = self.horizon(at)
        if horizon == at:
            return self.take("line_too_long", [], at, at + 1, cut=True)
        if header is not None:
            self.header = header
            return at + 1
        last = at
        state, values = parse(text, self.header.delimiter, alone=True)
        while state == "open" and last + 1 < horizon:
            last += 1
            state, values = parse(self.of(at, last), self.header.delimiter, alone=False)
        if state == "closed":
            kind, names = "line_too_long", [value.encode("latin-1") for value in values]
            if len(self.of(at, last)) <= self.limit:
                kind = judge(values, self.header, usual=self.usual, is_doubtful=self.is_doubtful)
            whole = header = None
            if last > at and kind not in ("record", "blank"):
                header = self.find_values(names, self.header.delimiter)
                whole = next((n for n in range(at + 1, last + 1) if self.is_whole(n)), None)
            if whole is None and header is not None and kind != "line_too_long":
                self.header = header
                return last + 1
            if whole is None:
                return self.take(kind, values, at, last + 1)
            return self.stray(at, whole)
        if state == "shifted" and last == at:
            return self.take("unterminated_quote", [], at, at + 1)
        whole = next((n for n in range(at + 1, len(self.lines)) if self.is_whole(n)), len(self.lines))
        if state == "open" and horizon < len(self.lines) and whole >= horizon:
            return self.take("line_too_long", [], at, whole, cut=True)
        return self.stray(at, whole, cut=whole > horizon or (whole == horizon < len(self.lines)))

    def stray(self, at: int, whole: int, *, cut: bool = False) -> int:
        """A quote that is not closed."""
        if self.is_blank(at):
            return at + 1
        return self.take("unterminated_quote", [], at, whole, cut=cut)

    def horizon(self, at: int) -> int:
        """The line after the last one that is looked at to judge what begins with this line."""
        start, look = self.lines[at].start, 4 * self.limit
        if len(self.text) - start <= look:
            return len(self.lines)
        chunk = self.text[start : start + look]
        cut = chunk.rfind("\n") + 1 or chunk.rfind("\r", 0, look - 1) + 1
        return next(
            n
            for n in range(at, len(self.lines) + 1)
            if n == len(self.lines) or self.lines[n].start >= start + cut
        )

    def is_header(self, at: int) -> bool:
        """Whether a line is a header by itself."""
        return self.find(self.of(at, at).encode("latin-1"), self.header.delimiter) is not None

    def is_whole(self, at: int) -> bool:
        """Whether a line is a record of the right width, if maybe too long, or a header, by itself."""
        text = self.of(at, at)
        if not text:
            return False
        if self.is_header(at):
            return True
        state, values = parse(text, self.header.delimiter, alone=True)
        return (
            state == "closed"
            and judge(values, self.header, usual=self.usual, is_doubtful=self.is_doubtful) == "record"
        )

    def is_blank(self, at: int) -> bool:
        """Whether a line holds nothing."""
        text = self.of(at, at).replace('"', "")
        return all(map(is_invisible, text.split(self.header.delimiter)))

    def take(self, kind: str, values: list[str], at: int, after: int, *, cut: bool = False) -> int:
        """Keep a record or a fault; `cut`: its text was not seen as a whole."""
        raw = self.of(at, after - 1).encode("latin-1")
        line = self.first + at
        if kind == "blank":
            return after
        try:
            raw.decode()
        except UnicodeDecodeError:
            kind = kind if cut else "invalid_encoding"
        if kind == "record":
            keys = [
                column or label for column, label in zip(self.header.columns, self.header.extra, strict=True)
            ]
            record = {str(key): value.encode("latin-1") for key, value in zip(keys, values, strict=False)}
            self.found.records.append((record, line))
        else:
            self.found.faults.append((kind, raw.decode("utf-8", "backslashreplace"), line))
        return after
