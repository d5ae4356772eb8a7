"""A slow and obvious reader of messy CSV, to compare the fast one with. It works on one str per file.

Bytes that are not UTF-8 are lone surrogates here ("surrogateescape"), so each character is one decision.
"""

from dataclasses import dataclass, field


@dataclass
class Expected:
    """Good records field by field, and faults as (reason, raw text), each in the order of the file."""

    records: list[list[str]] = field(default_factory=list)
    faults: list[tuple[str, str]] = field(default_factory=list)


def line_end_at(text: str, at: int) -> int:
    """Length of the line end at a position, or 0. A CR that ends the file is a CRLF cut short."""
    if text.startswith("\n", at):
        return 1
    if text.startswith("\r\n", at):
        return 2
    return 1 if at == len(text) - 1 and text[at] == "\r" else 0


def read_record(text: str, at: int, delimiter: str) -> tuple[list[str], int] | None:
    """The fields of the record at a position and where its text ends; None if its quotes are wrong."""
    fields = []
    while True:
        value = ""
        if text.startswith('"', at):
            at += 1
            while not (text.startswith('"', at) and not text.startswith('""', at)):
                if at >= len(text):
                    return None
                if text.startswith('""', at):
                    at += 1
                value += text[at]
                at += 1
            at += 1
            if at < len(text) and text[at] != delimiter and not line_end_at(text, at):
                return None
        else:
            while at < len(text) and text[at] != delimiter and not line_end_at(text, at):
                value += text[at]
                at += 1
        fields.append(value)
        if at < len(text) and text[at] == delimiter:
            at += 1
        else:
            return fields, at


def read_all(text: str, delimiter: str, width: int, limit: int) -> Expected:
    """Read the records below the header; `limit` is the longest record in bytes."""
    found = Expected()
    starts, at = [], 0
    while at < len(text):
        starts.append(at)
        at = text.find("\n", at) + 1 or len(text)

    def splits(line: int) -> bool:
        stop = starts[line + 1] if line + 1 < len(starts) else len(text)
        alone = text[starts[line] : stop]
        if line_end_at(alone, 0):
            return False
        record = read_record(alone, 0, delimiter)
        return record is not None and len(record[0]) == width

    line = 0
    while line < len(starts):
        start = starts[line]
        if line_end_at(text, start):
            line += 1
            continue
        record = read_record(text, start, delimiter)
        after = len(starts)
        if record is not None:
            after = next(
                (n for n, where in enumerate(starts) if where >= record[1] and n > line), len(starts)
            )
        fault = None
        length = len(text[start : record[1]].encode("utf-8", "surrogateescape")) if record else 0
        if record is None or len(record[0]) != width or length > limit:
            sound = next((n for n in range(line + 1, after) if splits(n)), None)
            if sound is not None or record is None:
                fault = "unterminated_quote"
                after = len(starts) if sound is None else sound
            elif length > limit:
                fault = "line_too_long"
            else:
                fault = "too_few_columns" if len(record[0]) < width else "too_many_columns"
        raw = text[start : starts[after] if after < len(starts) else len(text)]
        if raw.endswith("\n"):
            raw = raw[:-1]
        if raw.endswith("\r") and (len(raw) < len(text[start:]) or fault is None or after == len(starts)):
            raw = raw[:-1]
        try:
            raw.encode()
        except UnicodeEncodeError:
            fault = "invalid_encoding"
            raw = raw.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        if fault:
            found.faults.append((fault, raw))
        else:
            assert record is not None
            found.records.append(record[0])
        line = after
    return found
