"""A limit in time for work that cannot be interrupted: a request whose time-outs count from byte to byte, say."""

import queue
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def within(seconds: float, work: Callable[[], T]) -> T:
    """What `work` returns or raises, if it ends in time.

    Args:
        seconds: how long it may take, whatever it waits for.
        work: runs in a thread of its own, which is left alone when the time is over and ends with the process.

    Raises TimeoutError.
    """
    outcome: queue.SimpleQueue[tuple[T | None, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            outcome.put((work(), None))
        except BaseException as problem:
            outcome.put((None, problem))

    threading.Thread(target=run, name="within", daemon=True).start()
    try:
        result, problem = outcome.get(timeout=max(seconds, 0.0))
    except queue.Empty:
        raise TimeoutError(f"no whole answer within {seconds:.3g} s") from None
    if problem is not None:
        raise problem
    return result  # type: ignore[return-value]
