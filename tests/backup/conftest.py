"""Fixtures of the backup's tests."""

import pytest
from tests.pipeline.harness import DataHome


@pytest.fixture(scope="module")
def shared_home(tmp_path_factory: pytest.TempPathFactory) -> DataHome:
    """One data home: its path stays the same, so dbt parses the project once."""
    return DataHome(tmp_path_factory.mktemp("backup") / "home")


@pytest.fixture
def home(shared_home: DataHome, monkeypatch: pytest.MonkeyPatch) -> DataHome:
    """The data home, empty, and the one of this process."""
    shared_home.clear()
    monkeypatch.setenv("SLUICE_HOME", str(shared_home.root))
    return shared_home
