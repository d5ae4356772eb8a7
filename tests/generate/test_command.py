"""The command: its exit codes, what it refuses, and that it never replaces anything silently."""

from pathlib import Path

import pytest

from sluice.generate.__main__ import main

SMALL = ["--rows", "60", "--days", "2", "--feed", "service_events"]


def written(home: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in home.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "arguments",
    [
        ["--rows", "0"],
        ["--days", "none"],
        ["--seed", "-1"],
        ["--feed", "nothing"],
        ["--start-date", "2026-02-30"],
        ["--unknown"],
    ],
)
def test_wrong_usage_exits_with_2(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([*arguments, "--home", str(tmp_path)])
    assert stopped.value.code == 2
    assert arguments[0] in capsys.readouterr().err
    assert not written(tmp_path)


def test_help_names_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])
    assert stopped.value.code == 0
    told = capsys.readouterr().out
    for option in (
        "--rows",
        "--days",
        "--seed",
        "--home",
        "--feed",
        "--start-date",
        "--no-structural-faults",
        "--overwrite",
    ):
        assert option in told


def test_a_home_that_cannot_be_written_exits_with_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "taken").write_text("a file")
    assert main([*SMALL, "--home", str(tmp_path / "taken")]) == 1
    assert str(tmp_path / "taken") in capsys.readouterr().err


def test_an_earlier_delivery_is_replaced_only_on_request(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = ["--home", str(tmp_path)]
    assert main([*SMALL, *home]) == 0
    assert "60 records" in capsys.readouterr().out
    before = written(tmp_path)

    assert main([*SMALL, *home]) == 1
    assert main([*SMALL, *home, "--seed", "2"]) == 1, "the truth of another delivery is in the way, too"
    assert "--overwrite" in capsys.readouterr().err
    assert written(tmp_path) == before

    mine = tmp_path / "landing" / "service_events" / "mine.csv"
    mine.write_text("event_id\n")
    assert main([*SMALL, *home, "--seed", "2", "--overwrite"]) == 0
    after = written(tmp_path)
    assert mine in after
    assert not [
        path for path in before if path in after and path.suffix != ".parquet" and path.name != "summary.json"
    ]


def test_a_landing_file_without_its_truth_is_not_replaced(tmp_path: Path) -> None:
    home = ["--home", str(tmp_path)]
    assert main([*SMALL, *home]) == 0
    for path in (tmp_path / "ground_truth").iterdir():
        path.unlink()
    (tmp_path / "ground_truth").rmdir()
    before = written(tmp_path)
    assert main([*SMALL, *home]) == 1
    assert main([*SMALL, *home, "--overwrite"]) == 1, "only files of a known earlier delivery are replaced"
    assert written(tmp_path) == before


def test_a_run_that_fails_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OSError("no space left on device")

    mine = tmp_path / "landing" / "service_events" / "mine.csv"
    mine.parent.mkdir(parents=True)
    mine.write_text("event_id\n")
    monkeypatch.setattr("sluice.generate.run.summarise", full)
    assert main([*SMALL, "--home", str(tmp_path)]) == 1
    assert "no space left" in capsys.readouterr().err
    assert set(written(tmp_path)) == {mine}


def test_the_home_is_taken_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SLUICE_LANDING", str(tmp_path / "elsewhere"))
    assert main(SMALL) == 0
    assert (tmp_path / "elsewhere" / "service_events").is_dir()
    assert (tmp_path / "home" / "ground_truth" / "summary.json").is_file()
