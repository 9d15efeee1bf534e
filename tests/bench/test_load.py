"""The sender that webhooks are measured with leaves nothing out."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from bench.load import Load, sender
from bench.webhooks import THOROUGH, _search

pytestmark = pytest.mark.processes
YES = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"


@contextmanager
def server(answer: Callable[[int], bytes | None]) -> Iterator[str]:
    """Answers one request after the other as told; None ends the connection. Yields its address."""
    asked = iter(range(1_000_000))
    with socket.create_server(("127.0.0.1", 0), backlog=1000) as listening:

        def serve(connection: socket.socket) -> None:
            with connection:
                while connection.recv(65536):
                    said = answer(next(asked))
                    if said is None:
                        return
                    connection.sendall(said)

        def accept() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)


def load_of(address: str) -> Load:
    return Load(address, "/x", rate=100, seconds=1, seed=1, subscription_id=1, first_activity=1, owners=(1, 9))


def test_every_event_has_an_answer_or_is_counted_as_unanswered() -> None:
    answers = {0: YES, 1: BUSY, 2: None}
    with server(lambda number: answers[number % 3]) as address, sender() as sending:
        came = sending.send(load_of(address))
    assert came.sent > 50
    assert set(came.statuses) == {200, 503}
    assert came.unanswered > 10
    assert came.statuses.total() + came.unanswered == came.sent
    assert len(came.taken) == came.statuses[200]
    assert came.longest == float("inf")
    assert not came.all_stored


def test_an_answer_that_is_held_back_holds_back_no_other_event_and_its_time_counts() -> None:
    # Nobody is answered until everybody has asked: a sender that waits for answers would never get there.
    everybody, asked = threading.Event(), []
    with sender() as sending:
        with server(lambda _: YES) as address:
            expected = sending.send(load_of(address)).sent

        def wait_for_all(number: int) -> bytes:
            asked.append(number)
            if len(asked) == expected:
                everybody.set()
            assert everybody.wait(20)
            return YES

        with server(wait_for_all) as address:
            came = sending.send(load_of(address))
    assert came.statuses == {200: expected}
    # The first ones waited for the last, which were planned most of a second later.
    assert came.longest > 0.5


@pytest.mark.parametrize("limit", [5, 30, 90, 210, 500, 1100])
def test_the_search_of_the_highest_rate_finds_it_from_below(limit: float) -> None:
    found = found_below(limit)
    assert found < limit
    assert limit < 10 or limit / found < 1.15


def found_below(limit: float) -> float:
    """What the search finds when every rate below the limit is good."""
    search = _search(THOROUGH)
    rate = next(search)
    while True:
        try:
            rate = search.send(rate < limit)
        except StopIteration as end:
            return float(end.value)
