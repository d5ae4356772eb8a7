"""The command behind scripts/predict_service."""

import argparse
import socket
import sys
from collections.abc import Sequence

from sluice.predict_service.faults import Faults

REMEDY = "predict_service: {missing} is not installed; run: scripts/setup --ingest"


def parser() -> argparse.ArgumentParser:
    """The command line."""
    command = argparse.ArgumentParser(
        prog="scripts/predict_service",
        description="The classification service: POST /predict with a JSON list of transactions answers "
        "a list of {id, category} in the same order; GET /health; OpenAPI at /docs. Ctrl-C stops it.",
    )
    command.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    command.add_argument(
        "--port", type=int, default=8003, help="port, 0 for any free one (default: %(default)s)"
    )
    command.add_argument(
        "--model-version", default=None, help="what it calls its model (default: its own version)"
    )
    tests = command.add_argument_group("switches for tests", "SHARE is a part of all requests, from 0 to 1")
    tests.add_argument("--delay", type=float, default=0.0, metavar="SECONDS", help="wait before every answer")
    tests.add_argument("--fail", type=float, default=0.0, metavar="SHARE", help="answer 503")
    tests.add_argument("--garbage", type=float, default=0.0, metavar="SHARE", help="answer what is not JSON")
    tests.add_argument(
        "--wrong-ids", type=float, default=0.0, metavar="SHARE", help="give answers to the wrong ids"
    )
    tests.add_argument(
        "--unknown-categories", type=float, default=0.0, metavar="SHARE", help="invent categories"
    )
    tests.add_argument(
        "--shorter", type=float, default=0.0, metavar="SHARE", help="leave the last answer out"
    )
    tests.add_argument("--bad-id", default=None, metavar="TEXT", help="answer 500 when an id contains TEXT")
    tests.add_argument(
        "--die-after", type=int, default=None, metavar="N", help="die in the middle of request N+1"
    )
    tests.add_argument("--seed", type=int, default=0, help="repeatable choice of the requests that fail")
    return command


def serve(arguments: Sequence[str]) -> int:
    """Serve until stopped. 0: stopped, 1: could not serve, 2: wrong usage."""
    command = parser()
    options = command.parse_args(arguments)
    try:
        faults = Faults(
            delay=options.delay,
            fail=options.fail,
            garbage=options.garbage,
            wrong_ids=options.wrong_ids,
            unknown_categories=options.unknown_categories,
            shorter=options.shorter,
            bad_id=options.bad_id,
            die_after=options.die_after,
            seed=options.seed,
        )
    except ValueError as problem:
        command.error(str(problem))
    try:
        import uvicorn

        from sluice.predict_service.app import MODEL_VERSION, create_app
    except ImportError as missing:
        print(REMEDY.format(missing=missing.name), file=sys.stderr)
        return 1
    try:
        listener = _listen(options.host, options.port)
    except (OSError, OverflowError) as problem:
        print(f"predict_service: cannot listen on {options.host}:{options.port}: {problem}", file=sys.stderr)
        return 1
    app = create_app(faults, options.model_version or MODEL_VERSION)
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    print(
        f"predict_service: http://{shown}:{port}{' (faults on)' if faults.any else ''}",
        file=sys.stderr,
        flush=True,
    )
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
    try:
        server.run(sockets=[listener])
    except KeyboardInterrupt:
        pass
    finally:
        listener.close()
    return 0


def _listen(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(1024)
    except OSError:
        listener.close()
        raise
    return listener
