"""Requests over loopback on kept connections: as fast as they are answered, or at a given rate.

The client is lean since it shares the cores with what it measures. At a rate, a request that could not be sent when it
was due counts from then on (not from when it was sent), so that a server that stalls does not hide behind its clients:
Gil Tene, "How NOT to Measure Latency".
"""

import asyncio
import statistics
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any, cast

PATIENCE_SECONDS = 30


class Connection(asyncio.Protocol):
    """One HTTP/1.1 connection, one request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.WriteTransport | None = None
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self._got = b""

    @classmethod
    async def to(cls, port: int) -> "Connection":
        """A connection to a port of this machine."""
        _, connection = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
        return connection

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """The status and the body that come back. Raises ConnectionError where the connection is cut."""
        if self._transport is None or self._transport.is_closing():
            raise ConnectionError("the server has closed the connection")
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)

    def data_received(self, data: bytes) -> None:
        self._got += data
        head, found, body = self._got.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        if len(body) >= length and self._answer is not None and not self._answer.done():
            self._got = b""
            self._answer.set_result((int(head[9:12]), body))

    def connection_lost(self, error: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error or ConnectionError("the server has closed the connection"))


def get(path: str, token: str | None = None) -> bytes:
    """A GET request."""
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\n{_credentials(token)}\r\n".encode()


def post(path: str, token: str, body: bytes) -> bytes:
    """A POST request with a JSON body."""
    head = f"POST {path} HTTP/1.1\r\nHost: bench\r\n{_credentials(token)}Content-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def _credentials(token: str | None) -> str:
    return f"Authorization: Bearer {token}\r\n" if token else ""


@dataclass
class Load:
    """Requests, numbered from 0, and how they were answered."""

    request: Callable[[int], bytes]
    connections: int
    seconds: float
    rate: float | None = None
    """Requests a second; None: each connection sends the next one when the last is answered."""
    answered: Callable[[int, float, bytes], None] = lambda number, due_at, body: None
    """Told of each request that went well: its number, when it was due (Unix time), the body."""
    latencies: list[float] = field(default_factory=list)
    """Seconds, of those that went well."""
    refused: Counter[int] = field(default_factory=Counter)
    """How often each other status came."""
    took: float = 0.0
    """Seconds from the first request to the last answer."""

    async def drive(self, port: int) -> "Load":
        """Send it all to a port of this machine."""
        began, numbers = time.perf_counter(), count()
        clients = (self._client(port, began, numbers) for _ in range(self.connections))
        await asyncio.wait_for(asyncio.gather(*clients), self.seconds + PATIENCE_SECONDS)
        self.took = time.perf_counter() - began
        return self

    async def _client(self, port: int, began: float, numbers: "count[int]") -> None:
        connection, clock = await Connection.to(port), time.time() - time.perf_counter()
        for number in numbers:
            due = began + number / self.rate if self.rate else time.perf_counter()
            if due >= began + self.seconds:
                break
            if (early := due - time.perf_counter()) > 0:
                await asyncio.sleep(early)
            status, body = await connection.ask(self.request(number))
            if status in (200, 201):
                self.latencies.append(time.perf_counter() - due)
                self.answered(number, clock + due, body)
            else:
                self.refused[status] += 1
        connection.close()

    def figures(self) -> dict[str, Any]:
        """How many a second, and latencies in milliseconds; the client's own time on the processor is in them."""
        cuts = statistics.quantiles(self.latencies, n=100) if len(self.latencies) > 1 else [0.0] * 99
        return {
            "requests": len(self.latencies),
            "requests_per_second": round(len(self.latencies) / self.took, 1),
            "p50_ms": round(cuts[49] * 1000, 2),
            "p99_ms": round(cuts[98] * 1000, 2),
            "max_ms": round(max(self.latencies, default=0.0) * 1000, 1),
            "refused": dict(self.refused),
        }
