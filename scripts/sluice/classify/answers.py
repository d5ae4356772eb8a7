"""What the service said, judged: nothing leaves this module as a category that was not given, by name, to
its own id."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import orjson

Status = Literal["classified", "failed", "pending"]
Kind = Literal["ok", "refused", "unusable", "unavailable"]

REFUSALS = frozenset({400, 413, 422})
"""The service read the request and will not have it: asking the same again is pointless."""

UNUSABLE = frozenset({500})
"""The service fell over something; perhaps over one transaction."""

MAX_ERROR = 300


class Answer(NamedTuple):
    """What one run found out about one transaction."""

    id: str
    status: Status
    """`classified`; `failed`: the service could not, or not properly, answer for this transaction;
    `pending`: not asked, or no fault of this transaction's."""
    category: str | None
    model_version: str | None
    error: str | None
    attempts: int
    """Requests of this run that contained this transaction."""


@dataclass(frozen=True)
class Reply:
    """An HTTP answer, unjudged."""

    status: int
    body: bytes
    model_version: str | None = None
    retry_after: float | None = None


@dataclass(frozen=True)
class Verdict:
    """A reply, judged. For `ok`, `categories` holds one entry per id; null where only that one cannot be
    used."""

    kind: Kind
    categories: list[str | None] = field(default_factory=list)
    error: str | None = None
    model_version: str | None = None
    retry_after: float | None = None


def clip(text: str) -> str:
    """An error text fit for a table: one line, not too long."""
    line = " ".join(text.split())
    return line if len(line) <= MAX_ERROR else line[: MAX_ERROR - 1] + "…"


def judge(reply: Reply, ids: Sequence[str], known: frozenset[str]) -> Verdict:
    """Judge a reply to a request for `ids`. Used are only answers that are a list with one item for each of
    these ids, in any order; of these, only categories that are known."""
    if reply.status != 200:
        return _judge_status(reply)
    try:
        items = orjson.loads(reply.body)
    except orjson.JSONDecodeError as problem:
        return _lie(f"the answer is not JSON: {problem}")
    if not isinstance(items, list):
        return _lie(f"the answer is not a list but {_name(items)}")
    if len(items) != len(ids):
        return _lie(f"the answer has {len(items)} items for {len(ids)} transactions")
    if (categories := _all_sound(items, ids, known)) is not None:
        return Verdict("ok", categories, model_version=reply.model_version)
    return _judge_items(items, ids, known, reply.model_version)


def _all_sound(items: Sequence[Any], ids: Sequence[str], known: frozenset[str]) -> list[str | None] | None:
    """The categories when nothing at all is wrong, the usual case, in a few passes at the speed of C."""
    try:
        if [item["id"] for item in items] != ids:
            return None
        categories: list[str | None] = [item["category"] for item in items]
        return categories if known.issuperset(categories) else None
    except (TypeError, KeyError):
        return None


def _judge_items(
    items: Sequence[Any], ids: Sequence[str], known: frozenset[str], model_version: str | None
) -> Verdict:
    categories: list[str | None] = []
    unknown: str | None = None
    asked = Counter(ids)
    given: dict[str, list[Any]] = {}
    for index, item in enumerate(items):
        if not isinstance(item, dict):
            return _lie(f"item {index} of the answer is not an object but {_name(item)}")
        said = item.get("id")
        if not isinstance(said, str) or said not in asked:
            return _lie(f"item {index} of the answer has id {said!r}, which was not asked for")
        given.setdefault(said, []).append(item.get("category"))
        if len(given[said]) > asked[said]:
            return _lie(f"item {index} of the answer has id {said!r} once more")
    for category in (given[one].pop(0) for one in ids):
        if isinstance(category, str) and category in known:
            categories.append(category)
        else:
            categories.append(None)
            unknown = unknown or f"unknown category {category!r}"
    error = clip(unknown) if unknown else None
    if categories and not any(categories):
        return Verdict("unusable", categories, error=error, model_version=model_version)
    return Verdict("ok", categories, error=error, model_version=model_version)


def _judge_status(reply: Reply) -> Verdict:
    said = reply.body[:500].decode("utf-8", "replace").strip()
    error = clip(f"HTTP {reply.status}" + (f": {said}" if said else ""))
    if reply.status in REFUSALS:
        return Verdict("refused", error=error)
    if reply.status in UNUSABLE:
        return Verdict("unusable", error=error, retry_after=reply.retry_after)
    return Verdict("unavailable", error=error, retry_after=reply.retry_after)


def _lie(error: str) -> Verdict:
    return Verdict("unusable", error=clip(error))


def _name(value: object) -> str:
    return "null" if value is None else f"a {type(value).__name__}"
