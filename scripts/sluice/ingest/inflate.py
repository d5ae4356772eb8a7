"""Compressed request bodies: gzip and deflate, inflated no further than a body may be long."""

import zlib
from collections.abc import Mapping

from sluice.ingest.answers import Refusal
from sluice.ingest.settings import MAX_BODY_BYTES

_GZIP, _ZLIB, _RAW = 31, 15, -15
_WINDOWS = {"gzip": (_GZIP,), "x-gzip": (_GZIP,), "deflate": (_ZLIB, _RAW)}
"""zlib's window sizes by encoding; what is called deflate comes with zlib's head or without."""
_MOST_MEMBERS = 100
TAKEN = "gzip, deflate"


def content_encoding(headers: Mapping[bytes, bytes]) -> str:
    """The encoding of a request's body, `identity` where it has none; 415 where it cannot be taken."""
    encoding = headers.get(b"content-encoding", b"").strip().lower().decode("ascii", "replace") or "identity"
    if encoding != "identity" and encoding not in _WINDOWS:
        raise Refusal(
            415, f"Content-Encoding {encoding[:50]!r} is not taken; {TAKEN} are", {"Accept-Encoding": TAKEN}
        )
    return encoding


def inflate(body: bytes, encoding: str) -> bytes:
    """The body as it was before it was compressed; 400 where it was not, 413 where it becomes too large."""
    if encoding == "identity":
        return body
    for window in _WINDOWS[encoding]:
        try:
            return _inflated(body, window)
        except zlib.error:
            continue
    raise Refusal(400, f"the body is not whole {encoding}, as Content-Encoding says")


def _inflated(body: bytes, window: int) -> bytes:
    """All members of a gzip stream, one after the other; of deflate the only one. Raises zlib.error."""
    parts: list[bytes] = []
    room = MAX_BODY_BYTES
    for _ in range(_MOST_MEMBERS):
        if not body:
            break
        one = zlib.decompressobj(window)
        parts.append(one.decompress(body, room + 1))
        room -= len(parts[-1])
        if room < 0:
            raise Refusal(413, f"the body inflates to over {MAX_BODY_BYTES} bytes")
        if not one.eof:
            raise zlib.error("it ends too early")
        body = one.unused_data
        if window != _GZIP and body:
            raise zlib.error("something follows it")
    if body:
        raise zlib.error("it has too many members")
    return b"".join(parts)
