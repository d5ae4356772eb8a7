"""The Airflow DAG, read by the real Airflow in an environment of its own.

Off by default: installing Airflow takes minutes. SLUICE_TEST_AIRFLOW=1 installs it into a temporary folder;
SLUICE_TEST_AIRFLOW=/path/to/python uses an environment that has it.
"""

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

DAG_FILE = Path(__file__).resolve().parents[2] / "scripts" / "airflow_dag.py"
WANTED = os.environ.get("SLUICE_TEST_AIRFLOW")
PARSE = """
import json, sys
try:
    from airflow.dag_processing.dagbag import DagBag
except ImportError:
    from airflow.models.dagbag import DagBag
bag = DagBag(dag_folder=sys.argv[1])
dag = bag.dags.get("sluice")
tasks = {t.task_id: t for t in dag.tasks} if dag else {}
print("PARSED" + json.dumps({
    "errors": {str(k): str(v) for k, v in bag.import_errors.items()},
    "after": {name: sorted(task.upstream_task_ids) for name, task in tasks.items()},
    "commands": {name: task.bash_command for name, task in tasks.items() if hasattr(task, "bash_command")},
    "rules": {name: str(getattr(t.trigger_rule, "value", t.trigger_rule)) for name, t in tasks.items()},
}))
"""

pytestmark = pytest.mark.skipif(
    not WANTED, reason="installs Airflow, minutes: set SLUICE_TEST_AIRFLOW=1 to run"
)


@pytest.fixture(scope="module")
def airflow_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if WANTED and WANTED != "1":
        return Path(WANTED)
    folder = tmp_path_factory.mktemp("airflow") / "venv"
    venv.create(folder, with_pip=True)
    python = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "apache-airflow"], check=True, timeout=1_800)
    return python


def test_airflow_reads_the_dag(airflow_python: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "AIRFLOW_HOME": str(tmp_path), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    environment.pop("PYTHONPATH", None)
    run = subprocess.run(
        [airflow_python, "-c", PARSE, DAG_FILE],
        capture_output=True,
        text=True,
        env=environment,
        timeout=300,
        check=False,
    )
    lines = [line for line in run.stdout.splitlines() if line.startswith("PARSED")]
    assert lines, run.stdout + run.stderr
    found = json.loads(lines[0].removeprefix("PARSED"))
    assert found["errors"] == {}
    assert found["after"] == {
        "setup": [],
        "build": ["setup"],
        "alerts": ["build"],
        "done": ["alerts", "build"],
    }
    assert found["rules"]["alerts"] == "all_done"
    assert found["rules"]["done"] == "all_success"
    for command in found["commands"].values():
        assert command.split()[0].startswith("scripts/")
