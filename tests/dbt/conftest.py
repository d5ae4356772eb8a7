"""One small data home for every test in this folder."""

import pytest
from small_home import SmallHome


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> SmallHome:
    """The home, built once."""
    return SmallHome(tmp_path_factory.mktemp("dbt"))
