"""Reading request bodies: limited in size, time and in how much of them is held at once."""

import asyncio
from collections.abc import Mapping

from starlette.types import Message, Receive

from sluice.ingest.answers import Refusal
from sluice.ingest.settings import MAX_BODY_BYTES


class Bodies:
    """The bodies of the requests that are being worked on."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.held_bytes = 0
        """Whoever was given a body by `read` takes its length off again."""

    async def read(self, headers: Mapping[bytes, bytes], receive: Receive) -> bytes:
        """The whole body; a Refusal (and nothing held) where it is too large, too slow or compressed."""
        _check_headers(headers)
        body = bytearray()
        try:
            async with asyncio.timeout(self._seconds):
                while self._add(body, await receive()):
                    pass
        except BaseException as error:
            self.held_bytes -= len(body)
            if isinstance(error, TimeoutError):
                raise Refusal(408, "the body took too long to arrive", {"Connection": "close"}) from None
            raise
        return bytes(body)

    def _add(self, body: bytearray, message: Message) -> bool:
        """Take one part; True when more is to come."""
        if message["type"] == "http.disconnect":
            raise Refusal(400, "the client went away")
        part = message.get("body", b"")
        body += part
        self.held_bytes += len(part)
        if len(body) > MAX_BODY_BYTES:
            raise _too_large()
        return message.get("more_body", False)


def _check_headers(headers: Mapping[bytes, bytes]) -> None:
    encoding = headers.get(b"content-encoding", b"identity").lower()
    if encoding != b"identity":
        shown = encoding[:50].decode("ascii", "replace")
        raise Refusal(415, f"Content-Encoding {shown} is not taken; send plain JSON")
    length = headers.get(b"content-length", b"0")
    if length.isdigit() and (len(length) > 15 or int(length) > MAX_BODY_BYTES):
        raise _too_large()


def _too_large() -> Refusal:
    return Refusal(413, f"the body is over {MAX_BODY_BYTES} bytes", {"Connection": "close"})
