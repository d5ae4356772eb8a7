"""Lake and reports as SQL functions; rows never pass through Python, DuckDB's COPY writes them.

- `sluice_files_state(tree) -> JSON text`: what the files of a tree ('lake', 'reports' or 'tenants') reflect; and of the
  lake, as `touched`, the partitions whose files are not as the last build left them
- `sluice_note_files(tree, state) -> tree`: note that, and what its files are like now, without those still `touched`
- `sluice_lake_staging() -> path`: an empty folder to write partitions to, one folder per table below it
- `sluice_change_partitions(table, name, change) -> BIGINT`: move into place what was written for a table
  ('clean/orders') to the folders `<table>.<name><rest>`; `change` is a JSON object of the lists `written` (the rests),
  `rewritten` (partition folders, or null for all of them) and `grown`
- `sluice_growing_partitions(table, name) -> VARCHAR[]`: the partition folders that may get a file of added rows
- `sluice_report_dates() -> VARCHAR[]`: the dates that have a validation report as the last build left it
- `sluice_write_report(date, name, content) -> BOOLEAN`: write one report, if it differs; whether it did
- `sluice_keep_reports(dates) -> BIGINT`: remove the reports of all other dates; how many
- `sluice_send_alerts(alerts) -> VARCHAR[]`: POST a JSON array of alerts to SLUICE_ALERT_URL; the ids it took
- `sluice_alert_url() -> BOOLEAN`: whether there is one
"""

import json
import os
import shutil
from pathlib import Path

import duckdb

from sluice.home import data_home
from sluice.lake.files import (
    STAGING,
    change_partitions,
    clear_staging,
    growing_partitions,
    read_state,
    replace_text,
    write_state,
)
from sluice.lake.touched import files_to_note, touched_partitions
from sluice.stamps import say, stamp, stamps

REPORT = "validation_report.json"


def register_lake_functions(conn: duckdb.DuckDBPyConnection) -> None:
    """Make the functions known to one DuckDB instance. They write files, so no call is ever folded."""
    text = "VARCHAR"
    for name, function, parameters, result in (
        ("sluice_files_state", _state, [text], text),
        ("sluice_note_files", _note, [text, text], text),
        ("sluice_lake_staging", _staging, [], text),
        ("sluice_change_partitions", _change, [text, text, text], "BIGINT"),
        ("sluice_growing_partitions", _growing, [text, text], "VARCHAR[]"),
        ("sluice_report_dates", _report_dates, [], "VARCHAR[]"),
        ("sluice_write_report", _write_report, [text, text, text], "BOOLEAN"),
        ("sluice_keep_reports", _keep_reports, ["VARCHAR[]"], "BIGINT"),
        ("sluice_send_alerts", _send_alerts, [text], "VARCHAR[]"),
        ("sluice_alert_url", _has_alert_url, [], "BOOLEAN"),
    ):
        conn.create_function(name, function, parameters, result, side_effects=True)


def _tree(name: str) -> Path:
    home = data_home()
    return {"lake": home.lake, "reports": home.reports, "tenants": home.published / "tenants"}[name]


def _state(tree: str) -> str:
    folder = _tree(tree)
    state = read_state(folder)
    touched = touched_partitions(folder, state.pop("files")) if tree == "lake" and state["batches"] else {}
    return json.dumps({**state, "touched": touched})


def _note(tree: str, state: str) -> str:
    noted, folder = json.loads(state), _tree(tree)
    touched = noted.pop("touched")
    if tree == "lake":
        files = files_to_note(folder, touched)
    elif tree == "reports":
        files = dict(stamps(folder, ".json"))
    else:
        files = {path.name: stamp(path) for path in folder.glob("*.db")}
    write_state(folder, {**noted, "files": files}, is_public=tree != "tenants")
    return tree


def _staging() -> str:
    return str(clear_staging(data_home().lake))


def _change(table: str, name: str, change: str) -> int:
    lake = data_home().lake
    parts = json.loads(change)
    written = {
        rest: lake / STAGING / f"{table.replace('/', '.')}.{name}{rest}" for rest in parts.pop("written")
    }
    is_public = not table.startswith("quarantine/")
    return change_partitions(lake / table, name, written, **parts, is_public=is_public)


def _growing(table: str, name: str) -> list[str]:
    lake = data_home().lake
    return growing_partitions(lake / table, name, lake / STAGING)


def _report_dates() -> list[str]:
    reports = data_home().reports
    noted, found = read_state(reports)["files"], dict(stamps(reports, REPORT))
    lost = sorted(path for path in noted if path.endswith(REPORT) and noted[path] != found.get(path))
    if lost:
        others = f" (and {len(lost) - 1} more)" if lost[1:] else ""
        say(f"{reports / lost[0]}{others} is not as the last build left it; it is written again.")
    as_noted = [path for path in found if noted.get(path) == found[path]]
    return sorted(path.partition("/")[0].partition("=")[2] for path in as_noted)


def _write_report(date: str, name: str, content: str) -> bool:
    path = data_home().reports / f"ingest_date={date}" / f"{name}.json"
    return replace_text(path, json.dumps(json.loads(content), indent=2, ensure_ascii=False) + "\n")


def _keep_reports(dates: list[str]) -> int:
    kept = {f"ingest_date={date}" for date in dates}
    gone = [folder for folder in data_home().reports.glob("ingest_date=*") if folder.name not in kept]
    for folder in gone:
        if folder.is_dir():
            shutil.rmtree(folder)
        else:
            folder.unlink()
    return len(gone)


def _send_alerts(alerts: str) -> list[str]:
    from sluice.reports.webhook import send_alerts

    return send_alerts(os.environ["SLUICE_ALERT_URL"], json.loads(alerts))


def _has_alert_url() -> bool:
    return bool(os.environ.get("SLUICE_ALERT_URL"))
