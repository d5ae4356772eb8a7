"""The webhook: one POST per alert, retried, never for longer than it may take."""

import http.server
import json
import threading
import time
from collections.abc import Callable

import pytest

from sluice.deliver.reports import webhook

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


def _drip_head(request: http.server.BaseHTTPRequestHandler) -> None:
    _drip(request, b"H")


def _drip_body(request: http.server.BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.end_headers()
    _drip(request, b" ")


def _drip(request: http.server.BaseHTTPRequestHandler, part: bytes) -> None:
    for _ in range(1_000):
        try:
            request.wfile.write(part)
        except OSError:
            return
        time.sleep(0.1)


def _flood(request: http.server.BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.end_headers()
    for _ in range(10_000):
        try:
            request.wfile.write(b" " * 1_000_000)
        except OSError:
            return


def _redirect(request: http.server.BaseHTTPRequestHandler) -> None:
    request.send_response(307)
    request.send_header("location", f"http://{request.headers['host']}/elsewhere")
    request.end_headers()


@pytest.mark.parametrize(
    ("answer", "is_taken"), [(_drip_head, False), (_drip_body, True), (_flood, True), (_redirect, False)]
)
def test_whatever_the_receiver_answers_a_build_goes_on(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answer: Callable[[http.server.BaseHTTPRequestHandler], None],
    is_taken: bool,
) -> None:
    """One byte now and then begins every wait for a byte again; only a limit for the whole ends it."""
    monkeypatch.setattr(webhook, "TOTAL_SECONDS", 2.0)
    monkeypatch.setattr(webhook, "POST_SECONDS", 0.5)
    paths = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            paths.append(self.path)
            self.rfile.read(int(self.headers["content-length"]))
            answer(self)
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    began = time.monotonic()
    sent = webhook.send_alerts(f"http://127.0.0.1:{server.server_port}/hook", ALERTS)
    assert time.monotonic() - began < 5
    server.shutdown()
    assert sent == (["a0", "a1", "a2"] if is_taken else [])
    assert set(paths) == {"/hook"}
    assert is_taken or "3 of 3 alerts wait for the next build" in capsys.readouterr().err
