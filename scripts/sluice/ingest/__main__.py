"""`scripts/ingest`: take events over HTTP and make them durable before answering."""

import argparse
import gc
import ipaddress
import os
import signal
import socket
import sys

import structlog
import uvicorn

from sluice.home import data_home
from sluice.ingest.app import create_app
from sluice.ingest.lock import HomeInUseError, HomeLock
from sluice.ingest.logs import configure_logging
from sluice.ingest.service import Service
from sluice.ingest.settings import Settings, SettingsError
from sluice.tokens import Tokens

_BACKLOG = 1024
_EPILOG = """
environment: SLUICE_HOME                   the data home; events land in landing/tenant_events/ (default:
data/) SLUICE_LANDING                another place for landing/ SLUICE_TOKENS_FILE            who may write
(scripts/token makes tokens); without it every write is answered 401 SLUICE_PII_KEY                required
when --host is not a loopback address SLUICE_INGEST_RATE            events per second that one tenant may
send (default 50000) SLUICE_INGEST_MIN_FREE_BYTES  writes are answered 503 below this much free disk space
(default 268435456) SLUICE_LOG_LEVEL              DEBUG, INFO, WARNING or ERROR (default INFO)

Stop it with SIGTERM or Ctrl-C: everything that was acknowledged has landed when it exits.
"""


def main(arguments: list[str] | None = None) -> int:
    """Run until a signal says stop; 0 then, 1 where it cannot run."""
    parser = argparse.ArgumentParser(
        prog="scripts/ingest",
        description="Take tenants' events over HTTP: POST /events and /events/bulk, documented at /docs.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", type=_port, default=8002, help="port; 0 takes a free one (default: 8002)")
    options = parser.parse_args(arguments)
    try:
        return _run(options.host, options.port)
    except (HomeInUseError, SettingsError, OSError) as error:
        print(f"scripts/ingest: {error}", file=sys.stderr)
        return 1


def _port(text: str) -> int:
    port = int(text) if text.isdecimal() else -1
    if not 0 <= port <= 65_535:
        raise argparse.ArgumentTypeError("a port is 0 to 65535")
    return port


def _run(host: str, port: int) -> int:
    settings = Settings.from_environment()
    listener = _listen(host, port)
    if not _is_loopback(listener) and not os.environ.get("SLUICE_PII_KEY"):
        listener.close()
        raise SettingsError(
            f"SLUICE_PII_KEY is not set, and {host} can be reached from elsewhere; set it to a long random"
            " text (the same for every process of this data home), or listen on 127.0.0.1"
        )
    stop = _Stop()
    configure_logging(_log_level())
    log = structlog.get_logger("sluice.ingest")
    service = Service(data_home(), settings, Tokens.from_environment())
    lock = HomeLock(service.zone.ingest)
    service.start()
    for warning in service.warnings():
        log.warning("configuration", problem=warning)
    address, bound = listener.getsockname()[:2]
    shown = f"[{address}]" if ":" in address else address
    log.info("listening", url=f"http://{shown}:{bound}", home=str(service.home.root))
    try:
        _serve(service, listener, stop)
    finally:
        service.close()
        lock.release()
    log.info("stopped")
    return 0


class _Stop:
    """What SIGTERM and SIGINT do from the first moment on: end the server, now or as soon as there is one.

    uvicorn raises the signal again when it is done; by then everything is in order, so the exit code is 0.
    """

    def __init__(self) -> None:
        self._asked = False
        self._server: uvicorn.Server | None = None
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)

    def _ask(self, *_: object) -> None:
        self._asked = True
        if self._server is not None:
            self._server.should_exit = True

    def end(self, server: uvicorn.Server) -> None:
        """The server to end."""
        self._server = server
        server.should_exit = self._asked


def _serve(service: Service, listener: socket.socket, stop: _Stop) -> None:
    """Until SIGTERM or SIGINT; open requests are answered first."""
    app = create_app(service)
    # What exists now stays: the collector need not walk it again and again while requests come and go.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    config = uvicorn.Config(
        app,
        http="httptools",
        loop="uvloop",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=_BACKLOG,
        timeout_graceful_shutdown=10,
    )
    server = uvicorn.Server(config)
    stop.end(server)
    server.run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        raise OSError(f"cannot listen on {host} port {port}: {error.strerror or error}") from None
    listener.listen(_BACKLOG)
    return listener


def _is_loopback(listener: socket.socket) -> bool:
    return ipaddress.ip_address(listener.getsockname()[0].partition("%")[0]).is_loopback


def _log_level() -> str:
    level = (os.environ.get("SLUICE_LOG_LEVEL") or "INFO").upper()
    if level not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise SettingsError(f"SLUICE_LOG_LEVEL={level}: expected DEBUG, INFO, WARNING or ERROR")
    return level


if __name__ == "__main__":
    sys.exit(main())
