"""The header record: where it stands, which delimiter it uses, which columns it names."""

from collections.abc import Set
from dataclasses import dataclass

from sluice.landing.errors import UnreadableFileError

DELIMITERS = (",", ";", "\t", "|")
WHITE_SPACE = " \t\r\n\v\f\u00a0"
"""What a name, like every value, is trimmed of; of a name a BOM, too (files that were put together have some)."""
BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Header:
    """A parsed header; `data_start` is the byte at which the records begin.

    `plain` tells that another RFC 4180 reader finds the same header on the file's first line.
    """

    delimiter: str
    names: list[str]
    crlf: bool
    data_start: int
    plain: bool


@dataclass(frozen=True)
class _Record:
    fields: list[bytes]
    end: int
    strict: bool


def read_header(head: bytes, known_names: Set[str], *, whole: bool) -> Header:
    """Find the header in the first bytes of a file.

    Args:
        head: the file's beginning, more than limits.HEADER bytes of it where there are as many.
        known_names: names and aliases, lower case.
        whole: `head` is all there is.

    Raises UnreadableFileError if there is no text, no end of the header, no known name in it, or no line end but CR.
    """
    bom = len(BOM) if head.startswith(BOM) else 0
    start = bom
    while head.startswith((b"\n", b"\r\n"), start):
        start = head.index(b"\n", start) + 1
    if start == len(head) and whole:
        what = "has only empty lines" if head[bom:] else "is empty"
        raise UnreadableFileError(f"The file {what}. Deliver it with a header line.")
    if not whole and head.find(b"\n", start) < 0:
        raise UnreadableFileError("The header line is longer than 1 MiB. Check that this is a CSV file.")

    best: tuple[int, Header] | None = None
    for delimiter in DELIMITERS:
        for record in _readings(head, start, delimiter.encode(), whole=whole):
            names = [_name(field) for field in record.fields]
            known = len({name.lower() for name in names} & known_names)
            if best is None or known > best[0]:
                crlf = head[record.end - 2 : record.end] == b"\r\n"
                plain = record.strict and start == bom and _is_utf8(head[start : record.end])
                plain = plain and BOM not in head[start : record.end]
                best = (known, Header(delimiter, names, crlf, record.end, plain))
    if best is None or best[0] == 0:
        line = head[start:].split(b"\n", 1)[0].rstrip(b"\r").decode("utf-8", "backslashreplace")
        shown = line if len(line) <= 200 else line[:200] + "…"
        expected = ", ".join(sorted(known_names)[:12])
        raise UnreadableFileError(
            f"The first line holds no known column name: {shown!r}. Name at least one of: {expected}."
        )
    if whole and b"\n" not in head[start:] and any("\r" in name for name in best[1].names):
        raise UnreadableFileError(
            "The lines end in CR alone, so all of it is one line. End them in LF or CRLF."
        )
    return best[1]


def _readings(head: bytes, start: int, delimiter: bytes, *, whole: bool) -> list[_Record]:
    """The header record by the rules and, if quotes trouble it or stretch it over lines, as one bare line."""
    parsed = _parse(head, start, delimiter, whole=whole)
    line_end = head.find(b"\n", start)
    end = len(head) if line_end < 0 else line_end + 1
    if parsed is not None and parsed.end == end:
        return [parsed]
    bare = [field.strip(b' \t\r\n"') for field in head[start:end].split(delimiter)]
    return [*([parsed] if parsed else []), _Record(bare, end, strict=False)]


def _parse(head: bytes, start: int, delimiter: bytes, *, whole: bool) -> _Record | None:
    """One record by RFC 4180, quotes inside unquoted fields being text; None if its quoting is broken."""
    fields: list[bytes] = []
    strict = True
    at = start
    while True:
        if head.startswith(b'"', at):
            close = at + 1
            while (close := head.find(b'"', close)) >= 0 and head.startswith(b'""', close):
                close += 2
            if close < 0:
                return None
            fields.append(head[at + 1 : close].replace(b'""', b'"'))
            at = close + 1
        else:
            line_end = head.find(b"\n", at)
            line_end = len(head) if line_end < 0 else line_end
            if line_end > at and head[line_end - 1] == 13:
                line_end -= 1
            stop = head.find(delimiter, at, line_end)
            stop = line_end if stop < 0 else stop
            fields.append(head[at:stop])
            strict = strict and b'"' not in fields[-1] and b"\r" not in fields[-1]
            at = stop
        if head.startswith(delimiter, at):
            at += 1
        elif at == len(head):
            return _Record(fields, at, strict) if whole else None
        elif head.startswith((b"\n", b"\r\n"), at):
            return _Record(fields, head.index(b"\n", at) + 1, strict)
        elif at == len(head) - 1 and head.endswith(b"\r"):
            return _Record(fields, len(head), strict=False)
        else:
            return None


def _name(field: bytes) -> str:
    return field.decode("utf-8", "backslashreplace").strip(WHITE_SPACE + "\ufeff")


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
