"""One JSON object per line on standard error, written by a thread of its own.

Nobody has to read standard error: when its reader stalls, lines are dropped and counted, and requests go on.
"""

import atexit
import logging
import queue
import sys
from logging.handlers import QueueHandler, QueueListener

import structlog

_KEPT_LINES = 10_000


class _DroppingHandler(QueueHandler):
    """Hands records over as they are; counts those that the reader was too slow for."""

    dropped = 0

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        return record

    def enqueue(self, record: logging.LogRecord) -> None:
        try:
            self.queue.put_nowait(record)
        except queue.Full:
            self.dropped += 1


def configure_logging(level: str = "INFO") -> None:
    """Send structlog's and the standard library's records to standard error, as JSON."""
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    output = logging.StreamHandler(sys.stderr)
    output.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    lines: queue.Queue[logging.LogRecord] = queue.Queue(_KEPT_LINES)
    listener = QueueListener(lines, output)
    listener.start()
    atexit.register(listener.stop)
    root = logging.getLogger()
    root.handlers[:] = [_DroppingHandler(lines)]
    root.setLevel(level)
    logging.getLogger("asyncio").setLevel(logging.WARNING)
