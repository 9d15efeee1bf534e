"""The load generator leaves no event out."""

from __future__ import annotations

import itertools
import math
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from bench.load import Answers, send
from bench.servers import Server
from bench.webhooks import STEP, Target

YES = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"


class Listening(socketserver.ThreadingTCPServer):
    request_queue_size = 1000
    daemon_threads = True


@contextmanager
def server(answer: Callable[[int], bytes | None]) -> Iterator[Server]:
    """Answer request after request as told; None ends the connection."""
    asked = itertools.count()

    class Connection(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            while self.request.recv(65536) and (said := answer(next(asked))) is not None:
                self.request.sendall(said)

    with Listening(("127.0.0.1", 0), Connection) as listening:
        threading.Thread(target=listening.serve_forever, args=(0.01,), daemon=True).start()
        yield Server(f"127.0.0.1:{listening.server_address[1]}", "/x", None)  # type: ignore[arg-type]
        listening.shutdown()


def send_to(target: Server) -> Answers:
    return send(target, rate=100, seconds=1, seed=1, first=1)


def test_send_every_event_is_answered_or_counted_as_unanswered() -> None:
    answers = {0: YES, 1: BUSY, 2: None}
    with server(lambda number: answers[number % 3]) as target:
        came = send_to(target)

    assert came.sent > 50
    assert set(came.statuses) == {200, 503}
    assert came.unanswered > 10
    assert came.statuses.total() + came.unanswered == came.sent
    assert came.within(1) == math.inf
    assert not came.all_stored


def test_send_held_back_answers_hold_back_no_other_event() -> None:
    with server(lambda _: YES) as target:
        expected = send_to(target).sent
    everybody, asked = threading.Event(), []

    def wait_for_all(number: int) -> bytes:
        asked.append(number)
        if len(asked) == expected:
            everybody.set()
        assert everybody.wait(20)
        return YES

    with server(wait_for_all) as target:
        came = send_to(target)

    assert came.statuses == {200: expected}
    # The first ones waited for the last, which were planned most of a second later.
    assert came.within(1) > 0.5


@pytest.mark.parametrize(("limit", "found"), [(50, 0.0), (101, 100.0), (500, 100 * STEP**4)])
def test_highest_rate_is_found_from_below(limit: float, found: float) -> None:
    class Made(Target):
        def send(self, rate: float, seconds: float) -> Answers:
            return Answers(sent=1, statuses={200 if rate < limit else 503: 1}, answered_s=[0.001])  # type: ignore[arg-type]

    assert Made(None).highest_rate(1.0) == pytest.approx(found)  # type: ignore[arg-type]
