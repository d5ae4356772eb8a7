"""The outlets of reports: one folder per ingest date with what was found in its files, and the alerts that stand."""

import json
import shutil
from pathlib import Path

from sluice.deliver.noted import replace_text
from sluice.deliver.run import Run
from sluice.deliver.trees import Behind, behind, note
from sluice.deliver.warehouse import Warehouse
from sluice.home import Home
from sluice.stamps import say, stamps

REPORT = "validation_report.json"


def read_sql(name: str) -> str:
    """The text of a query beside this module."""
    return (Path(__file__).parent / f"{name}.sql").read_text()


class Reports:
    """validation_report.json and alerts.json of each ingest date.

    A date's validation report is written when something of its records changed since the reports' own state
    (reports/.sluice.json), or it is not as that notes it; its alerts when they differ from what the file says. A report tells
    of all feeds of a date, so nothing is written while one of them is held back: the previous state stays.
    """

    def __init__(self, home: Home, run: Run, warehouse: Warehouse) -> None:
        self._folder, self._run, self._warehouse = home.reports, run, warehouse
        self._state: Behind | None = None

    def state(self) -> Behind | None:
        """What the reports have still to take in; None when they cannot be written now."""
        run = self._run
        state = behind(self._folder, self._warehouse, run.feeds)
        is_whole = run.has_built("alerts") and run.has_built("daily_metrics")
        self._state = state if is_whole and set(state.since) <= set(run.delivered_feeds) else None
        return self._state

    def write(self, since: Behind | None) -> None:
        """Write the reports that differ from what is there, and remove those of dates that are gone."""
        if since is None:
            return
        execute = self._warehouse.cursor.execute
        dates = {"changed": self._changed_dates(since), "reported": self._reported_dates(since)}
        execute(read_sql("report_dates"), dates).fetchall()
        tests = [{"feed": feed, **counts} for feed, counts in self._run.tests_per_feed().items()]
        found = execute(read_sql("validation_report"), {"tests": json.dumps(tests)}).fetchall()
        for date, report in found:
            self._write(date, REPORT, report)
        for date, report in self._warehouse.rows(read_sql("alert_report")):
            self._write(date, "alerts.json", report)
        kept = self._warehouse.rows("select cast(ingest_date as varchar) from report_dates")
        self._remove_others({f"ingest_date={date}" for (date,) in kept})

    def note(self) -> None:
        """Note what the reports reflect, and what their files are like now."""
        if self._state:
            note("reports", self._folder, self._warehouse, self._state, dict(stamps(self._folder, ".json")))

    def _changed_dates(self, state: Behind) -> list[str]:
        queries = []
        for feed, since in state.since.items():
            if since is None:
                queries.append(f"select ingest_date from daily_metrics where feed = '{feed}'")
                continue
            queries += [
                f"select ingest_date from state.changed_{feed} where batch_id > {since}",
                "select loads.ingest_date from state.changed_loads as changed"
                " inner join state.loads as loads on changed.load_id = loads.load_id"
                f" where changed.feed = '{feed}' and changed.batch_id > {since}",
            ]
        if not queries:
            return []
        changed = self._warehouse.rows(
            f"select cast(ingest_date as varchar) from ({' union '.join(queries)}) where ingest_date is not null"
        )
        return [date for (date,) in changed]

    def _reported_dates(self, state: Behind) -> list[str]:
        """The dates that have a validation report as the last run left it."""
        noted, found = state.files or {}, dict(stamps(self._folder, REPORT))
        lost = sorted(path for path in noted if path.endswith(REPORT) and noted[path] != found.get(path))
        if lost:
            others = f" (and {len(lost) - 1} more)" if lost[1:] else ""
            say(f"{self._folder / lost[0]}{others} is not as the last build left it; it is written again.")
        as_noted = [path for path in found if noted.get(path) == found[path]]
        return sorted(path.partition("/")[0].partition("=")[2] for path in as_noted)

    def _write(self, date: str, name: str, report: str) -> None:
        text = json.dumps(json.loads(report), indent=2, ensure_ascii=False) + "\n"
        replace_text(self._folder / f"ingest_date={date}" / name, text)

    def _remove_others(self, kept: set[str]) -> None:
        for folder in self._folder.glob("ingest_date=*"):
            if folder.name in kept:
                continue
            if folder.is_dir():
                shutil.rmtree(folder)
            else:
                folder.unlink()
