"""Shared by all tests: how hard hypothesis tries, the data home, and what happens when a part of the machine is missing."""

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from tests.permissions import give_up_reading_everything

if TYPE_CHECKING:
    from tests.pipeline.harness import DataHome

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


@pytest.fixture
def respects_permissions() -> Iterator[None]:
    """Files without permission are unreadable in this test, for root as well."""
    give_back = give_up_reading_everything()
    yield
    give_back()


@pytest.fixture(scope="module")
def shared_home(tmp_path_factory: pytest.TempPathFactory) -> "DataHome":
    """One data home: its path stays the same, so dbt parses the project once. Folders with many small files of tests have one
    for the whole session."""
    from tests.pipeline.harness import DataHome  # dbt takes seconds to import, and most tests need none

    return DataHome(tmp_path_factory.mktemp("data") / "home")


@pytest.fixture
def home(shared_home: "DataHome", monkeypatch: pytest.MonkeyPatch) -> "DataHome":
    """The data home, empty, and the one of this process."""
    shared_home.clear()
    monkeypatch.setenv("SLUICE_HOME", str(shared_home.root))
    return shared_home
