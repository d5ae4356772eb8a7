"""The thin I/O: one HTTP request per batch."""

import asyncio
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from time import time
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit, urlunsplit

import httpx
import orjson

from sluice.classify.answers import Reply
from sluice.classify.settings import Settings
from sluice.deadline import within

VERSION_HEADER = "X-Model-Version"
MAX_VERSION = 200
HEALTH_SECONDS = 2.0
MAX_HEALTH_BYTES = 64 * 1024
HEADERS = {
    "Content-Type": "application/json",
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "User-Agent": "sluice-classify",
}


def predict_url(url: str) -> str:
    """Where to POST: `url` itself if its path ends in /predict, else /predict below it. ValueError if it is
    no address."""
    try:
        parts = urlsplit(url.strip())
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        httpx.URL(url.strip())
    except (ValueError, httpx.InvalidURL):
        usable = False
    if not usable:
        raise ValueError("SLUICE_PREDICT_URL is not an address such as http://127.0.0.1:8003")
    path = parts.path.rstrip("/")
    path = path if path.endswith("/predict") else f"{path}/predict"
    return urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))


def health_url(url: str) -> str:
    """The /health beside the /predict of `url`."""
    parts = urlsplit(predict_url(url))
    return urlunsplit((parts.scheme, parts.netloc, parts.path.removesuffix("/predict") + "/health", "", ""))


class HttpAsk:
    """Asks a service over HTTP, with one connection per request in flight. Use as an asynchronous context
    manager."""

    def __init__(self, url: str, settings: Settings) -> None:
        self._url = predict_url(url)
        self._health = health_url(url)
        self._settings = settings
        self._client: httpx.AsyncClient | None = None
        self._version: str | None = None
        self._asked_version = False
        self._version_lock = asyncio.Lock()

    async def __aenter__(self) -> Self:
        self._client = httpx.AsyncClient(
            headers=HEADERS,
            timeout=self._settings.timeout,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=self._settings.in_flight + 1),
            trust_env=not _is_local(self._url),
            follow_redirects=False,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def __call__(self, body: bytes) -> Reply:
        """Send one batch. Raises when no whole answer of a sane length comes; the caller limits the time."""
        if self._client is None:
            raise RuntimeError("HttpAsk is an asynchronous context manager: enter it first")
        async with self._client.stream("POST", self._url, content=body) as response:
            answer = await _limited(response, self._settings.max_answer_bytes)
        version = _version(response.headers.get(VERSION_HEADER))
        if version is None and response.status_code == 200:
            version = await self._version_from_health()
        return Reply(response.status_code, answer, version, _retry_after(response))

    async def _version_from_health(self) -> str | None:
        """Asked for once, and not for long: an answer that is there is not to wait for it."""
        async with self._version_lock:
            if not self._asked_version:
                self._asked_version = True
                assert self._client is not None
                try:
                    async with (
                        asyncio.timeout(HEALTH_SECONDS),
                        self._client.stream("GET", self._health) as response,
                    ):
                        said = await _limited(response, MAX_HEALTH_BYTES)
                    self._version = _version_in(response.status_code, said)
                except (httpx.HTTPError, httpx.InvalidURL, ValueError, TimeoutError):
                    self._version = None
        return self._version


def model_version(url: str, timeout: float = HEALTH_SECONDS) -> str | None:
    """The model that answers at `url` now, from /health; None if the service does not say so in time."""

    def ask() -> str | None:
        client = httpx.Client(
            headers=HEADERS, timeout=timeout, trust_env=not _is_local(url), follow_redirects=False
        )
        with client, client.stream("GET", health_url(url)) as response:
            said = bytearray()
            for part in response.iter_raw():
                said += part
                if len(said) > MAX_HEALTH_BYTES:
                    break
            version = _version(response.headers.get(VERSION_HEADER))
            return version or _version_in(response.status_code, bytes(said))

    try:
        return within(timeout, ask)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, TimeoutError):
        return None


async def _limited(response: httpx.Response, most: int) -> bytes:
    """The answer's body as it was sent. Raises ValueError when it is longer than `most` bytes."""
    answer = bytearray()
    async for part in response.aiter_raw():
        answer += part
        if len(answer) > most:
            raise ValueError(f"the answer is longer than {most} bytes")
    return bytes(answer)


def _version_in(status: int, body: bytes) -> str | None:
    if status != 200:
        return None
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return _version(said.get("model_version")) if isinstance(said, dict) else None


def _version(said: object) -> str | None:
    if not isinstance(said, str):
        return None
    return "".join(sign for sign in said if sign.isprintable()).strip()[:MAX_VERSION] or None


def _retry_after(response: httpx.Response) -> float | None:
    said = response.headers.get("Retry-After")
    if said is None:
        return None
    if said.strip().isascii() and said.strip().isdigit():
        return float(said)
    try:
        return max(0.0, parsedate_to_datetime(said).timestamp() - time())
    except (ValueError, OverflowError):
        return None


def _is_local(url: str) -> bool:
    """Whether the service is on this machine: then no proxy has business in between."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
