"""The text that SQL hands over about a feed."""

import json

import pytest

from sluice.landing.feed import FeedFormat, Limits, Options

FEED = {"feed": "orders", "columns": {"id": ["id"], "at": ["at", "ts"]}, "key": ["id"]}


def test_what_is_missing_has_its_default() -> None:
    feed = FeedFormat.parse(json.dumps(FEED))
    assert feed == FeedFormat({"id": ("id",), "at": ("at", "ts")}, ("id",), "orders")
    assert (feed.options, feed.limits) == (Options(), Limits())
    assert list(feed.columns) == ["id", "at"]


def test_options_and_limits() -> None:
    given = FEED | {"options": {"encoding": "cp437", "header": False}, "limits": {"max_columns": 7}}
    feed = FeedFormat.parse(json.dumps(given))
    assert (feed.options.encoding, feed.options.header, feed.options.quote) == ("cp437", False, None)
    assert (feed.limits.max_columns, feed.limits.max_raw_bytes) == (7, 16 << 20)


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "[]",
        "not JSON",
        json.dumps(FEED | {"options": {"colour": 1}}),
        json.dumps(FEED | {"limits": {"max_rows": 1}}),
    ],
)
def test_what_is_no_feed_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="."):
        FeedFormat.parse(text)
