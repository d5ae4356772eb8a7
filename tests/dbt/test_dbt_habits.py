"""What people do in every dbt project works beside Sluice's models: ordinary incremental models, snapshots, Python models."""

import shutil
from pathlib import Path

import pytest
from small_home import PROJECT, SmallHome

MODELS = {
    "habit_events.sql": """
        {{ config(materialized='view', event_time='event_at') }}
        select event_id, service, event_at, latency_ms from {{ ref('service_events') }}""",
    "habit_append.sql": """
        {{ config(materialized='incremental', incremental_strategy='append') }}
        select * from {{ ref('habit_events') }}
        {% if is_incremental() %}where event_at > (select max(event_at) from {{ this }}){% endif %}""",
    "habit_delete_insert.sql": """
        {{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='event_id') }}
        select * from {{ ref('habit_events') }}
        {% if is_incremental() %}where event_id like 'new-%' or event_id = 'old-1'{% endif %}""",
    "habit_merge.sql": """
        {{ config(materialized='incremental', incremental_strategy='merge', unique_key='event_id') }}
        select event_id, {{ 2 if is_incremental() else 1 }} as run from {{ ref('habit_events') }}
        {% if is_incremental() %}where event_id = 'old-1' or event_id like 'new-%'{% endif %}""",
    "habit_microbatch.sql": """
        {{ config(materialized='incremental', incremental_strategy='microbatch', event_time='event_at',
                  batch_size='day', begin='2026-01-13', lookback=1) }}
        select * from {{ ref('habit_events') }}""",
    "habit_table.sql": "{{ config(materialized='table') }} select count(*) as rows from {{ ref('habit_append') }}",
    "habit_python.py": """
def model(dbt, session):
    dbt.config(materialized="table")
    return dbt.ref("habit_events").filter("latency_ms is not null")
""",
    "habit_pandas.py": """
import pandas

def model(dbt, session):
    dbt.config(materialized="table")
    return pandas.DataFrame({"rows": [len(dbt.ref("habit_events").df())]})
""",
    "habit_python_incremental.py": """
def model(dbt, session):
    dbt.config(materialized="incremental", incremental_strategy="append")
    events = dbt.ref("habit_events")
    return events.filter("event_id like 'new-%'") if dbt.is_incremental else events
""",
}
SNAPSHOT = """
snapshots:
  - name: habit_snapshot
    relation: ref('customers')
    config: {unique_key: customer_id, strategy: check, check_cols: [email, country]}
"""
DAYS = ("--event-time-start", "2026-01-13", "--event-time-end", "2026-01-15")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> SmallHome:
    """A copy of the project with such models: a home that was built once, and run again with newer files."""
    root = tmp_path_factory.mktemp("habits")
    copy = root / "project"
    for folder in ("models", "macros", "seeds", "tests/generic", "analyses"):
        shutil.copytree(PROJECT / folder, copy / folder)
    for path in [*PROJECT.glob("*.yml"), *PROJECT.glob("tests/*.sql")]:
        shutil.copy(path, copy / path.relative_to(PROJECT))
    (copy / "scripts").symlink_to(PROJECT / "scripts")
    for name, text in MODELS.items():
        _write(copy / "models" / "habits" / name, text)
    _write(copy / "snapshots" / "habits.yml", SNAPSHOT)
    return SmallHome(root, copy)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


def _numbers(project: SmallHome, query: str) -> tuple:
    return project.query(query)[0]


def test_append_adds_what_is_newer(project: SmallHome) -> None:
    both = _numbers(project, "select count(*), count(distinct event_id) from service_events")
    assert _numbers(project, "select count(*), count(distinct event_id) from habit_append") == both
    assert _numbers(project, "select rows from habit_table") == both[:1]


def test_delete_insert_replaces_by_key(project: SmallHome) -> None:
    both = _numbers(project, "select count(*), count(distinct event_id) from service_events")
    assert _numbers(project, "select count(*), count(distinct event_id) from habit_delete_insert") == both


def test_merge_updates_and_inserts(project: SmallHome) -> None:
    assert _numbers(project, "select run from habit_merge where event_id = 'old-1'") == (2,)
    assert _numbers(project, "select run from habit_merge where event_id = 'old-2'") == (1,)
    assert _numbers(project, "select min(run) from habit_merge where event_id like 'new-%'") == (2,)


def test_microbatches_are_run(project: SmallHome) -> None:
    project.dbt("run", "--select", "habit_microbatch", *DAYS)
    project.dbt("run", "--select", "habit_microbatch", *DAYS)
    assert project.query("select * from habit_microbatch except select * from habit_events") == []
    assert _numbers(project, "select count(*) from habit_microbatch") == _numbers(
        project, "select count(*) from habit_events"
    )


def test_python_models_are_run(project: SmallHome) -> None:
    assert _numbers(project, "select count(*) from habit_python") == _numbers(
        project, "select count(*) from habit_events where latency_ms is not null"
    )
    assert _numbers(project, "select rows from habit_pandas") == _numbers(
        project, "select count(*) from habit_events"
    )
    assert _numbers(project, "select count(*) from habit_python_incremental") == _numbers(
        project, "select count(*) from habit_events"
    )


def test_a_snapshot_keeps_what_was(project: SmallHome) -> None:
    before = _numbers(project, "select count(*) from habit_snapshot")
    assert before == _numbers(project, "select count(*) from customers where customer_id not like 'new-%'")
    project.dbt("snapshot")
    assert _numbers(project, "select count(*) from habit_snapshot where dbt_valid_to is null") == _numbers(
        project, "select count(*) from customers"
    )


def test_dbts_own_materializations_are_left_alone(project: SmallHome) -> None:
    """No macro of Sluice has the name of a materialization, a strategy or a switch of dbt's own."""
    own = {macro.name for macro in project.manifest.macros.values() if macro.package_name == "sluice"}
    dbts = {
        macro.name
        for macro in project.manifest.macros.values()
        if macro.package_name in ("dbt", "dbt_duckdb")
    }
    assert own & dbts == set()
