"""Settings refuse what cannot work, by name."""

import pytest

from sluice.classify import Settings


def test_settings_come_from_a_mapping() -> None:
    made = Settings.of({"batch_size": 200, "timeout": 3, "breaker_waits": [1, 2]})
    assert (made.batch_size, made.timeout, made.breaker_waits) == (200, 3, (1, 2))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("batch_size", 0),
        ("in_flight", 1.5),
        ("attempts", True),
        ("timeout", 0),
        ("timeout", float("nan")),
        ("max_seconds", "10"),
        ("backoff", -1),
        ("breaker_waits", []),
        ("breaker_waits", [-1]),
        ("patience", 0),
    ],
)
def test_an_impossible_setting_is_named(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"classification setting {name} is "):
        Settings.of({name: value})


def test_an_unknown_setting_is_named() -> None:
    with pytest.raises(ValueError, match="unknown classification setting batchsize; known are attempts"):
        Settings.of({"batchsize": 3})
