"""One process from its lock to its last landing file."""

import gc
import signal
import socket

import structlog
import uvicorn
from starlette.types import ASGIApp

from sluice.home import data_home
from sluice.http_limits import BATCH, LimitedServer, Limits, limit
from sluice.ingest.app import create_app
from sluice.ingest.lock import HomeLock
from sluice.ingest.logs import configure_logging
from sluice.ingest.service import Service
from sluice.ingest.settings import Settings
from sluice.tokens import Tokens


def take_events(listener: socket.socket, settings: Settings, log_level: str) -> None:
    """Recover, serve until a signal says stop, land everything."""
    stop = Stop()
    configure_logging(log_level)
    log = structlog.get_logger("sluice.ingest")
    home = data_home()
    home.prepare()
    service = Service(home, settings, Tokens.from_environment())
    lock = HomeLock(service.zone.ingest)
    service.start()
    for warning in service.warnings():
        log.warning("configuration", problem=warning)
    address, port = listener.getsockname()[:2]
    shown = f"[{address}]" if ":" in address else address
    log.info("listening", url=f"http://{shown}:{port}", home=str(service.home.root))
    try:
        _serve(service, listener, stop)
    finally:
        service.close()
        lock.release()
    log.info("stopped")


class Stop:
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


def make_server(app: ASGIApp) -> uvicorn.Server:
    """The server around the application, not yet running."""
    config = uvicorn.Config(
        app,
        http=limit(Limits.for_this_process()),
        loop="uvloop",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=BATCH,
        timeout_graceful_shutdown=10,
    )
    return LimitedServer(config)


def _serve(service: Service, listener: socket.socket, stop: Stop) -> None:
    """Until SIGTERM or SIGINT; open requests are answered first."""
    server = make_server(create_app(service))
    # What exists now stays: the collector need not walk it again and again while requests come and go.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    stop.end(server)
    server.run(sockets=[listener])
