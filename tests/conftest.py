"""Shared by all tests: how hard hypothesis tries, and what happens when a part of the machine is missing."""

import ctypes
import os
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "ci", max_examples=12, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "more", max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ci")  # --hypothesis-profile=more tries harder


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With several processes, files that take long begin first: so that all processes end at about the same time."""
    if hasattr(config, "workerinput"):
        slow = {item.path for item in items if item.get_closest_marker("slow")}
        items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def require() -> Callable[[str, object, str], None]:
    """`require(component, available, reason)`: go on where an optional part of the machine is there. Without
    it the test is skipped, and fails where CI=true: nothing may be left out silently there."""

    def require_component(component: str, available: object, reason: str) -> None:
        if available:
            return
        message = f"{component} is not available: {reason}"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)

    return require_component


class _Capabilities(ctypes.Structure):
    """Linux's capability sets of a thread (capset(2)): the low half of the sets, then the high half."""

    _fields_ = [
        (f"{name}_{half}", ctypes.c_uint32)
        for half in ("low", "high")
        for name in ("effective", "permitted", "inheritable")
    ]


@pytest.fixture
def respects_permissions() -> Iterator[None]:
    """Files without permission are unreadable in this test, for root as well. Root's right to read everything (the
    capabilities DAC_OVERRIDE and DAC_READ_SEARCH, bits 1 and 2) is taken from this thread and those it starts."""
    if os.geteuid() != 0:
        yield
        return
    system = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # version 3, this thread
    held = _Capabilities()
    assert system.capget(header, ctypes.byref(held)) == 0, os.strerror(ctypes.get_errno())
    lowered = _Capabilities.from_buffer_copy(held)
    lowered.effective_low &= ~0b110
    assert system.capset(header, ctypes.byref(lowered)) == 0, os.strerror(ctypes.get_errno())
    yield
    assert system.capset(header, ctypes.byref(held)) == 0, os.strerror(ctypes.get_errno())
