"""One delivery of every feed, made once for all tests here."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from sluice.generate import Summary, generate

ROWS, DAYS, SEED = 20_000, 3, 7


@dataclass(frozen=True)
class Delivery:
    home: Path
    summary: Summary

    @property
    def landing(self) -> Path:
        return self.home / "landing"


@pytest.fixture(scope="session")
def delivery(tmp_path_factory: pytest.TempPathFactory) -> Delivery:
    home = tmp_path_factory.mktemp("delivery")
    return Delivery(home, generate(ROWS, DAYS, SEED, home))
