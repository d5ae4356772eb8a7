"""Which topics and partitions Pulsar has, and how far a subscription is behind."""

import fnmatch
import json
import re
import urllib.request
from typing import Any

import pulsar

from sluice.streams.names import PULSAR_SCHEME

_SECONDS = 5.0
_PARTITION = re.compile(r"-partition-(\d+)$")


def full_name(topic: str) -> str:
    """persistent://tenant/namespace/topic for any short form."""
    if "://" in topic:
        return topic
    return PULSAR_SCHEME + (topic if topic.count("/") == 2 else f"public/default/{topic}")


def split(name: str) -> tuple[str, int]:
    """(topic, partition) of a partition's name; a topic without partitions is its own partition 0."""
    match = _PARTITION.search(name)
    return (name[: match.start()], int(match[1])) if match else (name, 0)


def _get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=_SECONDS) as answer:
        return json.load(answer)


def matching(names: list[str], pattern: str) -> list[str]:
    """The topics that a pattern means; Pulsar's own are left out."""
    wanted = full_name(pattern)
    return sorted(name for name in names if fnmatch.fnmatchcase(name, wanted) and "/__" not in name)


def partitions(client: pulsar.Client, topics: list[str], admin_url: str | None) -> list[str]:
    """The names of all partitions of these topics and patterns. Raises OSError, PulsarException,
    ValueError."""
    names: set[str] = set()
    for topic in topics:
        if not re.search(r"[*?]", topic):
            names.update(client.get_topic_partitions(full_name(topic)))
            continue
        if not admin_url:
            raise ValueError(
                f"the pattern {topic!r} needs --admin-url: only Pulsar's web service lists topics"
            )
        tenant, namespace, _ = full_name(topic).removeprefix(PULSAR_SCHEME).split("/", 2)
        base = f"{admin_url}/admin/v2/persistent/{tenant}/{namespace}"
        whole = {split(name)[0] for name in _get(base)} | set(_get(f"{base}/partitioned"))
        for name in matching(sorted(whole), topic):
            names.update(client.get_topic_partitions(name))
    return sorted(names)


def backlog(admin_url: str, name: str, subscription: str) -> int | None:
    """Messages of a partition that the subscription has not acknowledged; None when the web service does
    not tell."""
    path = name.removeprefix(PULSAR_SCHEME)
    try:
        stats = _get(f"{admin_url}/admin/v2/persistent/{path}/stats?getPreciseBacklog=true")
        return int(stats["subscriptions"][subscription]["msgBacklog"])
    except (OSError, KeyError, ValueError):
        return None
