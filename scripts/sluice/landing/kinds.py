"""What a file is, told by the first bytes of its content: never by its name."""

import string
import tarfile

from sluice.landing.errors import UnreadableFileError

COMPRESSIONS = {
    b"\x1f\x8b": "gzip",
    b"\xfd7zXZ\0": "xz",
    b"]\0\0": "lzma",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
    b"PK\x07\x08": "zip",
    **{bytes([number]) + b"\x2a\x4d\x18": "zstd" for number in range(0x50, 0x60)},
    **{b"BZh%d" % level + block: "bzip2" for level in range(1, 10) for block in (b"1AY&SY", b"\x17rE8P\x90")},
}
"""Beginnings of what is decompressed. Those of zstd that come second are frames to be skipped."""
_COMPRESSED = tuple(COMPRESSIONS)

REPACK = "Compress it with gzip, bzip2, xz or zstd, or deliver the CSV file as it is."
EXPORT = "Export the table as CSV and deliver that."
UNPACK = "Unpack it and deliver each CSV file by itself."
REPLACE = "Deliver the CSV file that was meant."
REFUSED: list[tuple[int, bytes, str, str]] = [
    (0, b"%PDF-", "a PDF document", EXPORT),
    (0, b"PAR1", "a Parquet file", EXPORT),
    (0, b"ORC", "an ORC file", EXPORT),
    (0, b"Obj\x01", "an Avro file", EXPORT),
    (0, b"ARROW1\0\0", "an Arrow file", EXPORT),
    (0, b"SQLite format 3\0", "an SQLite database", EXPORT),
    (8, b"DUCK", "a DuckDB database", EXPORT),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office document (.xls or .doc)", EXPORT),
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file", EXPORT),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive", UNPACK),
    (0, b"Rar!\x1a\x07", "a RAR archive", UNPACK),
    (257, b"ustar", "a tar archive", UNPACK),
    (0, b"!<arch>\n", "an ar archive", UNPACK),
    (0, b"\x04\x22\x4d\x18", "compressed with lz4", REPACK),
    (0, b"\x1f\x9d", "compressed with compress (.Z)", REPACK),
    (0, b"LZIP", "compressed with lzip", REPACK),
    (0, b"\xff\x06\0\0sNaPpY", "compressed with snappy", REPACK),
    (0, b"\x89PNG\r\n\x1a\n", "a PNG image", REPLACE),
    (0, b"\xff\xd8\xff", "a JPEG image", REPLACE),
    (0, b"GIF87a", "a GIF image", REPLACE),
    (0, b"GIF89a", "a GIF image", REPLACE),
    (0, b"\x7fELF", "a program (ELF)", REPLACE),
    *((0, bytes([0x80, number]), "a Python pickle", EXPORT) for number in range(2, 6)),
]
"""Offset, bytes, what it is, and what to deliver in its place."""

LOOKED_AT = 1 << 16
"""Bytes at the beginning that tell text from other content."""
_TEXT = bytes(sorted({*range(32, 127), *range(128, 256), *b"\t\n\v\f\r\x1a\x1b"}))
_NUL = b"\0"


def compression_of(head: bytes) -> str | None:
    """How content that begins with these bytes is compressed, or None."""
    if not head.startswith(_COMPRESSED):
        return None
    kind = next(kind for magic, kind in COMPRESSIONS.items() if head.startswith(magic))
    return kind if kind != "lzma" or _is_lzma(head) else None


def _is_lzma(head: bytes) -> bool:
    """The old format of xz has no magic number: a size that is not known, or one that is not absurd."""
    size = int.from_bytes(head[5:13], "little")
    return len(head) > 13 and (size == (1 << 64) - 1 or size < 1 << 48)


def refuse_other_files(head: bytes) -> None:
    """Raise UnreadableFileError if content that begins with these bytes is a file of another kind, by its magic number.

    Numbers that are letters count only where something follows that no text has: a column may be called ORCID.
    """
    is_text = not head[:LOOKED_AT].translate(None, _TEXT)
    for offset, magic, what, remedy in REFUSED[:1] if is_text else REFUSED:
        if head.startswith(magic, offset):
            raise refused(what, remedy)
    if not is_text and len(head) >= 512 and _is_tar(head[:512]):
        raise refused("a tar archive", UNPACK)


def refuse_binary(head: bytes, names: frozenset[str]) -> None:
    """Raise UnreadableFileError if content that begins with these bytes is not text of bytes.

    Control characters and zeros make it binary where they are many, unless a text with a column's name precedes them:
    fields may be padded with zeros, and hold whatever somebody sent.

    Args:
        head: the first LOOKED_AT bytes or more, decompressed.
        names: the names that the feed's columns may have, as plain_name writes them.
    """
    head = head[:LOOKED_AT]
    odd = head.translate(None, _TEXT)
    if not odd:
        return
    if not head.strip(_NUL):
        raise refused("nothing but zero bytes, as after a crash or an upload that broke off", REPLACE)
    nuls = odd.count(_NUL)
    controls = len(odd) - nuls
    has_controls = controls * 20 > len(head) - nuls and len(set(odd)) > 4
    if (has_controls or nuls * 2 > len(head)) and not _begins_with_names(head, names):
        raise refused("binary content, not text", REPLACE)


def refused(what: str, remedy: str) -> UnreadableFileError:
    """The error for a file that is something else."""
    return UnreadableFileError(f"The file is not CSV text: it is {what}. {remedy}")


def _is_tar(block: bytes) -> bool:
    """Whether this is the header of a tar archive without a magic number: its checksum is right."""
    try:
        tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


def _begins_with_names(head: bytes, names: frozenset[str]) -> bool:
    """Whether the text before the first control character that no text has names a column of the feed."""
    odd = head.translate(None, _TEXT + _NUL)
    text = head[: head.find(odd[:1])] if odd else head
    return holds_name(text.decode("latin-1"), names)


LETTERS_AND_DIGITS = str.maketrans("", "", string.punctuation + string.whitespace + "\0\ufeff")


def plain_name(name: str) -> str:
    """A name of a column without what may be written in different ways: blanks, punctuation, case."""
    return name.translate(LETTERS_AND_DIGITS).lower()


def holds_name(text: str, names: frozenset[str]) -> bool:
    """Whether one of these names stands in the text, wherever."""
    folded = plain_name(text)
    return any(name in folded for name in names)
