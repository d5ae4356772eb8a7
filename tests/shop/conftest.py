"""Fixtures of the shop's tests."""

import pytest
from tests.pipeline.harness import DataHome


@pytest.fixture(scope="session")
def shop_home(tmp_path_factory: pytest.TempPathFactory) -> DataHome:
    """One data home for the whole session: its path stays the same, so dbt parses the project once."""
    return DataHome(tmp_path_factory.mktemp("shop") / "home")


@pytest.fixture
def home(shop_home: DataHome) -> DataHome:
    """The data home, empty."""
    shop_home.clear()
    return shop_home
