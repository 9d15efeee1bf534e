"""Slow senders, slow readers, oversized and ambiguous requests: the real web server with real sockets, one for all tests."""

from __future__ import annotations

import json
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from service.server import MOST_HEAD_BYTES
from service.supervisor import free_port
from tests.support.live import clean_environment

pytestmark = pytest.mark.processes

# The server as it is in life, but for shorter deadlines, smaller numbers, and three pages of the tests' own.
_SERVE = """
import json, sys, time
from pathlib import Path
from werkzeug.wrappers import Response
from adductor import logs
from adductor.settings import load
from adductor.store import Store, migrate
from service import server

server.REQUEST_WITHIN_S, server.ANSWER_WITHIN_S, server.MOST_WAITING = 4.0, 30.0, 12
server.BUSY_CONNECTIONS, server.MOST_CONNECTIONS = 650, 700

def application():
    bridge = server.application()
    site = bridge._wsgi

    def with_pages_of_the_tests(environ, start_response):
        answer = site
        if environ["PATH_INFO"] == "/huge":
            answer = Response(b"x" * 8_000_000)
        if environ["PATH_INFO"] == "/long":
            while not Path(sys.argv[1]).exists():
                time.sleep(0.02)
            answer = Response("done")
        if environ["PATH_INFO"] == "/environ":
            seen = {name: value for name, value in environ.items() if isinstance(value, str)}
            answer = Response(json.dumps({**seen, "at hand": bridge._waiting}))
        return answer(environ, start_response)

    bridge._wsgi = with_pages_of_the_tests
    return bridge

logs.configure("json", "web")
migrate.upgrade(Store(load().database))
server.serve(load(), application)
"""
LIMIT_S = 120.0  # for whatever must come; nothing measures how soon


@dataclass
class Server:
    """A running web server. Its page /long answers when ``gate`` exists."""

    port: int
    process: subprocess.Popen[bytes]
    gate: Path

    def send(self, data: bytes, **options: int) -> socket.socket:
        """A connection that has sent this; ``options`` of the socket by their names in C."""
        made = socket.socket()
        made.settimeout(LIMIT_S)
        for name, value in options.items():
            made.setsockopt(socket.SOL_SOCKET, getattr(socket, name), value)
        made.connect(("127.0.0.1", self.port))
        made.sendall(data)
        return made

    def status(self) -> int:
        return int(_answer(self.send(_HEALTH))[9:12])

    def statuses(self) -> list[int]:
        return [self.status() for _ in range(5)]

    def environ(self, headers: str = "") -> dict[str, str | int]:
        """The WSGI environment of a request with these headers, and how many requests are at hand."""
        request = f"GET /environ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n"
        seen: dict[str, str | int] = json.loads(_answer(self.send(request.encode())).partition(b"\r\n\r\n")[2])
        return seen


def _answer(sock: socket.socket) -> bytes:
    """Everything that comes until the other side ends."""
    received = b""
    try:
        while piece := sock.recv(65536):
            received += piece
    except ConnectionResetError:
        pass
    sock.close()
    return received


def _until(true: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + LIMIT_S
    while not true():
        assert time.monotonic() < give_up_at
        time.sleep(0.02)


@contextmanager
def _serve(folder: Path) -> Iterator[Server]:
    port, gate, log = free_port(), folder / "gate", folder / "web.log"
    environment = {**clean_environment(), "ADDUCTOR_DATA_DIR": str(folder), "ADDUCTOR_BIND": f"127.0.0.1:{port}"}
    with log.open("wb") as output:
        command = [sys.executable, "-c", _SERVE, str(gate)]
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    server = Server(port, process, gate)

    def up() -> bool:
        assert process.poll() is None, log.read_text()
        try:
            return server.status() == 200
        except (OSError, ValueError):  # refused, or cut
            return False

    try:
        _until(up)
        yield server
    finally:
        process.terminate()
        assert process.wait(LIMIT_S) == 0
        assert "Traceback" not in log.read_text()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with _serve(tmp_path_factory.mktemp("web")) as running:
        yield running


_HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
_LONG = b"GET /long HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
_HALF = {
    "body": b"POST /webhooks/strava/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{",
    "chunk": b"POST /webhooks/strava/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
    "head": b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ",
    "line": b"GE",
    "nothing": b"",
}


def test_600_slow_senders_starve_no_request_and_are_cut(server: Server) -> None:
    """300 with half a body, 300 with half a head or nothing."""
    waiting = [server.send(_HALF[half]) for half in ("body", "chunk") for _ in range(150)]
    waiting += [server.send(_HALF[half]) for half in ("head", "line", "nothing") for _ in range(100)]

    assert server.statuses() == [200] * 5
    answers = [_answer(sock) for sock in waiting]

    assert all(answer.startswith(b"HTTP/1.1 408 ") for answer in answers[:300])
    assert answers[300:] == [b""] * 300
    assert server.statuses() == [200] * 5


def test_trickled_bytes_win_no_time(server: Server) -> None:
    trickling = [server.send(half) for half in _HALF.values() if half]

    def all_cut() -> bool:
        readable, _, _ = select.select(trickling, [], [], 0.1)
        for sock in trickling.copy():
            try:
                if sock in readable and not sock.recv(1000):
                    trickling.remove(sock)
                else:
                    sock.sendall(b"0")
            except OSError:
                trickling.remove(sock)
        return not trickling

    _until(all_cut)


@pytest.mark.parametrize(
    ("sent", "reads"), [(b"GET /huge HTTP/1.1\r\nHost: x\r\n\r\n", 0), (_HEALTH, 12)], ids=["never read", "left open"]
)
def test_clients_that_never_read_or_hang_up_starve_none_and_are_cut(server: Server, sent: bytes, reads: int) -> None:
    waiting = [server.send(sent, SO_RCVBUF=2048) for _ in range(30)]
    assert {sock.recv(reads) for sock in waiting} <= {b"", b"HTTP/1.1 200", b"HTTP/1.1 503"}

    # Up to twelve requests may be at hand at a time; no client reads a byte of their answers.
    _until(lambda: server.statuses() == [200] * 5)

    # The kernel may still hold what it has taken; the server has closed all of them.
    _until(lambda: len(psutil.Process(server.process.pid).net_connections("tcp")) < len(waiting))
    for sock in waiting:
        sock.close()


def test_too_many_waiting_requests_are_shed_at_once(server: Server) -> None:
    """Eight threads, twelve requests at hand: the others are answered while those still run."""
    waiting = [server.send(_LONG) for _ in range(40)]
    _until(lambda: len(select.select(waiting, [], [], 0.1)[0]) == 28)

    shed = select.select(waiting, [], [])[0]
    refusals = [_answer(sock) for sock in shed]
    server.gate.touch()

    assert all(refusal.startswith(b"HTTP/1.1 503 ") and b"retry-after: 5" in refusal for refusal in refusals)
    assert [_answer(sock)[-4:] for sock in waiting if sock not in shed] == [b"done"] * 12


def test_too_many_connections_get_503_until_the_idle_ones_are_cut(server: Server) -> None:
    idle = [server.send(b"") for _ in range(660)]
    _until(lambda: server.status() == 503)
    _until(lambda: server.status() == 200)
    assert {_answer(sock) for sock in idle} == {b""}


_EVENT = b"POST /webhooks/strava/x HTTP/1.1\r\nHost: x\r\n"
_CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"


_GET = b"GET / HTTP/1.1\r\nHost: x\r\n"
_OVERSIZED = [
    (_EVENT + b"Content-Length: 65537\r\n\r\n", 413),
    (_EVENT + b"Content-Length: 999999999999999999\r\n\r\n", 413),
    (_EVENT + _CHUNKED + (b"8000\r\n" + b"x" * 0x8000 + b"\r\n") * 3, 413),
    (_GET + b"X: " + b"y" * MOST_HEAD_BYTES * 2, 400),
    (_GET + b"X: y\r\n" * MOST_HEAD_BYTES, 400),
    (b"GET /" + b"y" * MOST_HEAD_BYTES * 2, 400),
]
_AMBIGUOUS = [
    _EVENT + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
    _EVENT + b"Content-Length: 5\r\n" + _CHUNKED + b"0\r\n\r\n",
    _EVENT + b"Content-Length: +5\r\n\r\nabcde",
    _EVENT + b"Content-Length : 5\r\n\r\nabcde",
    _EVENT + _CHUNKED + b"-5\r\nabcde\r\n0\r\n\r\n",
    _EVENT + _CHUNKED + b"5\r\nabcdefgh\r\n0\r\n\r\n",
    _EVENT + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    _EVENT + b"Content-Length: 9999999999999999999999\r\n\r\n",
    _EVENT + b"Host: y\r\nContent-Length: 0\r\n\r\n",
    _EVENT + b"X: \x00\r\nContent-Length: 0\r\n\r\n",
    b"GET /connect/strava/callback?state=\xff HTTP/1.1\r\nHost: x\r\n\r\n",
]


def test_oversized_requests_are_refused(server: Server) -> None:
    for data, status in _OVERSIZED:
        try:
            answer = _answer(server.send(data))
        except OSError:  # refused while it was still being sent
            continue
        assert answer[:13] in (f"HTTP/1.1 {status} ".encode(), b""), data[:80]


def test_ambiguous_framing_and_raw_bytes_are_refused(server: Server) -> None:
    """No part of one request becomes another's."""
    for data in _AMBIGUOUS:
        answer = _answer(server.send(data))
        assert (answer[:13], answer.count(b"HTTP/1.1 ")) == (b"HTTP/1.1 400 ", 1), data


def test_no_header_tells_the_server_where_it_stands(server: Server) -> None:
    """Nor does a name with an underscore pass for the one with a hyphen that a proxy sets."""
    names = ("Script-Name", "SCRIPT_NAME", "X-Forwarded-Proto", "X_Forwarded_For", "X-Forwarded-For")
    seen = server.environ("".join(f"{name}: /evil\r\n" for name in names))
    assert (seen["SCRIPT_NAME"], seen["wsgi.url_scheme"], seen["REMOTE_ADDR"]) == ("", "http", "127.0.0.1")
    assert seen["HTTP_X_FORWARDED_FOR"] == "/evil"  # once


def test_sigterm_lets_requests_finish_and_refuses_new_connections(tmp_path: Path) -> None:
    with _serve(tmp_path) as server:
        waiting = [server.send(_LONG) for _ in range(6)]
        idle = server.send(_HALF["head"])
        _until(lambda: server.environ()["at hand"] == 7)

        server.process.send_signal(signal.SIGTERM)

        assert _answer(idle) == b""
        with pytest.raises((OSError, ValueError)):
            server.status()
        server.gate.touch()
        assert [_answer(sock)[-4:] for sock in waiting] == [b"done"] * 6
        assert server.process.wait(LIMIT_S) == 0
