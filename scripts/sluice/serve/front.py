"""Pages are made in processes of their own, so that no query and no page holds up the server or outlives its time.

There are three lanes: pages, visitors' own SQL, and downloads of whole tables. Slow ones of one kind do not hold up
the others. An answer is read whole before it is sent, so that a slow client does not hold a page process; a download
is sent as it is read.
"""

import asyncio
import json
import os
import signal
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from sluice.serve import limits
from sluice.serve.access import PUBLIC
from sluice.serve.database import TimedOutError, UnavailableError
from sluice.serve.errors import TIMED_OUT, ApiError
from sluice.serve.worker import BODY, END, START, PageRequest, Setup, is_own_file
from sluice.serve.workers import EndedError, Lane, Worker

if TYPE_CHECKING:
    from sluice.serve.site import Site

SCOPE = frozenset(
    ["type", "http_version", "method", "scheme", "path", "raw_path", "query_string", "root_path", "headers"]
    + ["client", "server", "actor", "nonce"]
)
"""What of a scope a page process reads."""
CHUNK = 64 * 1024


class Pages:
    """The ASGI application of everything that Datasette answers."""

    def __init__(self, site: "Site", setup: Setup) -> None:
        processors = max(2, min(4, os.cpu_count() or 2))
        self._site = site
        self._pages, self._sql, self._downloads = (Lane(setup, size) for size in (processors, 4, 8))
        self._held_bytes = 0

    async def warm(self) -> None:
        """Start the first process of the lanes that are used most."""
        await self._pages.warm()
        await self._sql.warm()

    def close(self) -> None:
        """End every page process."""
        for lane in (self._pages, self._sql, self._downloads):
            lane.close()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """One request."""
        request = await self._request(scope, await read_body(scope, receive))
        if is_download(request):
            await self._download(request, receive, send)
            return
        arguments = {name for name, _ in parse_qsl(scope["query_string"].decode("latin-1"), True)}
        lane = self._sql if arguments & {"sql", "_where"} else self._pages
        if self._held_bytes > limits.WAITING_BYTES:
            raise ApiError(503, limits.TOO_BUSY)
        start, body = await self._answer(lane, request)
        self._held_bytes += len(body)
        try:
            await send(start)
            for offset in range(0, len(body), CHUNK):
                part = body[offset : offset + CHUNK]
                await send({"type": "http.response.body", "body": part, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            self._held_bytes -= len(body)

    async def _request(self, scope: Any, body: bytes) -> PageRequest:
        facts, problem = None, ""
        if scope["path"] != "/":
            await self._site.warm()
            facts = self._site.facts_cache.known().get(PUBLIC)
        try:
            facts = facts or await self._site.facts()
        except UnavailableError as error:
            problem = str(error)
        return PageRequest({name: scope[name] for name in SCOPE & scope.keys()}, body, facts, problem)

    async def _answer(self, lane: Lane, request: PageRequest) -> tuple[dict[str, Any], bytes]:
        """The whole answer: its first message and its body."""
        body = bytearray()
        async with lane.worker() as worker:
            try:
                async with asyncio.timeout(limits.page_seconds()):
                    start = await self._begin(worker, request)
                    while (frame := await worker.frame())[0] == BODY:
                        body += frame[1]
                        if len(body) > limits.ANSWER_BYTES and not is_own_file(request):
                            raise ApiError(400, limits.TOO_LARGE)
            except TimeoutError:
                raise TimedOutError(limits.TOO_LONG.format(seconds=limits.page_seconds()), 400) from None
            except EndedError:
                raise await why_ended(worker) from None
        return start, bytes(body)

    async def _begin(self, worker: Worker, request: PageRequest) -> dict[str, Any]:
        """Ask, and wait for the status and headers."""
        await worker.ask(request)
        kind, data = await worker.frame()
        if kind != START:
            raise EndedError
        status, pairs = json.loads(data)
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs]
        if (TIMED_OUT.encode(), b"1") in headers:
            self._site.counters.timeouts.inc()
            headers.remove((TIMED_OUT.encode(), b"1"))
        return {"type": "http.response.start", "status": status, "headers": headers}

    async def _download(self, request: PageRequest, receive: Any, send: Any) -> None:
        """Send an answer as it is made. A failure half-way breaks the connection: nobody takes a part for the
        whole. The process, and with it the hold on the published file, goes as soon as the client does."""
        gone = asyncio.create_task(until_gone(receive))
        has_begun = False
        try:
            async with self._downloads.worker() as worker, asyncio.timeout(limits.DOWNLOAD_SECONDS):
                try:
                    start = await self._begin(worker, request)
                    has_begun = True
                    await send(start)
                    while not gone.done() and (frame := await worker.frame())[0] != END:
                        await send({"type": "http.response.body", "body": frame[1], "more_body": True})
                    if gone.done():
                        raise EndedError
                except EndedError:
                    if not has_begun:
                        raise await why_ended(worker) from None
                    raise
            await send({"type": "http.response.body", "body": b""})
        except (TimeoutError, EndedError):
            if not gone.done():
                raise ConnectionAbortedError("the download could not be completed") from None
        finally:
            gone.cancel()


async def why_ended(worker: Worker) -> Exception:
    """What it means to the client that a process has ended before its answer."""
    if await worker.exit_code() == -signal.SIGALRM:
        return TimedOutError(limits.too_slow(), 400)
    return ApiError(400, limits.TOO_MUCH_MEMORY)


def is_download(request: PageRequest) -> bool:
    """Whether a request is for the CSV of a table: that is sent row by row, however long it takes."""
    path = (request.scope.get("raw_path") or request.scope["path"].encode()).partition(b"?")[0]
    return path.endswith(b".csv") and path.count(b"/") == 2


async def until_gone(receive: Any) -> None:
    """Wait until the client goes away."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def read_body(scope: Any, receive: Any) -> bytes:
    """The body of a form; ApiError 413 when it is larger than a form, 408 when it takes too long."""
    body = bytearray()
    if scope["method"] != "POST":
        return b""
    try:
        async with asyncio.timeout(limits.BODY_SECONDS):
            while True:
                message = await receive()
                body += message.get("body", b"")
                if len(body) > limits.BODY_BYTES:
                    raise ApiError(413, f"the body is over {limits.BODY_BYTES} bytes, which is the limit")
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        raise ApiError(408, f"the body took longer than {limits.BODY_SECONDS:g} s") from None
