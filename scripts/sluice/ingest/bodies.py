"""Reading request bodies: limited in size, time and in how much of them is held at once."""

import asyncio
import contextlib
from collections.abc import Mapping

from starlette.types import Message, Receive

from sluice.ingest.answers import Refusal
from sluice.ingest.settings import MAX_BODY_BYTES

_MAX_DRAINED_BYTES = 8 * MAX_BODY_BYTES


class Bodies:
    """The bodies of the requests that are being worked on."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.held_bytes = 0
        """Whoever was given a body by `read` takes its length off again."""

    async def read(self, headers: Mapping[bytes, bytes], receive: Receive) -> bytes:
        """The whole body as it was sent; a Refusal (and nothing held) where it is too large or too slow."""
        _check_length(headers)
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

    async def drain(self, receive: Receive) -> None:
        """Take what is left of a refused body and forget it: a client that is still sending would not read its answer,
        and a connection that is closed on it loses that. What goes on for too long is left."""
        left = _MAX_DRAINED_BYTES
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._seconds):
                while left > 0:
                    message = await receive()
                    if message["type"] == "http.disconnect" or not message.get("more_body", False):
                        return
                    left -= len(message.get("body", b""))


def _check_length(headers: Mapping[bytes, bytes]) -> None:
    length = headers.get(b"content-length", b"0")
    if length.isdigit() and (len(length) > 15 or int(length) > MAX_BODY_BYTES):
        raise _too_large()


def _too_large() -> Refusal:
    return Refusal(
        413, f"the body is over {MAX_BODY_BYTES} bytes", {"Connection": "close"}, is_body_left=True
    )
