"""Page processes as the server sees them: started, asked, killed, and a queue before them."""

import asyncio
import contextlib
import multiprocessing
import pickle
import socket
import sys
import threading
from collections.abc import AsyncIterator

from sluice.serve import limits
from sluice.serve.errors import ApiError
from sluice.serve.worker import END, HEADER, PageRequest, Setup, run

CONTEXT = multiprocessing.get_context("forkserver")
PROCESSES = threading.Lock()
"""Held to start a process or to ask how one is: multiprocessing does either for all of them, in one thread at a time."""
START_SECONDS = 30.0


class EndedError(Exception):
    """A page process has ended before its answer."""


class Worker:
    """A page process, as the server sees it."""

    def __init__(self, setup: Setup) -> None:
        self._mine, other = socket.socketpair()
        with other:
            self._process = CONTEXT.Process(target=run, args=(other, setup), name="page", daemon=True)
            with PROCESSES:
                self._process.start()
        self._is_last = False

    async def connect(self) -> None:
        """Get ready to talk, in the server's event loop."""
        self._reader, self._writer = await asyncio.open_connection(sock=self._mine)

    @property
    def is_alive(self) -> bool:
        """Whether it can be asked."""
        return not self._is_last and not self._reader.at_eof()

    async def ask(self, request: PageRequest) -> None:
        """Hand a request over."""
        data = pickle.dumps(request)
        self._writer.write(HEADER.pack(b"r", len(data)) + data)
        with contextlib.suppress(ConnectionError):
            await self._writer.drain()

    async def frame(self) -> tuple[bytes, bytes]:
        """The next part of the answer; EndedError when the process ends instead."""
        try:
            kind, size = HEADER.unpack(await self._reader.readexactly(HEADER.size))
            data = await self._reader.readexactly(size)
            self._is_last = kind == END and bool(data)
            return kind, data
        except (asyncio.IncompleteReadError, ConnectionError):
            raise EndedError from None

    async def exit_code(self) -> int | None:
        """How it ended; None when that is not known within a second."""
        code = None
        for _ in range(100):
            with PROCESSES:
                code = self._process.exitcode
            if code is not None:
                break
            await asyncio.sleep(0.01)
        return code

    def end(self) -> None:
        """Kill it, whatever it does."""
        self._writer.close()
        with PROCESSES:
            if self._process.exitcode is None:
                self._process.kill()


class Lane:
    """Page processes for one kind of request, started when they are needed, and a queue before them."""

    def __init__(self, setup: Setup, size: int) -> None:
        self._setup = setup
        self._free = asyncio.Semaphore(size)
        self._idle: list[Worker] = []
        self._busy: set[Worker] = set()
        self._queued = 0

    @contextlib.asynccontextmanager
    async def worker(self) -> AsyncIterator[Worker]:
        """A process for one request; ApiError 503 when there are too many. After an error it is not used again."""
        await self._take_turn()
        try:
            worker = await self._next()
            self._busy.add(worker)
            is_good = False
            try:
                yield worker
                is_good = worker.is_alive
            finally:
                self._busy.discard(worker)
                if is_good:
                    self._idle.append(worker)
                else:
                    worker.end()
        finally:
            self._free.release()

    async def _take_turn(self) -> None:
        if self._queued >= limits.QUEUE_LENGTH:
            raise ApiError(503, limits.TOO_BUSY)
        self._queued += 1
        try:
            async with asyncio.timeout(limits.QUEUE_SECONDS):
                await self._free.acquire()
        except TimeoutError:
            raise ApiError(503, limits.TOO_BUSY) from None
        finally:
            self._queued -= 1

    async def _next(self) -> Worker:
        while self._idle:
            worker = self._idle.pop()
            if worker.is_alive:
                return worker
            worker.end()
        try:
            async with asyncio.timeout(START_SECONDS):
                worker = await asyncio.to_thread(Worker, self._setup)
                await worker.connect()
        except (TimeoutError, OSError) as error:
            print(f"scripts/serve: a page process could not be started: {error!r}", file=sys.stderr)
            raise ApiError(503, limits.TOO_BUSY) from error
        return worker

    async def warm(self) -> None:
        """Start a process before anybody asks."""
        async with self.worker():
            """It stays, idle."""

    def close(self) -> None:
        """End them all."""
        for worker in (*self._idle, *self._busy):
            worker.end()
