"""From produce to queryable, seen from outside: a steady producer, scripts/stream, scripts/watch and scripts/serve, and
one question over HTTP again and again: which of these events are there?"""

import contextlib
import json
import os
import signal
import statistics
import sys
import time
import urllib.parse
from datetime import datetime
from pathlib import Path
from typing import Any

from sluice.bench.running import PATIENCE_SECONDS, cpu_seconds, fetch, peak_mib, running, wait_for
from sluice.bench.streams import FEED, Commands
from sluice.streams.brokers import Broker, free_port

_TOPIC = "bench-fresh"
_EVERY = 500  # of so many events, one is asked for
_ASKED_AT_ONCE = 100
_ASK_SECONDS = 0.2


def _ages(port: int, total: int, rate: int) -> tuple[list[float], int]:
    """Seconds from produce to queryable of each sampled event, in the order they were produced; and how many never
    came. An event carries the time at which it was produced."""
    waiting = [f"event-{number}" for number in range(0, total, _EVERY)]
    ages: dict[str, float] = {}
    give_up = time.monotonic() + total / rate + PATIENCE_SECONDS
    while waiting and time.monotonic() < give_up:
        names = ", ".join(f"'{name}'" for name in waiting[:_ASKED_AT_ONCE])
        sql = f"select event_id, event_at from service_events where event_id in ({names})"
        query = urllib.parse.urlencode({"sql": sql, "_shape": "array"})
        rows = []
        with contextlib.suppress(OSError, ValueError):
            rows = json.loads(fetch(f"http://127.0.0.1:{port}/sluice.json?{query}"))
        now = time.time()
        for row in rows:
            ages[row["event_id"]] = now - datetime.fromisoformat(row["event_at"]).timestamp()
        waiting = [name for name in waiting if name not in ages]
        time.sleep(_ASK_SECONDS)
    return [ages[name] for name in sorted(ages, key=lambda name: int(name.split("-")[1]))], len(waiting)


def _lag(port: int) -> float:
    """Messages that the consumer says have not landed."""
    lines = fetch(f"http://127.0.0.1:{port}/prometheus").decode().splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("sluice_stream_lag_messages{"))


def freshness(broker: Broker, home: Path, rate: int, seconds: int) -> dict[str, Any]:
    """Produce at this rate for so long, and ask over HTTP when events can be queried."""
    commands = Commands(broker, home)
    serve_port, stream_port = free_port(), free_port()
    python, environment = [sys.executable, "-m"], commands.environment
    watching = running([*python, "sluice.watch"], environment, home / "watch.log")
    serving = running([*python, "sluice.serve", "--port", str(serve_port)], environment, home / "serve.log")
    with watching as watch, serving as serve:
        wait_for(f"http://127.0.0.1:{serve_port}/sluice/service_events.json", "scripts/serve")
        consumer = commands.start(
            "consume", _TOPIC, "--log-level", "warning", "--prometheus-port", str(stream_port)
        )
        time.sleep(5)
        total = rate * seconds
        before = {name: cpu_seconds(process) for name, process in (("watch", watch), ("stream", consumer))}
        producer = commands.start("produce", _TOPIC, "--rate", str(rate), "--count", str(total))
        ages, missing = _ages(serve_port, total, rate)
        producer.wait()
        result = {
            "rate": rate,
            "seconds": seconds,
            "asked_for": len(ages) + missing,
            "never_came": missing,
            **summary(ages),
            "lag_messages_at_end": _lag(stream_port),
            "watch_cpu_seconds": round(cpu_seconds(watch) - before["watch"], 1),
            "stream_cpu_seconds": round(cpu_seconds(consumer) - before["stream"], 1),
            "watch_peak_mib": peak_mib(watch),
            "stream_peak_mib": peak_mib(consumer),
            "serve_peak_mib": peak_mib(serve),
            "load_average": round(os.getloadavg()[0], 1),
            "landed_files": len(list((home / "landing" / FEED).glob("ingest_date=*/*.csv"))),
        }
        consumer.send_signal(signal.SIGTERM)
        consumer.wait()
    commands.close()
    return result


def summary(ages: list[float]) -> dict[str, float]:
    """Percentiles of all, and of the first and the last third: a growing lag shows in them."""
    third = max(1, len(ages) // 3)

    def p95(values: list[float]) -> float:
        return round(sorted(values)[int(len(values) * 0.95)], 2)

    return {
        "p50_seconds": round(statistics.median(ages), 2),
        "p95_seconds": p95(ages),
        "p95_seconds_of_first_third": p95(ages[:third]),
        "p95_seconds_of_last_third": p95(ages[-third:]),
        "longest_seconds": round(max(ages), 2),
    }
