"""What the tests of everyday files share: their deliveries, and looks at what became of them."""

from collections.abc import Callable
from pathlib import Path

from tests.pipeline.harness import DataHome

HEADER = "event_id,service,event_type,timestamp"
AS_OF = ("--vars", "{as_of: '2026-06-01T00:00:00Z'}")
Deliver = Callable[[DataHome, str], None]


class Deliveries:
    """What is to be delivered, each kind under an ingest date of its own, to be read by one build."""

    def __init__(self) -> None:
        self._all: list[tuple[str, Deliver]] = []

    def on(self, day: str, feed: str = "service_events") -> Callable[[Deliver], Deliver]:
        """Register what writes the files of one ingest date of a feed, given the home and the folder."""

        def register(deliver: Deliver) -> Deliver:
            self._all.append((f"{feed}/ingest_date={day}", deliver))
            return deliver

        return register

    def build(self, home: DataHome) -> DataHome:
        """Deliver everything to an empty home, and build."""
        home.clear()
        home.write("customers/ingest_date=2026-01-01/known.csv", "customer_id,email\nc1,a@b.de\nc2,x@y.de\n")
        for folder, deliver in self._all:
            deliver(home, folder)
        home.build(*AS_OF)
        return home


def event(event_id: str, at: str = "2026-01-01T10:00:00Z") -> str:
    return f"{event_id},cart,request,{at}"


def file_of(*events: str) -> str:
    return "\n".join([HEADER, *map(event, events)]) + "\n"


def events_of(home: DataHome, day: str) -> list[str]:
    rows = home.query(f"select event_id from service_events where ingest_date = '{day}' order by 1")
    return [row[0] for row in rows]


def rejected(home: DataHome, day: str, feed: str = "service_events") -> list[tuple]:
    return home.query(
        "select reject_reasons, raw_record from quarantine"
        f" where feed = '{feed}' and ingest_date = '{day}' order by raw_record"
    )


def files_of(home: DataHome, day: str, columns: str, feed: str = "service_events") -> dict[str, tuple]:
    rows = home.query(
        f"select file, {columns} from file_loads where feed = '{feed}' and ingest_date = '{day}'"
    )
    return {Path(row[0]).name: row[1:] for row in rows}
