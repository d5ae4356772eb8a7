"""From the bytes of a text to UTF-8: which encoding it is, and how to bring it there and back."""

import codecs
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from sluice.landing.errors import UnreadableFileError
from sluice.landing.feed import FeedFormat
from sluice.landing.kinds import LOOKED_AT, holds_name, plain_name
from sluice.landing.proof import is_utf8
from sluice.landing.window import Bytes

WINDOWS_1252 = "windows-1252"
BOMS = {
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
"""Byte order marks; those of UTF-32 come first, because one of them begins like one of UTF-16."""
_BOMS = tuple(BOMS)
_CHARACTERS_1252 = "".join(bytes([number]).decode("cp1252", "ignore") or chr(number) for number in range(256))
"""As browsers read it: the five bytes that Windows does not define are control characters."""
_BYTES_1252 = codecs.charmap_build(_CHARACTERS_1252)
_SURROGATE = re.compile("[\ud800-\udfff]")
BAD_UNITS = 1000
"""So many bad units are never too many."""


@dataclass(frozen=True)
class Encoding:
    """How a text is encoded. `bom`: the byte order mark that is not part of the text; `is_given`: by the source."""

    name: str
    bom: bytes = b""
    is_guessed: bool = False
    is_given: bool = False

    @property
    def is_utf8(self) -> bool:
        """Whether nothing must be done."""
        return codecs.lookup(self.name).name in ("utf-8", "utf-8-sig")

    @property
    def is_wide(self) -> bool:
        """Whether each character has two or four bytes."""
        return codecs.lookup(self.name).name.startswith(("utf-16", "utf-32"))


def detect_encoding(head: bytes, feed: FeedFormat) -> Encoding:
    """The encoding of a text that begins with these bytes; UTF-8 where they do not tell.

    Raises UnreadableFileError for a source's option that is no encoding.
    """
    if feed.options.encoding:
        return _given(feed.options.encoding, head)
    if head.startswith(_BOMS):
        bom, name = next(pair for pair in BOMS.items() if head.startswith(pair[0]))
        return Encoding(name, bom)
    if 0 in head[:LOOKED_AT] and (wide := _guess_wide(head[:LOOKED_AT], feed)):
        return Encoding(wide, is_guessed=True)
    return Encoding("utf-8")


def _given(option: str, head: bytes) -> Encoding:
    try:
        "a".encode(option)
        name = codecs.lookup(option).name
        codecs.getincrementaldecoder(option)
    except (LookupError, ValueError, UnicodeError) as problem:
        raise UnreadableFileError(
            f"The source's option encoding is {option!r}, which is not an encoding that Python knows. Write one such as"
            " windows-1252, iso-8859-15, cp850 or utf-16."
        ) from problem
    if name in ("utf-16", "utf-32"):
        name += next(
            (BOMS[bom][6:] for bom in _BOMS if head.startswith(bom) and BOMS[bom].startswith(name)), "-le"
        )
        bom = next((bom for bom in _BOMS if head.startswith(bom) and BOMS[bom] == name), b"")
        return Encoding(name, bom, is_given=True)
    bom = "\ufeff".encode(option, "replace") if name.startswith(("utf-16-", "utf-32-")) else b""
    return Encoding(option, bom if head.startswith(bom) else b"", is_given=True)


def column_names(feed: FeedFormat) -> frozenset[str]:
    """The names that the feed's columns may have, as plain_name writes them."""
    return frozenset(filter(None, (plain_name(name) for names in feed.columns.values() for name in names)))


def _guess_wide(sample: bytes, feed: FeedFormat) -> str | None:
    """UTF-16 or UTF-32 without a byte order mark, if the zeros in a text stand where ASCII has them there.

    Zeros that pad fields stand at any place, and those of other text are few. What can be read both ways is the one in
    which a column has its name, or in which there are delimiters and line ends.
    """
    zeros = [sample[place::4].count(0) for place in range(4)]
    quarter = len(sample) // 4
    if quarter and min(zeros[2:]) * 10 >= quarter * 9 and zeros[0] * 2 < quarter:
        name, size = "utf-32-le", 4
    elif quarter and min(zeros[:2]) * 10 >= quarter * 9 and zeros[3] * 2 < quarter:
        name, size = "utf-32-be", 4
    else:
        size = 2
        even, odd = zeros[0] + zeros[2], zeros[1] + zeros[3]
        name, high, low = ("utf-16-le", odd, even) if odd > even else ("utf-16-be", even, odd)
        if high * 20 < len(sample) // 2 or low * 10 > high:
            return None
    sample = sample[: len(sample) // size * size]
    text = sample.decode(name, "surrogatepass" if size == 2 else "replace")
    strange = sum(count for character, count in Counter(text).items() if _is_strange(character))
    if strange * 10 > len(text):
        return None
    names = column_names(feed) if feed.options.header is not False else frozenset()
    if holds_name(text, names):
        return name
    narrow = sample.decode("latin-1")
    lacks = any(set(marks) & set(narrow) and not set(marks) & set(text) for marks in ("\r\n", ",;\t|"))
    return None if lacks or holds_name(narrow, names) else name


def _is_strange(character: str) -> bool:
    """Whether no text has the character: not assigned, of private use, half of a pair, most control characters."""
    return (
        unicodedata.category(character) in ("Cn", "Co", "Cs", "Cc") and character not in "\t\n\v\f\r\x1a\x1b"
    )


def transcoded(blocks: Iterable[bytes], encoding: Encoding) -> Iterator[bytes]:
    """The text as UTF-8 without its byte order mark.

    What cannot be decoded leaves bytes that are not UTF-8 in its line: the bad bytes themselves, or for UTF-16 and
    UTF-32 half of a pair, in the three bytes that UTF-8 would have for it. Raises UnreadableFileError where that is
    more than a tenth of the text.
    """
    if _is_1252(encoding.name):
        for block in blocks:
            yield codecs.charmap_decode(block, "strict", cast(Any, _CHARACTERS_1252))[0].encode()
        return
    on_error = "sluice.half_pairs" if encoding.is_wide else "sluice.bytes"
    on_output = "surrogatepass" if encoding.is_wide else "surrogateescape"
    decoder = codecs.getincrementaldecoder(encoding.name)(on_error)
    skip, size, bad = len(encoding.bom), 0, 0
    for block, final in _with_last(blocks):
        try:
            text = decoder.decode(block[skip:], final)
        except UnicodeError as problem:
            raise UnreadableFileError(
                f"The file cannot be read with the source's option encoding {encoding.name!r}: {type(problem).__name__}."
            ) from problem
        skip = max(skip - len(block), 0)
        size += len(text)
        try:
            yield text.encode()
        except UnicodeEncodeError:
            bad += len(_SURROGATE.findall(text))
            if bad > BAD_UNITS and bad * 10 > size and encoding.is_wide:
                raise UnreadableFileError(
                    f"The file begins as {encoding.name.upper()}, but what follows is not. Deliver it as UTF-8."
                ) from None
            yield text.encode("utf-8", on_output)


def encoded(blocks: Iterable[bytes], encoding: Encoding) -> Iterator[bytes]:
    """The way back: UTF-8 that `transcoded` made, in the encoding that it had."""
    yield encoding.bom
    is_1252 = _is_1252(encoding.name)
    on_error = "surrogatepass" if encoding.is_wide else "surrogateescape"
    decoder = codecs.getincrementaldecoder("utf-8")(on_error)
    encoder = codecs.getincrementalencoder(encoding.name)(on_error)
    for block, final in _with_last(blocks):
        text = decoder.decode(block, final)
        if is_1252:
            yield codecs.charmap_encode(text, "strict", _BYTES_1252)[0]
        else:
            yield encoder.encode(text, final)


def _is_1252(name: str) -> bool:
    return codecs.lookup(name).name == "cp1252"


def _with_last(blocks: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    for block in blocks:
        yield block, False
    yield b"", True


def _keep_bytes(problem: UnicodeError) -> tuple[str, int]:
    if not isinstance(problem, UnicodeDecodeError):
        raise problem
    bad = problem.object[problem.start : problem.end]
    return bad.decode("ascii", "surrogateescape"), problem.end


def _keep_half_pairs(problem: UnicodeError) -> tuple[str, int]:
    if not isinstance(problem, UnicodeDecodeError):
        raise problem
    try:
        return codecs.lookup_error("surrogatepass")(problem)  # type: ignore[return-value]
    except UnicodeDecodeError:
        bad = problem.object[problem.start : problem.end]
        return "".join(chr(0xDC00 + byte) for byte in bad), problem.end


codecs.register_error("sluice.bytes", _keep_bytes)
codecs.register_error("sluice.half_pairs", _keep_half_pairs)


class Utf8Scan:
    """Looks for UTF-8 beyond ASCII, and for bytes that are no part of it, in blocks that may cut a character."""

    def __init__(self) -> None:
        self.has_characters = False
        self.has_strays = False
        self._cut = b""

    @property
    def is_mixed(self) -> bool:
        """Whether nothing more can be learned."""
        return self.has_characters and self.has_strays

    def look(self, block: bytes, *, final: bool = False) -> None:
        """Look at the next block."""
        if not self._cut and block.isascii():
            return
        block = self._cut + block
        whole = len(block) if final else _whole(block)
        self._cut = block[whole:]
        array = np.frombuffer(block, np.uint8, whole)
        if block[:whole].isascii():
            return
        if is_utf8(array):
            self.has_characters = True
            return
        characters, strays = _sequences(array)
        self.has_characters |= characters > 0
        self.has_strays |= strays > 0


def _whole(block: bytes) -> int:
    """How many bytes precede a character that the end of the block may cut."""
    for back in range(1, min(3, len(block)) + 1):
        byte = block[-back]
        if byte >= 0xC0:
            length = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return len(block) - back if length > back else len(block)
        if byte < 0x80:
            break
    return len(block)


def _sequences(array: Bytes) -> tuple[int, int]:
    """How many characters beyond ASCII the bytes hold in UTF-8, and how many bytes are no part of one."""
    places = np.flatnonzero(array >= 0x80)
    padded = np.append(array, np.zeros(3, np.uint8))
    first, second = padded[places], padded[places + 1]
    follow = [(padded[places + ahead] & 0xC0) == 0x80 for ahead in (1, 2, 3)]
    two = (first >= 0xC2) & (first <= 0xDF) & follow[0]
    three = (first >= 0xE0) & (first <= 0xEF) & follow[0] & follow[1]
    three &= ~((first == 0xE0) & (second < 0xA0)) & ~((first == 0xED) & (second > 0x9F))
    four = (first >= 0xF0) & (first <= 0xF4) & follow[0] & follow[1] & follow[2]
    four &= ~((first == 0xF0) & (second < 0x90)) & ~((first == 0xF4) & (second > 0x8F))
    counts = [int(np.count_nonzero(kind)) for kind in (two, three, four)]
    return sum(counts), len(places) - 2 * counts[0] - 3 * counts[1] - 4 * counts[2]
