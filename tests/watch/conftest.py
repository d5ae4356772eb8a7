"""Fixtures of the watcher's tests."""

import pytest
from tests.pipeline.harness import DataHome


@pytest.fixture
def home(home: DataHome, monkeypatch: pytest.MonkeyPatch) -> DataHome:
    """The data home, empty, with the key that its builds have."""
    monkeypatch.setenv("SLUICE_PII_KEY", home.pii_key)
    return home
