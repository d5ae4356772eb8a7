"""scripts/serve: Datasette over the published files."""

import argparse
import asyncio
import contextlib
import ipaddress
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import forkserver

import uvicorn
from dotenv import load_dotenv

from sluice.home import PROJECT_ROOT, data_home
from sluice.http_limits import BATCH, LimitedServer, Limits, limit
from sluice.serve.limits import BODY_SECONDS
from sluice.tokens import Tokens

STOP_SECONDS = 5


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line; wrong usage exits 2."""
    parser = argparse.ArgumentParser(
        prog="scripts/serve",
        description="Serve the published tables: pages, JSON, CSV, SQL, /metrics, /events, /lineage.",
        epilog="Reads SLUICE_HOME, SLUICE_PUBLISHED, SLUICE_TOKENS_FILE (without it only sluice.db is"
        " served), SLUICE_PII_KEY (required unless bound to loopback), SLUICE_SQL_TIME_LIMIT_MS (2000; a query that"
        " takes longer is stopped), DATASETTE_SECRET (keeps people signed in over a restart).",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--port", type=_port, default=8001, help="port to listen on, 0 for any (default: %(default)s)"
    )
    return parser.parse_args(arguments)


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port; give a number from 0 to 65535")
    return int(text)


def is_loopback(address: str) -> bool:
    """Whether only this machine can reach an address."""
    return ipaddress.ip_address(address.partition("%")[0]).is_loopback


class StartError(Exception):
    """Why the server cannot start; the message names the value and the remedy."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket, or StartError."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        if not is_loopback(str(address[0])) and not os.environ.get("SLUICE_PII_KEY"):
            raise StartError(
                f"{host} can be reached from elsewhere, so SLUICE_PII_KEY must be set: personal data is"
                " published under keys made with it. Set it and build again, or listen on 127.0.0.1."
            )
        listener = socket.socket(family, kind, protocol)  # asyncio sends at once only if told it is TCP
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()
    except OSError as error:
        reason = error.strerror or str(error)
        raise StartError(f"{host}:{port}: {reason}. Choose another --host or --port.") from error
    return listener


class Server(LimitedServer):
    """A server that says where it is once it answers; a signal stops it gracefully, with exit code 0."""

    def __init__(self, config: uvicorn.Config, announcement: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announcement

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets)
        self._announce()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on SIGINT and SIGTERM; the signal has done its work then and is not raised again."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield


def announce(host: str, port: int, tokens: Tokens) -> None:
    """Say where to look."""
    name = f"[{host}]" if ":" in host else host
    base = f"http://{name}:{port}"
    print(f"Sluice serves on {base}/")
    for path, text in (
        ("/sluice", "tables"),
        ("/metrics", "metrics"),
        ("/api", "API"),
        ("/lineage", "lineage"),
        ("/ready", "freshness"),
        ("/prometheus", "monitoring"),
    ):
        print(f"  {text:<11}{base}{path}")
    if tokens.configured:
        print(f"  {'sign in':<11}{base}/sign-in   ({len(tokens)} tokens in {tokens.path})")
    else:
        print("  SLUICE_TOKENS_FILE is not set: tenant and operations databases are not served.")
    sys.stdout.flush()


async def serve(listener: socket.socket, host: str) -> None:
    """Serve until a signal comes."""
    from sluice.serve.app import make_app  # takes a moment; wrong usage and busy ports answer before
    from sluice.serve.catalog import parse_in_background
    from sluice.serve.front import Pages
    from sluice.serve.gate import Gate
    from sluice.serve.worker import Setup

    tokens = Tokens.from_environment()
    home = data_home()
    datasette = make_app(home, tokens, os.environ.get("DATASETTE_SECRET") or None)
    await datasette.invoke_startup()
    parse_in_background(datasette.sluice.catalog)
    pages = Pages(datasette.sluice, Setup(home, tokens.path, datasette._secret))
    warming = asyncio.ensure_future(pages.warm())
    config = uvicorn.Config(
        Gate(pages, datasette.sluice),
        http=limit(Limits.for_this_process(BODY_SECONDS)),
        ws="none",
        backlog=BATCH,
        log_level="warning",
        access_log=False,
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    port = listener.getsockname()[1]
    await Server(config, lambda: announce(host, port, tokens)).serve(sockets=[listener])
    warming.cancel()
    pages.close()
    datasette.sluice.close()


def start_fork_server() -> None:
    """Load Datasette for the page processes while this process loads it for itself."""
    forkserver.set_forkserver_preload(["sluice.serve.worker"])
    forkserver.ensure_running()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit code."""
    load_dotenv(PROJECT_ROOT / ".env")
    options = parse_arguments(arguments)
    try:
        limit = os.environ.get("SLUICE_SQL_TIME_LIMIT_MS") or "2000"
        if not limit.isdecimal() or int(limit) == 0:
            raise StartError(f"SLUICE_SQL_TIME_LIMIT_MS is {limit!r}; give milliseconds, such as 2000.")
        listener = listen(options.host, options.port)
        start_fork_server()
    except StartError as error:
        print(f"scripts/serve: {error}", file=sys.stderr)
        return 1
    asyncio.run(serve(listener, options.host))
    return 0


if __name__ == "__main__":
    sys.exit(main())
