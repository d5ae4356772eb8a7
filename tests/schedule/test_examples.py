"""The examples for cron, systemd and GitHub Actions: their readers understand them, and all run one build."""

import configparser
from pathlib import Path

import yaml

FOLDER = Path(__file__).resolve().parents[2] / "scripts" / "schedule"
BUILD = "scripts/lib/python -m dbt.cli.main build"


def test_every_example_builds_and_tells_about_alerts() -> None:
    for name in ("crontab", "sluice.service", "github_actions.yml"):
        text = (FOLDER / name).read_text()
        assert BUILD in text and "scripts/status --alerts" in text, name


def test_cron_lines_have_five_fields_and_a_command() -> None:
    lines = [line for line in (FOLDER / "crontab").read_text().splitlines() if line and line[0] not in "#S"]
    assert [line.split(maxsplit=5)[:5] for line in lines] == [["*/15", "*", "*", "*", "*"]]
    assert "%" not in lines[0], "cron takes a percent sign for a newline"


def test_systemd_units_have_their_sections() -> None:
    for name, section in (
        ("sluice.service", "Service"),
        ("sluice_watch.service", "Service"),
        ("sluice.timer", "Timer"),
    ):
        unit = configparser.ConfigParser(strict=True, interpolation=None)
        unit.optionxform = str  # type: ignore[assignment,method-assign]
        unit.read(FOLDER / name)
        assert {"Unit", section} <= set(unit.sections())


def test_the_workflow_is_yaml_and_runs_one_build_at_a_time() -> None:
    workflow = yaml.safe_load((FOLDER / "github_actions.yml").read_text())
    assert workflow["concurrency"] == "sluice-build"
    assert {"run": BUILD} in workflow["jobs"]["build"]["steps"]
