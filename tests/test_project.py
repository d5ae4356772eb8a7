"""The project keeps its own conventions: names, shapes, vocabularies, commands."""

import json
import os
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from sluice.home import PROJECT_ROOT

TOP_LEVEL = {
    *(
        "dbt_project.yml",
        "profiles.yml",
        "selectors.yml",
        "models",
        "seeds",
        "macros",
        "tests",
        "analyses",
        "scripts",
    ),
    *("README.md", "DECISIONS.md", "LICENSE", "pyproject.toml", "uv.lock"),
    *(".sqlfluff", ".ci", ".github", ".gitignore", ".env.example", ".pre-commit-config.yaml"),
}
NAMES = {
    "staging/landing": r"stg_landing__[a-z_]+s",
    "intermediate": r"int_[a-z_]+s_[a-z]+ed",
    "marts": r"(?!stg_|int_)[a-z]+(_[a-z]+)*?(_per_[a-z]+)?",
}
"""Folder below models/: what a model in it may be called."""
BANNED = {
    "::": r"::",
    "qualify": r"\bqualify\b",
    "ilike": r"\bilike\b",
    "strptime": r"strptime\b",
    "trim(": r"\btrim\(",
    "exclude": r"\bexclude\s*\(",
    "target.type": r"\btarget\.type\b",
    "a trailing comma": r",\s*\n\s*(from|\))\b",
}
STRUCTURAL_FAULTS = {
    *("too_few_columns", "too_few_values", "too_many_columns", "unterminated_quote"),
    *("invalid_encoding", "line_too_long", "undecodable_message", "tombstone_message"),
}
NOT_FOR_PEOPLE = {
    "SLUICE_ENV_FILE",  # tests keep .env away with it
    "SLUICE_PREDICT_RESTARTED",  # the prediction service tells itself
    "SLUICE_ROOT",  # of the scheduler's environment, not of Sluice's
    "SLUICE_SCHEDULE",
}


def tracked(*patterns: str) -> list[Path]:
    """The files of the project that git knows, or would know; those that were deleted are left out."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns]
    listed = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=True).stdout
    paths = [PROJECT_ROOT / name for name in sorted(set(filter(None, listed.split("\0"))))]
    return [path for path in paths if path.is_file()]


def relative(path: Path) -> str:
    return str(path.relative_to(PROJECT_ROOT))


def without_comments(sql: str) -> str:
    """SQL without comments of Jinja and SQL and without quoted text, in which anything may stand."""
    sql = re.sub(r"\{#.*?#\}", "", sql, flags=re.DOTALL)
    sql = re.sub(r"--[^\n]*", "", sql)
    return re.sub(r"'[^'\n]*'", "''", sql)


MODELS = tracked("models/**/*.sql")
MACROS = tracked("macros/**/*.sql")
COMMANDS = [
    path for path in tracked("scripts/*") if path.parent.name == "scripts" and os.access(path, os.X_OK)
]


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What dbt makes of the project."""
    scratch = tmp_path_factory.mktemp("parse")
    environment = os.environ | {"SLUICE_HOME": str(scratch / "home"), "DBT_LOG_PATH": str(scratch / "logs")}
    dbt = Path(sys.executable).with_name("dbt")
    command = [str(dbt), "--quiet", "parse", "--target-path", str(scratch / "target")]
    done = subprocess.run(command, cwd=PROJECT_ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads((scratch / "target" / "manifest.json").read_text())


def models_of(manifest: dict[str, Any]) -> Iterator[dict[str, Any]]:
    return (node for node in manifest["nodes"].values() if node["resource_type"] == "model")


def test_the_top_level_holds_what_it_should() -> None:
    found = {Path(relative(path)).parts[0] for path in tracked()}
    assert found <= TOP_LEVEL, found - TOP_LEVEL


@pytest.mark.parametrize("path", MODELS, ids=relative)
def test_a_model_lies_where_its_name_says(path: Path) -> None:
    inside = path.relative_to(PROJECT_ROOT / "models")
    folder = next((folder for folder in NAMES if inside.is_relative_to(folder)), None)
    assert folder, f"{inside}: models lie in {', '.join(NAMES)}"
    assert re.fullmatch(NAMES[folder], path.stem), f"{inside} does not match {NAMES[folder]}"
    assert len(inside.parts) == 3, f"{inside}: models lie in models/<layer>/<source or area>/"


@pytest.mark.parametrize("path", MODELS, ids=relative)
def test_a_model_ends_in_its_last_step(path: Path) -> None:
    lines = path.read_text().rstrip("\n").splitlines()
    # A staging table may be told apart from the landing table it lists: landing_files for stg_landing__files.
    name = re.fullmatch(r"select \* from (\w+)", lines[-1])
    assert name, f"the last line is {lines[-1]!r}"
    plain = path.stem.removeprefix("stg_")
    assert name[1].replace("__", "_") in (path.stem.replace("__", "_"), plain.replace("__", "_"))
    assert re.search(rf"^(with )?{name[1]} as (materialized )?\($", path.read_text(), re.MULTILINE)


@pytest.mark.parametrize("path", MODELS, ids=relative)
def test_a_model_is_written_for_every_engine(path: Path) -> None:
    sql = without_comments(path.read_text())
    found = [name for name, pattern in BANNED.items() if re.search(pattern, sql, re.IGNORECASE)]
    assert not found, f"{relative(path)} uses {', '.join(found)}; engines' own spellings belong in macros"


def test_sources_are_read_in_staging_only(manifest: dict[str, Any]) -> None:
    readers: Counter[str] = Counter()
    for model in models_of(manifest):
        for source in (name for name in model["depends_on"]["nodes"] if name.startswith("source.")):
            assert model["path"].startswith("staging/"), f"{model['path']} reads {source}"
            readers[source] += 1
    assert readers == dict.fromkeys(manifest["sources"], 1), "one staging model per landing table"


def test_the_var_feeds_names_the_landing_tables(manifest: dict[str, Any]) -> None:
    project = yaml.safe_load((PROJECT_ROOT / "dbt_project.yml").read_text())
    tables = {source["name"] for source in manifest["sources"].values() if source["source_name"] == "landing"}
    assert project["vars"]["feeds"] == sorted(tables)


def test_folder_yaml_is_named_after_its_folder() -> None:
    """Or, where a folder's YAML would be too long, after an area of the marts."""
    areas = {path.parent.name for path in tracked("models/marts/*/*.sql")}
    for path in tracked("models/**/*.yml", "models/*.yml"):
        name = re.fullmatch(r"_([a-z_]+)__(models|sources|unit_tests)\.yml", path.name)
        assert path.name == "_exposures.yml" or (name and name[1] in areas | {path.parent.name}), relative(
            path
        )


def test_every_model_says_what_a_row_is(manifest: dict[str, Any]) -> None:
    silent = [
        m["path"] for m in models_of(manifest) if not m["description"].strip().startswith("One row per ")
    ]
    assert not silent, f"descriptions begin with 'One row per …': {silent}"


def test_reject_reasons_are_one_vocabulary() -> None:
    """What rules and references say, and what the seed explains, are the same words."""
    used = set(STRUCTURAL_FAULTS)
    for path in MODELS:
        for rules in re.findall(
            r"\{\{ reasons\((.*?)\) \}\} as _reject_reasons", path.read_text(), re.DOTALL
        ):
            used |= set(re.findall(r"^\s*\('([a-z_]+)',", rules, re.MULTILINE))
        used |= set(re.findall(r"'reason': '([a-z_]+)'", path.read_text()))
    lines = (PROJECT_ROOT / "seeds/reject_reasons.csv").read_text().splitlines()[1:]
    explained = [line.split(",")[0] for line in lines]
    assert len(explained) == len(set(explained))
    assert set(explained) == used, f"differ: {set(explained) ^ used}"


@pytest.mark.parametrize("path", MACROS, ids=relative)
def test_a_macro_says_what_it_does(path: Path) -> None:
    text = path.read_text()
    assert re.match(r"\{#-\n? ", text), f"{relative(path)} begins without a doc comment"
    for name in re.findall(r"adapter\.dispatch\('(\w+)'\)", text):
        for engine in ("default", "duckdb"):
            defined = re.compile(rf"macro {engine}__{name}\(")
            assert any(defined.search(other.read_text()) for other in MACROS), f"no {engine}__{name}"


def test_every_setting_is_in_the_example() -> None:
    used: set[str] = set()
    for path in tracked("scripts", "macros", "models", "profiles.yml", "dbt_project.yml"):
        used |= set(re.findall(r"\b(SLUICE_[A-Z_]*[A-Z])\b", path.read_text(errors="replace")))
    example = set(re.findall(r"^# ([A-Z_]+)=", (PROJECT_ROOT / ".env.example").read_text(), re.MULTILINE))
    assert used - NOT_FOR_PEOPLE <= example, f"missing in .env.example: {used - NOT_FOR_PEOPLE - example}"
    assert example - {"DATASETTE_SECRET"} <= used, f"read by nothing: {example - used}"


@pytest.mark.parametrize("command", COMMANDS, ids=lambda path: path.name)
def test_commands_help_and_refuse(command: Path) -> None:
    """--help prints usage and exits 0; an unknown option exits 2 and says so on standard error."""
    if command.suffix == ".py":
        pytest.skip("not a command: the scheduler loads it")
    helped = subprocess.run([command, "--help"], capture_output=True, text=True, timeout=60)
    assert helped.returncode == 0, helped.stderr
    assert helped.stdout.startswith(f"usage: scripts/{command.name}"), helped.stdout[:200]
    wrong = subprocess.run([command, "--no-such-option"], capture_output=True, text=True, timeout=60)
    assert wrong.returncode == 2, wrong.stdout + wrong.stderr
    assert wrong.stderr.strip()


def test_python_modules_stay_small() -> None:
    long = {
        relative(path): len(path.read_text().splitlines())
        for path in tracked("scripts/**/*.py", "tests/**/*.py")
    }
    assert not {name: count for name, count in long.items() if count > 350}


def test_every_dependency_has_a_reason() -> None:
    project = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text())
    named = [
        *project["project"]["dependencies"],
        *(name for names in project["project"]["optional-dependencies"].values() for name in names),
        *(name for names in project["dependency-groups"].values() for name in names),
    ]
    decisions = (PROJECT_ROOT / "DECISIONS.md").read_text()
    for requirement in named:
        package = re.match(r"[A-Za-z0-9-]+", requirement)
        assert package and f"`{package[0]}`" in decisions, f"DECISIONS.md does not say why {requirement}"


def test_ci_runs_what_people_run() -> None:
    command = (PROJECT_ROOT / ".ci/run").read_text()
    assert "scripts/test" in command and "--fast" not in command
    steps = ""
    for path in tracked(".github/workflows/*.yml"):
        for job in yaml.safe_load(path.read_text())["jobs"].values():
            steps += "\n".join(step.get("run", "") for step in job["steps"])
    assert ".ci/run" in steps and "dbt build" in steps


def test_the_folder_to_spill_to_is_set_once() -> None:
    """dbt sets what stands under `settings` again for each node, which DuckDB refuses once it has spilled."""
    profile = yaml.safe_load((PROJECT_ROOT / "profiles.yml").read_text())["sluice"]["outputs"]["duckdb"]
    assert "temp_directory" in profile["config_options"]
    assert "temp_directory" not in profile["settings"]


FLOORS = ("vocabulary", "state", "feed", "follow", "gates", "operations")
"""The rooms of macros/, from the ground up: a macro calls macros of its own room and of those below it."""


def test_no_macro_calls_a_room_above_its_own(manifest: dict[str, Any]) -> None:
    macros = {key: Path(value["original_file_path"]) for key, value in manifest["macros"].items()}
    own = {
        key: path.parts[1]
        for key, path in macros.items()
        if path.is_relative_to("macros") and ".sluice." in key
    }
    assert set(own.values()) == set(FLOORS)
    calls = [
        (key, called)
        for key in own
        for called in manifest["macros"][key]["depends_on"]["macros"]
        if called in own
    ]
    assert len(calls) > 100
    upwards = [
        f"{macros[caller]} calls {called.split('.')[-1]} of {own[called]}"
        for caller, called in calls
        if FLOORS.index(own[called]) > FLOORS.index(own[caller])
    ]
    assert not upwards, "\n".join(upwards)
