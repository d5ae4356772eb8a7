"""Sluice in Airflow: set up, build, tell about alerts. Link or copy this file into the DAGs folder.

Outside the checkout, `SLUICE_ROOT` says where the checkout is. `SLUICE_SCHEDULE` (default: every 15
minutes) is a cron expression; `SLUICE_HOME`, `SLUICE_PREDICT_URL` and the others are passed on as the
scheduler and its workers have them.
"""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

try:
    from airflow.providers.standard.operators.bash import BashOperator
    from airflow.providers.standard.operators.empty import EmptyOperator
    from airflow.sdk import DAG
except ImportError:  # Airflow 2
    from airflow import DAG
    from airflow.operators.bash import BashOperator
    from airflow.operators.empty import EmptyOperator

ROOT = os.environ.get("SLUICE_ROOT") or str(Path(__file__).resolve().parents[1])

with DAG(
    dag_id="sluice",
    description="Whatever is in the landing zone, cleaned, tested and published; then the alerts.",
    schedule=os.environ.get("SLUICE_SCHEDULE") or "*/15 * * * *",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={"cwd": ROOT, "append_env": True},
    tags=["sluice"],
) as dag:
    setup = BashOperator(
        task_id="setup",
        bash_command="scripts/setup",
        retries=2,
        retry_delay=timedelta(minutes=1),
        execution_timeout=timedelta(minutes=15),
    )
    build = BashOperator(
        task_id="build",
        bash_command="scripts/lib/python -m dbt.cli.main build",
        retries=1,
        retry_delay=timedelta(minutes=2),
        execution_timeout=timedelta(hours=2),
    )
    alerts = BashOperator(
        task_id="alerts",
        bash_command="scripts/status --alerts",
        trigger_rule="all_done",
        execution_timeout=timedelta(minutes=5),
    )
    # Airflow judges a run by its last task: without this one, a failed build would pass once its alerts
    # are told.
    done = EmptyOperator(task_id="done")
    setup >> build >> alerts >> done
    build >> done
