"""Read a stretch of a Kafka partition once more, beside the consumer that goes on."""

import time

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka import Message as KafkaMessage

from sluice.streams.names import Place
from sluice.streams.rows import Message

_SECONDS = 60.0


def plain_message(message: KafkaMessage) -> Message:
    """A message without the client library's object around it."""
    return Message(
        (message.offset(),), message.value(), message.key(), message.headers(), message.timestamp()[1]
    )


def read_again(settings: dict[str, object], place: Place, first: int, last: int) -> list[Message] | None:
    """The messages with offsets first to last; None when the broker no longer has the first of them. Raises
    KafkaException, also when it takes too long."""
    consumer = Consumer(settings | {"enable.partition.eof": True, "auto.offset.reset": "error"})
    try:
        partition = TopicPartition(place.topic, place.partition, first)
        low, _ = consumer.get_watermark_offsets(partition, timeout=_SECONDS)
        if low > first:
            return None
        consumer.assign([partition])
        found: list[Message] = []
        deadline = time.monotonic() + _SECONDS
        while time.monotonic() < deadline:
            for message in consumer.consume(1000, 0.5):
                error = message.error()
                if error is not None and error.code() != KafkaError._PARTITION_EOF:
                    raise KafkaException(error)
                if error is None and message.offset() <= last:
                    found.append(plain_message(message))
                if error is not None or message.offset() >= last:
                    return found
        raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
    finally:
        consumer.close()
