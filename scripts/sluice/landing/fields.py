"""One record's text into its fields: RFC 4180, with white space around quotes, and text that only looks quoted."""

import re
from enum import Enum
from functools import lru_cache

QUOTE = b'"'
BLANKS = b" \t"
INVISIBLE = " \t\r\n\v\f\x1c\x1d\x1e\x1f\x85\u00a0\u1680\u180e\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
INVISIBLE += "\u200b\u200c\u200d\u2028\u2029\u202f\u205f\u2060\u3000\ufeff"
"""White space and characters without a shape: a field or name that holds nothing else is empty."""


class State(Enum):
    """How a piece of text ended: between records, inside quotes, or with a quote where none can be.

    SHIFTED: its quotes are in order only if a delimiter was lost before one.
    """

    CLOSED = 0
    OPEN = 1
    BROKEN = 2
    SHIFTED = 3


class Fields:
    """Splits text at one delimiter.

    A field that begins with a quote, white space before it not counted, ends with one. A quote elsewhere is text
    (`5" pipe`), unless the text reads as a field whose delimiter was lost (`1"a,b",2`): that is SHIFTED.
    """

    def __init__(self, delimiter: bytes) -> None:
        """`delimiter` is one byte."""
        self.delimiter = delimiter
        cut = re.escape(delimiter)
        blanks = b"[" + BLANKS.replace(delimiter, b"") + b"]*+"
        ends = blanks + rb"(" + cut + rb"|\Z)"
        self._opening = re.compile(blanks + QUOTE)
        self._after = re.compile(ends)
        self._next_opening = re.compile(cut + rb"(?=" + blanks + rb'")')
        inside = rb'[^"' + cut + rb"]*+"
        self._shifted = re.compile(
            rb'"(?![\s"' + cut + rb"])" + inside + cut + rb'(?:[^"]|"")*+"(?=' + ends + rb")"
        )
        self._glued = re.compile(rb'[^\s"' + cut + rb']"(?![\s"])' + inside + rb'"(?=' + ends + rb")")
        self._quoted = re.compile(blanks + rb'"([^"]*+(?:""[^"]*+)*+)"' + blanks + rb"(?=" + cut + rb"|\Z)")
        self._blank = re.compile(rb'[\s"' + cut + rb"]*+")

    def count(self, data: bytes | bytearray, at: int, end: int, *, close: int = -1) -> tuple[State, int]:
        """Count the fields of `data[at:end]`; if a quote is still open at the end, those before it.

        `close`: the text begins inside a quoted field, which is counted, too; there it is closed.
        """
        columns, begin = 0, at
        is_whole, is_glued = close < 0, False
        while True:
            if close < 0:
                opening = self._opening.match(data, at, end)
                if opening is None:
                    following = self._next_opening.search(data, at, end)
                    stop = following.start() if following else end
                    if data.find(QUOTE, at, stop) >= 0:
                        if self._shifted.search(data, at, stop):
                            return State.SHIFTED, columns
                        is_glued |= self._glued.search(data, at, stop) is not None
                    columns += data.count(self.delimiter, at, stop) + 1
                    if following is None:
                        is_broken = is_whole and is_glued and data.endswith(self.delimiter, begin, end)
                        return State.SHIFTED if is_broken else State.CLOSED, columns
                    at = stop + 1
                    continue
                close = closing_quote(data, opening.end(), end)
                if close < 0:
                    return State.OPEN, columns
            columns += 1
            after = self._after.match(data, close + 1, end)
            if after is None:
                return State.BROKEN, columns
            if not after[1]:
                return State.CLOSED, columns
            at, close = after.end(), -1

    def split(self, text: bytes) -> list[bytes]:
        """The values of a record whose text is CLOSED."""
        if QUOTE not in text:
            return text.split(self.delimiter)
        values, at = [], 0
        while True:
            quoted = self._quoted.match(text, at)
            if quoted:
                values.append(quoted[1].replace(b'""', QUOTE))
                stop = quoted.end()
            else:
                stop = text.find(self.delimiter, at)
                stop = len(text) if stop < 0 else stop
                values.append(text[at:stop])
            if stop == len(text):
                return values
            at = stop + 1

    def is_blank(self, text: bytes) -> bool:
        """Whether text is nothing but white space, delimiters and quotes."""
        if self._blank.fullmatch(text):
            return True
        return not text.isascii() and all(
            is_invisible(part) for part in text.replace(QUOTE, b"").split(self.delimiter)
        )


@lru_cache(256)
def fields_at(delimiter: bytes) -> Fields:
    """What splits text at a delimiter."""
    return Fields(delimiter)


def closing_quote(data: bytes | bytearray, at: int, end: int) -> int:
    """Where the quoted text that goes on at `at` is closed, or -1; a doubled quote is text."""
    close = data.find(QUOTE, at, end)
    while close >= 0 and data.startswith(QUOTE, close + 1, end):
        close = data.find(QUOTE, close + 2, end)
    return close


def is_empty(value: bytes) -> bool:
    """Whether a value holds nothing but ASCII white space."""
    return not value or value.isspace()


def is_invisible(value: bytes) -> bool:
    """Whether a value holds nothing that can be seen."""
    if is_empty(value):
        return True
    return len(value) < 200 and not value.isascii() and not value.decode("utf-8", "replace").strip(INVISIBLE)
