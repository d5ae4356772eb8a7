"""Topics that were deleted and made again while their messages were being read.

The broker's offsets begin at 0 again, so without the topic's id the new messages would pass for a continuation of the
old ones, or for none. So the ids are asked for before anything lands: what was read before an answer that names the
known id is of the known topic.
"""

import logging
from collections.abc import Callable

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from sluice.streams.disk import BusyError
from sluice.streams.intake import Done, Intake, Reread
from sluice.streams.kafka_again import read_again
from sluice.streams.kafka_options import topic_ids
from sluice.streams.lander import HoleError
from sluice.streams.names import Place
from sluice.streams.record import Landed
from sluice.streams.telemetry import Telemetry


def tell(telemetry: Telemetry, place: Place, before: Landed) -> None:
    """A gap, as something of the old topic may not have landed."""
    expected = None if before.last is None else (before.last[0] + 1,)
    why = "the topic was deleted and made again: what had not landed of the old one is gone; reading all of the new one"
    telemetry.gap(place, "topic_reset", expected, (0,), None, why)


class Renewal:
    """Notices such topics, and begins them from their first message."""

    def __init__(
        self,
        admin: AdminClient,
        settings: dict[str, object],
        intake: Intake,
        telemetry: Telemetry,
        obey: Callable[[list[Done | Reread]], None],
    ) -> None:
        self._admin = admin
        self._settings = settings
        self._intake = intake
        self._telemetry = telemetry
        self._obey = obey

    def look(self) -> list[Place]:
        """The partitions that have begun again just now; they are to be read from their beginning."""
        known = {place: self._intake.landed(place).topic_id for place in self._intake.places}
        topics = sorted({place.topic for place, topic_id in known.items() if topic_id})
        ids = topic_ids(self._admin, topics) if topics else {}
        renewed = [place for place, topic_id in known.items() if topic_id != ids.get(place.topic, topic_id)]
        return [place for place in renewed if ids[place.topic] and self._begin(place, ids[place.topic])]

    def _begin(self, place: Place, topic_id: str) -> bool:
        """Land what still is of the old topic, then begin the new one; False: to be tried again."""
        self._intake.hold(place)
        try:
            self._keep_old(place)
            self._obey(self._intake.flush(place, force=True))
            if not self._intake.has(place) or self._intake.waiting_at(place):
                return False
            before, lander = self._intake.landed(place), self._intake.lander(place)
            self._intake.begin(place, lander.restart(before, topic_id), lander)
        except (BusyError, HoleError, KafkaException) as error:
            self._telemetry.say(
                logging.WARNING, "a new topic of this name, trying again", place, why=str(error)
            )
            return False
        tell(self._telemetry, place, before)
        return True

    def _keep_old(self, place: Place) -> None:
        """Of what waits, drop what the new topic has: that is read again."""
        waiting = self._intake.waiting_at(place)
        if waiting:
            first, last = waiting[0].position, waiting[-1].position
            found = read_again(self._settings, place, first[0], last[0]) or []
            new = {message.position: message for message in found}
            keep = [message for message in waiting if new.get(message.position) != message]
            self._intake.hold(place, keep)
