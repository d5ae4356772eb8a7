"""Shared by all tests: how hard hypothesis tries, and what happens when a part of the machine is missing."""

import os
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "ci", max_examples=12, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "more", max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ci")  # --hypothesis-profile=more tries harder


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
