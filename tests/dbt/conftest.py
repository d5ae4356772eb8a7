"""One small data home for every test in this folder."""

from collections.abc import Iterator

import pytest
from small_home import SmallHome


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallHome]:
    """The home, and the environment given back afterwards."""
    with pytest.MonkeyPatch.context() as patch:
        for name in (
            "SLUICE_HOME",
            "SLUICE_PII_KEY",
            "SLUICE_LANDING",
            "SLUICE_PUBLISHED",
            "SLUICE_UNIT_TESTS",
        ):
            patch.setenv(name, "")
            patch.delenv(name)
        yield SmallHome(tmp_path_factory.mktemp("dbt"))
