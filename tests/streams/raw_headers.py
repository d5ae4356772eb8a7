"""A message whose header has a name that is not UTF-8: the Python client sends none, so its C library is asked."""

import ctypes
from ctypes import c_char_p, c_int, c_int32, c_size_t, c_ssize_t, c_void_p
from pathlib import Path

import confluent_kafka

_SIGNATURES = {
    "rd_kafka_conf_new": (c_void_p, []),
    "rd_kafka_conf_set": (c_int, [c_void_p, c_char_p, c_char_p, c_void_p, c_size_t]),
    "rd_kafka_new": (c_void_p, [c_int, c_void_p, c_void_p, c_size_t]),
    "rd_kafka_headers_new": (c_void_p, [c_size_t]),
    "rd_kafka_header_add": (c_int, [c_void_p, c_char_p, c_ssize_t, c_char_p, c_ssize_t]),
    "rd_kafka_flush": (c_int, [c_void_p, c_int]),
    "rd_kafka_destroy": (None, [c_void_p]),
}
_TOPIC, _PARTITION, _VALUE, _FLAGS, _HEADERS, _END = 1, 3, 4, 7, 10, 0
_COPY = 2


def send_with_header(servers: str, topic: str, value: bytes, name: bytes) -> None:
    """Send one message to partition 0 with one header."""
    found = Path(confluent_kafka.__file__).parent.parent.glob("confluent_kafka.libs/librdkafka-*")
    library = ctypes.CDLL(str(next(iter(found))))
    for function, (result, arguments) in _SIGNATURES.items():
        getattr(library, function).restype = result
        getattr(library, function).argtypes = arguments
    settings = library.rd_kafka_conf_new()
    assert library.rd_kafka_conf_set(settings, b"bootstrap.servers", servers.encode(), None, 0) == 0
    producer = library.rd_kafka_new(0, settings, None, 0)
    headers = library.rd_kafka_headers_new(1)
    assert library.rd_kafka_header_add(headers, name, len(name), b"value", 5) == 0
    arguments = [
        *(c_int(_TOPIC), c_char_p(topic.encode())),
        *(c_int(_PARTITION), c_int32(0)),
        *(c_int(_VALUE), c_char_p(value), c_size_t(len(value))),
        *(c_int(_FLAGS), c_int(_COPY)),
        *(c_int(_HEADERS), c_void_p(headers)),
    ]
    assert library.rd_kafka_producev(c_void_p(producer), *arguments, c_int(_END)) == 0
    assert library.rd_kafka_flush(producer, 20_000) == 0
    library.rd_kafka_destroy(producer)
