"""One delivery of every feed, made once for all tests here."""

import pytest

from sluice.generate import generate

from .agreement import DAYS, ROWS, SEED, Delivery


@pytest.fixture(scope="session")
def delivery(tmp_path_factory: pytest.TempPathFactory) -> Delivery:
    home = tmp_path_factory.mktemp("delivery")
    return Delivery(home, generate(ROWS, DAYS, SEED, home))
