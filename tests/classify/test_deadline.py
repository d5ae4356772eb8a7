"""Work that does not end is left alone when its time is over."""

import threading
import time

import pytest

from sluice.deadline import within


def test_work_in_time_returns_or_raises_what_it_does() -> None:
    assert within(5, lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        within(5, lambda: 1 / 0)


def test_work_that_does_not_end_is_left() -> None:
    ended = threading.Event()
    began = time.monotonic()
    with pytest.raises(TimeoutError, match=r"0\.1 s"):
        within(0.1, ended.wait)
    assert time.monotonic() - began < 5
    ended.set()
