"""`scripts/ingest`: take events over HTTP and make them durable before answering."""

import argparse
import ipaddress
import os
import socket
import sys

from sluice.ingest.lock import HomeInUseError
from sluice.ingest.settings import BACKLOG, Settings, SettingsError

_EPILOG = """
environment:
  SLUICE_HOME                   the data home; events land in landing/tenant_events/ (default: data/)
  SLUICE_LANDING                another place for landing/
  SLUICE_TOKENS_FILE            who may write (scripts/token makes tokens); without it every write is answered 401
  SLUICE_PII_KEY                required when --host is not a loopback address
  SLUICE_INGEST_RATE            events per second that one tenant may send (default 50000)
  SLUICE_INGEST_MIN_FREE_BYTES  writes are answered 503 below this much free disk space (default 268435456)
  SLUICE_INGEST_ALLOW_ORIGINS   origins whose pages may write from a browser, separated by commas, or * (default: none)
  SLUICE_LOG_LEVEL              DEBUG, INFO, WARNING or ERROR (default INFO)

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
    level = _log_level()
    # The frameworks take a second to load: too long for --help, or for saying that a port is taken.
    from sluice.ingest.server import take_events

    take_events(listener, settings, level)
    return 0


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        raise OSError(f"cannot listen on {host} port {port}: {error.strerror or error}") from None
    listener.listen(BACKLOG)
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
