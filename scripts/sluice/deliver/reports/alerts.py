"""The outlet that tells SLUICE_ALERT_URL about alerts that it has not been told about."""

import json
import os

from sluice.deliver.reports.outlet import read_sql
from sluice.deliver.run import Run
from sluice.deliver.warehouse import Warehouse, listed

SENT = "state.sent_alerts"


class Alerts:
    """The webhook.

    state.sent_alerts remembers the alerts that were taken, for as long as they stand: one that comes back is new. What is not
    taken in the time there is waits for the next run. Alerts of feeds that are held back wait, too.
    """

    def __init__(self, run: Run, warehouse: Warehouse) -> None:
        self._run, self._warehouse = run, warehouse
        self._taken: list[str] = []

    def state(self) -> set[str] | None:
        """The ids of the alerts that were taken; None when nobody is to be told, or the run made no alerts."""
        if not os.environ.get("SLUICE_ALERT_URL") or not self._run.has_built("alerts"):
            return None
        self._warehouse.run(f"create table if not exists {SENT} (id varchar not null)")
        return {taken for (taken,) in self._warehouse.rows(f"select id from {SENT}")}

    def write(self, since: set[str] | None) -> None:
        """Send what is new, newest first."""
        if since is None:
            return
        from sluice.deliver.reports.webhook import send_alerts  # 0.1 s that a run without a webhook is spared

        held = [feed for feed in self._run.feeds if feed not in self._run.released]
        query = self._warehouse.cursor.execute(read_sql("standing_alerts"), {"held": held})
        standing = query.fetchall()
        if not held:
            gone = since - {alert for alert, _ in standing}
            self._warehouse.run(f"delete from {SENT} where id in ({listed(sorted(gone))})")
        new = [json.loads(body) for alert, body in standing if alert not in since]
        self._taken = send_alerts(os.environ["SLUICE_ALERT_URL"], new) if new else []

    def note(self) -> None:
        """Note which were taken."""
        if self._taken:
            taken = ", ".join(f"('{alert}')" for alert in self._taken)
            self._warehouse.run(f"insert into {SENT} values {taken}")
