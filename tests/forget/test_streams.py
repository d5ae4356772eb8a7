"""A stream does not take a file from which somebody was erased for one that was cut short."""

from pathlib import Path

from sluice.forget.journal import Journal, Rewritten
from sluice.forget.person import Person
from sluice.forget.rewrite import rewrite_landing, rewrite_torn
from sluice.home import Home
from sluice.landing.feed import FeedFormat
from sluice.streams.lander import Lander
from sluice.streams.names import Place

PERSON = Person(
    FeedFormat({"event_id": ("event_id",), "user_id": ("user_id",)}, ("event_id",)), "user_id", "u7"
)
HEADER = b"event_id,user_id,_topic,_partition,_offset,_key\n"


def test_a_file_whose_last_message_was_erased_is_whole(tmp_path: Path) -> None:
    landing, work = tmp_path / "landing", tmp_path / "work"
    work.mkdir()
    folder = landing / "service_events"
    journal = Journal(Home(tmp_path, landing, tmp_path / "published"))
    lander = Lander(folder, Place("kafka", "events", 0))
    lander.open()
    rows = HEADER + b"e1,u1,events,0,0,\ne2,u7,events,0,1,\n"
    landed = lander.land(1, None, [(0,), (1,)], lambda skip: rows)
    (folder / "_torn").mkdir()
    (folder / "_torn" / "events-0-0-1.csv").write_bytes(rows)
    (found,) = rewrite_landing(landing, "service_events", PERSON, work, journal)
    assert isinstance(found, Rewritten) and found.erased_count == 1
    assert (folder / landed.file).read_bytes() == HEADER + b"e1,u1,events,0,0,\n"
    assert lander.torn() == [], "neither for a stream that was running"
    again = Lander(folder, Place("kafka", "events", 0))
    assert again.open() == landed.landed, "nor for one that starts"
    assert again.torn() == []
    assert list(rewrite_torn(landing, "service_events", PERSON, work, journal)) == []
    assert not any(b"u7" in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    (folder / landed.file).write_bytes(HEADER)
    assert [torn.file for torn in again.torn()] == [landed.file], (
        "but one that is cut short afterwards is found"
    )
