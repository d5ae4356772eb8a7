"""Fixtures of the bank's tests."""

import pytest
from tests.pipeline.harness import DataHome


@pytest.fixture(scope="session")
def shared_home(tmp_path_factory: pytest.TempPathFactory) -> DataHome:
    """One data home for the whole session: its path stays the same, so dbt parses the project once."""
    return DataHome(tmp_path_factory.mktemp("bank") / "home")


@pytest.fixture
def home(home: DataHome, monkeypatch: pytest.MonkeyPatch) -> DataHome:
    """The data home, empty, and no prediction service."""
    monkeypatch.delenv("SLUICE_PREDICT_URL", raising=False)
    return home
