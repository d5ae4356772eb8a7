"""Read a stretch of a Kafka partition once more, beside the consumer that goes on."""

import time

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka import Message as KafkaMessage

from sluice.streams.names import Place
from sluice.streams.rows import Message

_SECONDS = 60.0
UNREADABLE_HEADERS: list[tuple[str, bytes | str | None]] = [
    ("(unreadable)", "the name of a header is not UTF-8, and the client library gives none of them then")
]


def offset_of(message: KafkaMessage) -> int:
    """The offset of a message that was read; the library's type leaves it open, for messages that are to be sent."""
    return message.offset() or 0


def plain_message(message: KafkaMessage) -> Message:
    """A message without the client library's object around it."""
    try:
        headers = message.headers()
    except (
        SystemError,
        UnicodeDecodeError,
    ):  # a name that is not UTF-8; asked again, the library gives null pointers
        headers = UNREADABLE_HEADERS
    named = headers.items() if isinstance(headers, dict) else headers
    return Message((offset_of(message),), message.value(), message.key(), named, message.timestamp()[1])


def read_again(settings: dict[str, object], place: Place, first: int, last: int) -> list[Message] | None:
    """The messages with offsets first to last, as far as there are some; None when the broker no longer has the first
    of them. Raises KafkaException, also when it takes too long."""
    consumer = Consumer(settings | {"enable.partition.eof": True, "auto.offset.reset": "error"})
    try:
        partition = TopicPartition(place.topic, place.partition, first)
        low, high = consumer.get_watermark_offsets(partition, timeout=_SECONDS)
        if low > first or high <= first:
            return None if low > first else []
        consumer.assign([partition])
        found: list[Message] = []
        deadline = time.monotonic() + _SECONDS
        while time.monotonic() < deadline:
            for message in consumer.consume(1000, 0.5):
                error = message.error()
                if error is not None and error.code() != KafkaError._PARTITION_EOF:
                    raise KafkaException(error)
                if error is None and offset_of(message) <= last:
                    found.append(plain_message(message))
                if error is not None or offset_of(message) >= last:
                    return found
        raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
    finally:
        consumer.close()
