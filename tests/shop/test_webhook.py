"""The webhook: one POST per alert, retried, never for longer than it may take."""

import http.server
import json
import threading

import pytest

from sluice.reports import webhook

ALERTS = [{"id": f"a{number}", "alert": "file_failed"} for number in range(3)]


@pytest.fixture
def receiver():
    """A server that refuses the first POST and takes the others."""
    taken: list[dict] = []
    answers = iter([503])

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            status = next(answers, 204)
            if status == 204:
                taken.append(body)
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", taken
    server.shutdown()
    server.server_close()


def test_every_alert_arrives_once_although_the_first_try_fails(receiver) -> None:
    url, taken = receiver
    assert webhook.send_alerts(url, ALERTS) == ["a0", "a1", "a2"]
    assert taken == ALERTS


def test_a_receiver_that_refuses_ends_it_and_is_told_about(capsys: pytest.CaptureFixture[str]) -> None:
    tries = []

    def refuse(body: dict, seconds: float) -> None:
        tries.append(body["id"])
        raise ValueError("it answered 500")

    assert webhook.send_alerts("http://nowhere", ALERTS, refuse) == []
    assert tries == ["a0"] * webhook.ATTEMPTS
    assert "3 of 3 alerts wait for the next build (ValueError: it answered 500)" in capsys.readouterr().err


def test_the_time_is_limited(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    now = [0.0]
    monkeypatch.setattr(webhook.time, "monotonic", lambda: now[0])

    def slow(body: dict, seconds: float) -> None:
        assert seconds <= webhook.POST_SECONDS
        now[0] += 6

    assert webhook.send_alerts("http://nowhere", ALERTS, slow) == ["a0", "a1"]
    assert "1 of 3 alerts wait" in capsys.readouterr().err


def test_an_address_that_is_none_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert webhook.send_alerts("not an address", ALERTS[:1]) == []
    assert "1 of 1 alerts wait" in capsys.readouterr().err
