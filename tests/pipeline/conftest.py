"""Fixtures of the pipeline tests."""

import pytest
from tests.pipeline.harness import DataHome


@pytest.fixture(scope="session")
def shared_home(tmp_path_factory: pytest.TempPathFactory) -> DataHome:
    """One data home for the whole session: its path stays the same, so dbt parses the project once."""
    return DataHome(tmp_path_factory.mktemp("pipeline") / "home")
