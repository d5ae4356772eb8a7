"""Whatever parts of a data home are brought back, older or newer or damaged: one build makes them agree."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.backup.mix_kit import Mix, deliver, expected_landing, make_backups, mix, mixes, outcome
from tests.pipeline.harness import DataHome

pytestmark = pytest.mark.slow  # many builds


@pytest.fixture(scope="module")
def backups(shared_home: DataHome, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the backups `old` and `new`."""
    folder = tmp_path_factory.mktemp("backups")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLUICE_HOME", str(shared_home.root))
        shared_home.clear()
        make_backups(shared_home, folder)
    return folder


@pytest.fixture(scope="module")
def clean_builds() -> dict[tuple, dict[str, object]]:
    """What clean builds made, by the files of their landing zone."""
    return {}


@pytest.fixture
def clean_build(
    home: DataHome, clean_builds: dict[tuple, dict[str, object]]
) -> Callable[[Mix], dict[str, object]]:
    """The outcome of a clean build of what a mix has."""

    def build(states: Mix) -> dict[str, object]:
        files = expected_landing(states)
        key = tuple(sorted(files.items()))
        if key not in clean_builds:
            home.clear()
            for file, (time, content) in files.items():
                deliver(home, {file: content}, time)
            home.build()
            clean_builds[key] = outcome(home)
        return clean_builds[key]

    return build


@pytest.mark.parametrize("states", mixes(), ids=lambda states: "-".join(states.values()))
def test_one_build_makes_any_mix_agree(
    home: DataHome,
    backups: Path,
    clean_build: Callable[[Mix], dict[str, object]],
    states: Mix,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The states stand in the order of PARTS: warehouse, published, lake, reports, landing, archive."""
    expected = clean_build(states)
    mix(home, backups, states)
    if states["warehouse.duckdb"] == "damaged":
        result = home.build(expect_success=False)
        assert "move it away" in str(result.exception)
        home.root.joinpath("warehouse.duckdb").rename(home.root / "warehouse.duckdb.damaged")
    capfd.readouterr()
    home.build()
    said = capfd.readouterr().err
    found = outcome(home)
    assert {name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)} == set()
    if states["archive"] == "damaged" and states["warehouse.duckdb"] != "new":
        assert "cannot be read as a file of the archive" in said
