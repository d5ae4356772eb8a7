"""Tell a webhook about new alerts: one POST each, retried, and never in the way of a build.

The body is the alert as JSON: id (the same for the same alert, so that a receiver can drop what it gets
twice), ingest_date, alert, feed, severity, observed, threshold, message, file.
"""

import sys
import time
from collections.abc import Callable, Sequence

from tenacity import Retrying, stop_after_attempt, stop_before_delay, wait_random_exponential

from sluice.deadline import within

TOTAL_SECONDS = 10.0
"""What all POSTs of one build may take together; what is left waits for the next build."""
POST_SECONDS = 3.0
ATTEMPTS = 3

Alert = dict[str, object]
Post = Callable[[Alert, float], None]


def send_alerts(url: str, alerts: Sequence[Alert], post: Post | None = None) -> list[str]:
    """Send each alert once, until one is refused for good or the time is used up. Never raises.

    Args:
        url: where to POST.
        alerts: what to send, each with its id.
        post: sends one body within a number of seconds, raises if it could not (tests put another in place).
    Returns: the ids of the alerts that the receiver took (any answer below 300).
    """
    deadline, sent, why = time.monotonic() + TOTAL_SECONDS, [], f"{TOTAL_SECONDS:g} s are used up"
    try:
        send = post or _client(url)
        for alert in alerts:
            left = deadline - time.monotonic()
            if left <= 0:
                break

            def attempt(body: Alert = alert) -> None:
                send(body, min(deadline - time.monotonic(), POST_SECONDS))

            retrying = Retrying(
                stop=stop_after_attempt(ATTEMPTS) | stop_before_delay(left),
                wait=wait_random_exponential(multiplier=0.2, max=1),
                reraise=True,
            )
            retrying(attempt)
            sent.append(str(alert["id"]))
    except Exception as problem:  # whatever it is, the build is not to suffer from it
        why = f"{type(problem).__name__}: {problem}"
    if len(sent) < len(alerts):
        waiting = len(alerts) - len(sent)
        message = f"SLUICE_ALERT_URL: {waiting} of {len(alerts)} alerts wait for the next build ({why})"
        print(message, file=sys.stderr)
    return sent


def _client(url: str) -> Post:
    import httpx  # 0.3 s of every dbt command otherwise

    client = httpx.Client(follow_redirects=False)

    def ask(body: Alert, seconds: float) -> int:
        """The status alone: whatever the receiver has to say beyond it is not read."""
        with client.stream("POST", url, json=body, timeout=seconds) as answer:
            return answer.status_code

    def post(body: Alert, seconds: float) -> None:
        status = within(seconds, lambda: ask(body, seconds))
        if status >= 300:
            raise ValueError(f"it answered {status}")

    return post
