"""What both HTTP servers do about slow, stalled and oversized clients: deadlines, small heads, a cap on connections.

uvicorn has no deadline for heads, bodies and slow readers, and its `limit_concurrency` turns everybody away once
half-sent requests fill it. `LimitedProtocol` is uvicorn's own protocol with the missing limits:

- a head must be complete within `head_seconds`, a body within `body_seconds`;
- a client that takes less than `stall_bytes` of a waiting answer within `stall_seconds` is cut off;
- a head may have `head_bytes`; a larger one is answered 431;
- at `connections` open connections, the client that has kept the server waiting longest makes room for the new one.
"""

import asyncio
import contextlib
import resource
import socket
import time
from dataclasses import dataclass
from typing import Any, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_DESCRIPTORS = 8192
KEPT_FREE = 512
"""Descriptors that connections leave alone: published files hold three each, and a connection that is turned away
holds one for some turns of the event loop."""
BATCH = 32
"""Connections that are taken in one turn of the event loop."""
QUEUE = 1024
"""Connections that the kernel keeps until they are taken; they hold no descriptor."""
NOT_SENT_BYTES = 64 * 1024
"""What the kernel may hold of an answer that is not on its way yet, so that a slow reader shows soon."""


@dataclass(frozen=True)
class Limits:
    """Times in seconds, sizes in bytes."""

    head_seconds: float = 10.0
    body_seconds: float = 40.0
    stall_seconds: float = 20.0
    stall_bytes: int = 16 * 1024
    head_bytes: int = 32 * 1024
    connections: int = 512

    @classmethod
    def for_this_process(cls, body_seconds: float = body_seconds) -> "Limits":
        """Limits that fit the process's descriptors, after asking for as many as it may have.

        Args:
            body_seconds: how long a body may take.
        """
        descriptors = raise_descriptors()
        return cls(connections=max(descriptors // 4, descriptors - KEPT_FREE), body_seconds=body_seconds)


def raise_descriptors() -> int:
    """Raise the soft limit of open files as far as the hard one allows, up to MOST_DESCRIPTORS; what it is now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    infinite = resource.RLIM_INFINITY
    wanted = MOST_DESCRIPTORS if hard == infinite else min(hard, MOST_DESCRIPTORS)
    if soft != infinite and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
    return MOST_DESCRIPTORS if soft == infinite else min(soft, MOST_DESCRIPTORS)


class LimitedProtocol(HttpToolsProtocol):
    """One connection under limits; `limit` makes the class for a server."""

    limits: Limits
    waiting: dict["LimitedProtocol", None]
    """The connections whose request is not complete, in the order in which they began to wait for it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A new client; where there are too many, one that keeps the server waiting goes."""
        super().connection_made(transport)
        self._head_size = self._parsed_size = 0
        self._has_head = False
        self._unsent, self._unsent_since = 0, 0.0
        connection = transport.get_extra_info("socket")
        if connection is not None and hasattr(socket, "TCP_NOTSENT_LOWAT"):
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, NOT_SENT_BYTES)
        self._wait()
        if len(self.connections) > self.limits.connections:
            self._slowest().cut_off()

    def _slowest(self) -> "LimitedProtocol":
        """The client that has waited longest with its request, else with reading, else this new one."""
        first = next(iter(self.waiting))
        own = cast(set[LimitedProtocol], self.connections)
        stalled = [client for client in own if client._unsent] if first is self else [first]
        return min(stalled, key=lambda client: client._unsent_since, default=self)

    def cut_off(self) -> None:
        """End the connection now, and count it no more: it closes in the next turn of the event loop."""
        self.waiting.pop(self, None)
        self.connections.discard(self)
        self._unsent = 0
        self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone."""
        self.waiting.pop(self, None)
        super().connection_lost(exc)

    def _wait(self) -> None:
        """From now on the head of a request must come."""
        self._due = time.monotonic() + self.limits.head_seconds
        self.waiting.pop(self, None)
        self.waiting[self] = None

    def data_received(self, data: bytes) -> None:
        """Bytes of a request; a head that grows too large ends it."""
        super().data_received(data)
        if not self._has_head and self in self.waiting:
            self._head_size += len(data)
            if self._head_size > self.limits.head_bytes:
                self.send_400_response("")

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        self._parsed_size = 0
        self._wait()

    def on_url(self, url: bytes) -> None:
        """A part of the address."""
        super().on_url(url)
        self._count(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        super().on_header(name, value)
        self._count(len(name) + len(value) + 4)

    def _count(self, size: int) -> None:
        self._parsed_size += size
        if self._parsed_size > self.limits.head_bytes:
            self._head_size = self._parsed_size
            raise ValueError("the head is too large")  # ends the parsing, and 431 is sent

    def on_headers_complete(self) -> None:
        """The head is there; from now on its body must come."""
        self._has_head, self._head_size = True, 0
        self._due = time.monotonic() + self.limits.body_seconds
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is there; where it was answered early, the next one may come."""
        self._has_head = False
        super().on_message_complete()
        if self.cycle.response_complete:
            self._wait()
        else:
            self.waiting.pop(self, None)

    def on_response_complete(self) -> None:
        """The answer is written; the next request may come."""
        super().on_response_complete()
        if not self._has_head and not self.pipeline and not self.transport.is_closing():
            self._wait()

    def send_400_response(self, msg: str) -> None:
        """A request that cannot be read, in the form of every other error."""
        self.waiting.pop(self, None)
        if self._head_size > self.limits.head_bytes:
            status, text = b"431 Request Header Fields Too Large", f"over {self.limits.head_bytes} bytes"
            text = f"the address and headers are {text}; send a shorter request"
        else:
            status, text = b"400 Bad Request", "this is not an HTTP/1.1 request that can be read"
        body = b'{"ok": false, "error": "%s", "status": %s}' % (text.encode(), status[:3])
        self.transport.write(
            b"HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%s"
            % (status, len(body), body)
        )
        self.transport.close()

    def resume_writing(self) -> None:
        """The client has taken most of what was waiting for it."""
        self._unsent = 0
        super().resume_writing()

    def is_overdue(self, now: float) -> bool:
        """Whether this client has used up its time. Called every second or so."""
        if self in self.waiting and now > self._due:
            return True
        unsent = self.transport.get_write_buffer_size()
        if unsent == 0 or self._unsent == 0 or unsent > self._unsent:
            self._unsent, self._unsent_since = unsent, now
        elif now - self._unsent_since > self.limits.stall_seconds:
            if self._unsent - unsent < self.limits.stall_bytes:
                return True
            self._unsent, self._unsent_since = unsent, now
        return False


def limit(limits: Limits) -> type[LimitedProtocol]:
    """The protocol class for one server, to be given to uvicorn as `http=`."""
    return type("Protocol", (LimitedProtocol,), {"limits": limits, "waiting": {}})


async def cut_off_overdue(server: uvicorn.Server) -> None:
    """Look at all connections every second, and drop those whose time is up. Runs until cancelled."""
    while True:
        await asyncio.sleep(1)
        now = time.monotonic()
        connections: list[Any] = list(server.server_state.connections)
        for connection in connections:
            if connection.is_overdue(now):
                connection.cut_off()


class LimitedServer(uvicorn.Server):
    """A server whose clients have deadlines. Its `backlog` should be BATCH."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start. asyncio takes as many connections at once as its backlog has; the kernel may keep more."""
        await super().startup(sockets)
        for listener in sockets or []:
            listener.listen(QUEUE)

    async def main_loop(self) -> None:
        """Serve, and look after the clients meanwhile."""
        guard = asyncio.create_task(cut_off_overdue(self))
        try:
            await super().main_loop()
        finally:
            guard.cancel()
