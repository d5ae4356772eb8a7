"""A page process: one Datasette that answers one request after the other, under limits of its own.

Whatever a visitor asks of Datasette happens here: SQL, facets, filters, rendering. A query that SQLite cannot be
stopped in ends with the process (by an alarm of the kernel), and the server (`front.py`) starts another one.
They talk over a socket: a request comes as one pickled frame, an answer goes as frames of JSON and bytes.
"""

import asyncio
import contextlib
import json
import logging
import os
import pickle
import resource
import signal
import socket
import struct
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasette.utils.asgi import Request

from sluice.home import Home
from sluice.serve.app import SluiceDatasette, make_app
from sluice.serve.errors import ApiError, exception_response
from sluice.serve.facts import Facts, GivenFacts
from sluice.serve.limits import ANSWER_BYTES, MEGABYTE, MEMORY_BYTES, TEMPORARY_BYTES, TOO_LARGE
from sluice.tokens import Tokens

HEADER = struct.Struct("!cI")
START, BODY, END = b"s", b"b", b"e"
RECYCLE_BYTES = 300 * MEGABYTE
"""A process that has held more than this ends after its answer; what it holds does not come back otherwise."""
OWN_FILES = ("/lineage", "/assets/", "/-/static/")
NICENESS = 10
"""Behind the server itself when processors are short."""


@dataclass(frozen=True)
class Setup:
    """What a page process must know to start."""

    home: Home
    tokens_path: Path | None
    secret: str


@dataclass(frozen=True)
class PageRequest:
    """A request as it is handed over."""

    scope: dict[str, Any]
    """The ASGI scope, as far as Datasette reads it, with the actor."""
    body: bytes
    facts: Facts | None
    problem: str
    """Why there are no facts."""


def is_own_file(request: PageRequest) -> bool:
    """Whether the answer is a file of the server's own, whose size nobody's query decides."""
    return request.scope["path"].startswith(OWN_FILES)


class Exchange:
    """An ASGI `receive` and `send` for one request."""

    def __init__(self, connection: socket.socket, request: PageRequest) -> None:
        self._connection, self._request = connection, request
        self._start: dict[str, Any] | None = None
        self._was_read = False

    async def receive(self) -> dict[str, Any]:
        """The body, whole; then nothing more."""
        if self._was_read:
            return {"type": "http.disconnect"}
        self._was_read = True
        return {"type": "http.request", "body": self._request.body, "more_body": False}

    async def send(self, message: Any) -> None:
        """Hand a message on. The status waits for the first part of the body, so that a page that turns out
        too large can still become an error."""
        if message["type"] == "http.response.start":
            self._start = message
            return
        body = message.get("body") or b""
        if self._start is not None:
            start, self._start = self._start, None
            if len(body) > ANSWER_BYTES and not is_own_file(self._request):
                raise ApiError(400, TOO_LARGE)
            headers = [[part.decode("latin-1") for part in pair] for pair in start["headers"]]
            self._write(START, json.dumps([start["status"], headers]).encode())
        if body:
            self._write(BODY, body)

    def end(self) -> None:
        """The answer is complete."""
        self._write(END, b"last" if is_large() else b"")

    def _write(self, kind: bytes, data: bytes) -> None:
        self._connection.sendall(HEADER.pack(kind, len(data)))
        self._connection.sendall(data)


def restrict() -> None:
    """Limits that hold whatever happens in this process."""
    logging.getLogger("sluice.tokens").disabled = True  # the server says what is wrong with the file
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches everybody; the server decides
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    with contextlib.suppress(OSError):
        os.nice(NICENESS)
    for name, size in (("RLIMIT_DATA", MEMORY_BYTES), ("RLIMIT_FSIZE", TEMPORARY_BYTES), ("RLIMIT_CORE", 0)):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            resource.setrlimit(getattr(resource, name), (size, size))


def is_large() -> bool:
    """Whether this process has held so much memory that it had better end."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit > RECYCLE_BYTES


def receive_request(connection: socket.socket) -> PageRequest | None:
    """The next request, or None when the server has gone."""
    with connection.makefile("rb") as file:
        header = file.read(HEADER.size)
        if len(header) < HEADER.size:
            return None
        return pickle.loads(file.read(HEADER.unpack(header)[1]))


async def answer_all(connection: socket.socket, datasette: SluiceDatasette) -> None:
    """One request after the other, until the server goes or memory has grown."""
    await datasette.invoke_startup()
    app = datasette.app()
    given = GivenFacts()
    datasette.sluice.facts_cache = given
    while not is_large():
        request = receive_request(connection)
        if request is None:
            return
        given.facts, given.problem = request.facts, request.problem
        exchange = Exchange(connection, request)
        try:
            await app(request.scope, exchange.receive, exchange.send)
        except OSError:
            return  # the server does not want the rest
        except Exception as error:
            response = await exception_response(datasette, Request(request.scope, exchange.receive), error)
            await response.asgi_send(exchange.send)
        exchange.end()


def run(connection: socket.socket, setup: Setup) -> None:
    """A page process, from start to end."""
    restrict()
    datasette = make_app(setup.home, Tokens(setup.tokens_path), setup.secret, is_killable=True)
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        asyncio.run(answer_all(connection, datasette))
