"""The one file of data in a zip."""

import zipfile
import zlib
from collections.abc import Iterator
from typing import cast

from sluice.landing.delivered import BLOCK, DeliveredFile
from sluice.landing.errors import UnreadableFileError
from sluice.landing.kinds import EXPORT, refused

CAREFUL = 4096
"""Bytes to ask for where the module zipfile knows no limit: what it makes of so many."""
ENCRYPTED = 1
DOCUMENTS = {
    "xl/": "an Excel workbook (.xlsx)",
    "word/": "a Word document (.docx)",
    "ppt/": "a PowerPoint presentation (.pptx)",
}
UNREADABLE = (
    zipfile.BadZipFile,
    NotImplementedError,
    EOFError,
    OSError,
    ValueError,
    RuntimeError,
    zlib.error,
)


def open_member(file: DeliveredFile) -> tuple[str, Iterator[bytes]]:
    """The name and the content of a zip's only member that is data.

    Raises UnreadableFileError if there is none, are several or is a password, if it is a document, or broken.
    """
    try:
        archive = zipfile.ZipFile(file)
    except UNREADABLE as problem:
        raise _broken(problem, file) from problem
    members = archive.infolist()
    _refuse_documents([member.filename for member in members])
    data = [member for member in members if _is_data(member)]
    if len(data) != 1:
        found = f"{len(data)} files" if data else "no file"
        raise UnreadableFileError(
            f"The zip holds {found}; it must hold exactly one. Deliver each CSV file by itself."
        )
    (member,) = data
    if member.flag_bits & ENCRYPTED:
        raise UnreadableFileError("The zip is encrypted. Deliver it without a password.")
    return member.filename, _blocks(archive, member, file)


def _is_data(member: zipfile.ZipInfo) -> bool:
    *folders, name = member.filename.split("/")
    return bool(name) and not name.startswith(".") and "__MACOSX" not in folders


def _refuse_documents(names: list[str]) -> None:
    if "[Content_Types].xml" in names:
        what = (what for folder, what in DOCUMENTS.items() if any(name.startswith(folder) for name in names))
        raise refused(next(what, "an Office document"), EXPORT)
    if names and names[0] == "mimetype":
        raise refused("an OpenDocument file (.ods or .odt)", EXPORT)


def _blocks(archive: zipfile.ZipFile, member: zipfile.ZipInfo, file: DeliveredFile) -> Iterator[bytes]:
    """The content of a member; zipfile compares its checksum at the end."""
    bounded = member.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
    size = 0
    try:
        with cast(zipfile.ZipExtFile, archive.open(member)) as source:
            while block := source.read1(BLOCK if bounded else CAREFUL):
                size += len(block)
                yield block
    except UNREADABLE as problem:
        raise _broken(problem, file) from problem
    if size != member.file_size:
        raise _broken(EOFError(), file)


def _broken(problem: Exception, file: DeliveredFile) -> UnreadableFileError:
    """The error for a zip that cannot be read. The messages of zipfile may quote the file; they stay with operators."""
    detail = str(problem) or None
    if isinstance(problem, NotImplementedError):
        return UnreadableFileError(
            "The zip is compressed in a way that cannot be read. Make it with the method deflate and deliver it again.",
            detail,
        )
    return UnreadableFileError(
        f"The zip is broken or incomplete near byte {file.tell()}. Compress and deliver it again.", detail
    )
