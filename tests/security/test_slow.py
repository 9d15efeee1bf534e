"""Slow senders, slow readers, oversized and ambiguous requests: the real web server with real sockets, one for all tests."""

from __future__ import annotations

import http.client
import json
import os
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

from adductor.settings import load
from adductor.store import Store, migrate
from service.server import MOST_HEAD_BYTES
from service.supervisor import free_port

pytestmark = pytest.mark.processes

# The server as it is in life, but for shorter deadlines, smaller numbers, and four pages of the tests' own.
_SERVE = """
import json, time
from werkzeug.wrappers import Response
from adductor import logs
from adductor.settings import load
from service import server

server.REQUEST_WITHIN_S, server.ANSWER_WITHIN_S, server.MOST_WAITING = 4.0, 6.0, 12
server.BUSY_CONNECTIONS, server.MOST_CONNECTIONS = 650, 700

def application():
    bridge = server.application()
    site = bridge._wsgi

    def with_pages_of_the_tests(environ, start_response):
        if environ["PATH_INFO"] == "/huge":
            return Response(b"x" * 8_000_000)(environ, start_response)
        if environ["PATH_INFO"] == "/long":
            time.sleep(3)
            return Response("done")(environ, start_response)
        if environ["PATH_INFO"] == "/environ":
            seen = {name: value for name, value in environ.items() if isinstance(value, str)}
            return Response(json.dumps(seen))(environ, start_response)
        return site(environ, start_response)

    bridge._wsgi = with_pages_of_the_tests
    return bridge

logs.configure("json", "web")
server.serve(load(), application)
"""
LIMIT_S = 40.0  # for whatever must come; nothing measures how soon


@dataclass
class Server:
    """A running web server."""

    port: int
    webhook: str
    process: subprocess.Popen[bytes]

    def connect(self, *, receive_bytes: int | None = None) -> socket.socket:
        made = socket.socket()
        if receive_bytes is not None:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        made.settimeout(LIMIT_S)
        made.connect(("127.0.0.1", self.port))
        return made

    def send(self, data: bytes) -> socket.socket:
        made = self.connect()
        made.sendall(data)
        return made

    def ask(self, path: str = "/healthz", method: str = "GET") -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT_S)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            answer.content = answer.read()  # type: ignore[attr-defined]
            return answer
        finally:
            connection.close()

    def statuses(self, count: int = 5) -> list[int]:
        return [self.ask().status for _ in range(count)]


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


@contextmanager
def _serve(folder: Path) -> Iterator[Server]:
    port = free_port()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("ADDUCTOR_", "STRAVA_"))},
        "ADDUCTOR_DATA_DIR": str(folder),
        "ADDUCTOR_BIND": f"127.0.0.1:{port}",
    }
    settings = load(_env_file=None, ADDUCTOR_DATA_DIR=folder)
    store = Store(settings.database)
    migrate.upgrade(store)
    store.close()
    log = folder / "web.log"
    with log.open("wb") as output:
        process = subprocess.Popen([sys.executable, "-c", _SERVE], env=environment, stdout=output, stderr=output)
    server = Server(port, f"/webhooks/strava/{settings.webhook_key}", process)

    def up() -> bool:
        assert process.poll() is None, log.read_text()
        try:
            return server.ask().status == 200
        except OSError:
            return False

    try:
        _until(up)
        yield server
    finally:
        process.terminate()
        assert process.wait(30) == 0
        assert "Traceback" not in log.read_text()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with _serve(tmp_path_factory.mktemp("web")) as running:
        yield running


_HALF = (
    b"POST /webhooks/strava/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{",
    b"POST /webhooks/strava/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
    b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ",
    b"GE",
    b"",
)


def test_600_slow_senders_starve_nobody_and_are_cut(server: Server) -> None:
    """300 with half a body, 300 with half a head or nothing."""
    waiting = [server.send(half) for half in _HALF[:2] for _ in range(150)]
    waiting += [server.send(half) for half in _HALF[2:] for _ in range(100)]

    assert server.statuses() == [200] * 5
    answers = [_answer(sock) for sock in waiting]

    assert all(answer.startswith(b"HTTP/1.1 408 ") for answer in answers[:300])
    assert answers[300:] == [b""] * 300
    assert server.statuses() == [200] * 5


@pytest.mark.parametrize("half", _HALF[:4])
def test_trickled_bytes_win_no_time(server: Server, half: bytes) -> None:
    sock = server.send(half)
    sock.settimeout(0.1)
    give_up_at = time.monotonic() + LIMIT_S
    try:
        while time.monotonic() < give_up_at:
            try:
                sock.sendall(b"0")
                if not sock.recv(1000):
                    return
            except TimeoutError:
                continue
    except OSError:
        return
    finally:
        sock.close()
    pytest.fail("the connection was not cut")


def test_slow_readers_hold_no_thread_and_are_cut(server: Server) -> None:
    waiting = [server.connect(receive_bytes=2048) for _ in range(30)]
    for sock in waiting:
        sock.sendall(b"GET /huge HTTP/1.1\r\nHost: x\r\n\r\n")

    # Up to twelve requests may be at hand at a time; nobody reads a byte of their answers.
    _until(lambda: server.statuses() == [200] * 5)

    # The kernel may still hold what it has taken; the server has closed all of them.
    _until(lambda: len(psutil.Process(server.process.pid).net_connections("tcp")) < len(waiting))
    for sock in waiting:
        sock.close()


def test_clients_that_never_hang_up_starve_nobody(server: Server) -> None:
    request = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    waiting = []
    for _ in range(30):
        waiting.append(server.send(request))
        assert waiting[-1].recv(12) == b"HTTP/1.1 200"

    assert server.statuses() == [200] * 5
    for sock in waiting:
        _answer(sock)


def test_too_many_waiting_requests_are_shed_at_once(server: Server) -> None:
    """Eight threads, twelve requests at hand: the others are told to come again while those still run."""
    waiting = [server.send(b"GET /long HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") for _ in range(40)]

    answers = [_answer(sock) for sock in waiting]

    shed = [answer for answer in answers if answer.startswith(b"HTTP/1.1 503 ")]
    assert len([answer for answer in answers if answer.startswith(b"HTTP/1.1 200 ")]) == len(answers) - len(shed) >= 12
    assert shed
    assert all(b"retry-after: 5" in answer and answer.endswith(b'{"error":"Service Unavailable"}') for answer in shed)
    assert server.ask().status == 200


def test_too_many_connections_get_503_until_the_idle_ones_are_cut(server: Server) -> None:
    waiting = [server.connect() for _ in range(660)]
    try:
        assert server.ask().status == 503
        _until(lambda: server.ask().status == 200)
    finally:
        for sock in waiting:
            sock.close()


_CHUNKED = b"POST /sign-out HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
_CHUNK = b"8000\r\n" + b"x" * 0x8000 + b"\r\n"


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"POST /webhooks/strava/x HTTP/1.1\r\nHost: x\r\nContent-Length: 65537\r\n\r\n", 413),
        (b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999999999999\r\n\r\n", 413),
        (_CHUNKED + _CHUNK * 3, 413),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * MOST_HEAD_BYTES * 2, 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * MOST_HEAD_BYTES, 400),
        (b"GET /" + b"y" * MOST_HEAD_BYTES * 2, 400),
    ],
    ids=["length", "huge length", "chunks", "header", "headers", "line"],
)
def test_oversized_requests_are_refused(server: Server, data: bytes, status: int) -> None:
    sock = server.connect()
    try:
        sock.sendall(data)
    except OSError:  # refused while it was still being sent
        return

    assert _answer(sock)[:13] in (f"HTTP/1.1 {status} ".encode(), b"")


@pytest.mark.parametrize(
    "rest",
    [
        b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"Content-Length: +5\r\n\r\nabcde",
        b"Content-Length : 5\r\n\r\nabcde",
        b"Transfer-Encoding: chunked\r\n\r\n-5\r\nabcde\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nabcdefgh\r\n0\r\n\r\n",
        b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"Content-Length: 9999999999999999999999\r\n\r\n",
        b"Host: y\r\nContent-Length: 0\r\n\r\n",
        b"X: \x00\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_ambiguous_framing_is_refused(server: Server, rest: bytes) -> None:
    """No part of one request becomes another's."""
    answer = _answer(server.send(f"POST {server.webhook} HTTP/1.1\r\nHost: x\r\n".encode() + rest))

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 ") == 1


def test_raw_bytes_in_a_query_are_refused(server: Server) -> None:
    answer = _answer(server.send(b"GET /connect/strava/callback?state=\xff HTTP/1.1\r\nHost: x\r\n\r\n"))

    assert answer.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("size", [1, 7, 100, 10_000])
def test_requests_in_any_pieces_are_read_all_the_same(server: Server, size: int) -> None:
    head = f"POST {server.webhook} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n".encode()
    chunks = b"1\r\n{\r\n12d;x=y\r\n}" + b" " * 300 + b"\r\n0\r\nX-Trailer: x\r\n\r\n"
    for data in (
        head + b"Content-Length: 302\r\n\r\n{}" + b" " * 300,
        head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks,
    ):
        sock = server.connect()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start in range(0, len(data), size):
            sock.sendall(data[start : start + size])
        answer = _answer(sock)
        assert answer.startswith(b"HTTP/1.1 400 "), answer
        assert b"subscription_id" in answer


def test_pipelined_requests_are_answered_in_order(server: Server) -> None:
    one = f"POST {server.webhook} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{{}}".encode()
    last = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

    answer = _answer(server.send(one * 3 + last))

    assert [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]] == [b"400", b"400", b"400", b"200"]


def test_expect_continue_is_answered(server: Server) -> None:
    head = f"POST {server.webhook} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n"
    sock = server.send(f"{head}Connection: close\r\n\r\n".encode())
    assert sock.recv(100).startswith(b"HTTP/1.1 100 ")

    sock.sendall(b"{}")

    assert b"HTTP/1.1 400 " in _answer(sock)


def test_http_1_0_and_keep_alive_and_head_work(server: Server) -> None:
    assert _answer(server.send(b"GET /healthz HTTP/1.0\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=LIMIT_S)
    for method in ("GET", "HEAD", "GET"):
        connection.request(method, "/privacy")
        answer = connection.getresponse()
        assert (answer.status, len(answer.read()) > 1000) == (200, method == "GET")
        assert int(answer.headers["Content-Length"]) > 1000
    connection.close()


def test_no_header_tells_the_server_where_it_stands(server: Server) -> None:
    """Nor does a name with an underscore pass for the one with a hyphen that a proxy sets."""
    names = ("Script-Name", "SCRIPT_NAME", "X-Forwarded-Proto", "X_Forwarded_For", "X-Forwarded-For")
    headers = "".join(f"{name}: /evil\r\n" for name in names)

    answer = _answer(server.send(f"GET /environ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n".encode()))

    seen = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert (seen["SCRIPT_NAME"], seen["wsgi.url_scheme"], seen["REMOTE_ADDR"]) == ("", "http", "127.0.0.1")
    assert seen["HTTP_X_FORWARDED_FOR"] == "/evil"  # once


def test_sigterm_lets_requests_finish_and_refuses_new_connections(tmp_path: Path) -> None:
    with _serve(tmp_path) as server:
        waiting = [server.send(b"GET /long HTTP/1.1\r\nHost: x\r\n\r\n") for _ in range(6)]
        idle = server.send(_HALF[2])
        assert server.ask().status == 200  # so all six are at hand

        server.process.send_signal(signal.SIGTERM)

        assert _answer(idle) == b""
        with pytest.raises(OSError):  # noqa: PT011 - refused or reset
            server.ask()
        assert [_answer(sock).endswith(b"done") for sock in waiting] == [True] * 6
        assert server.process.wait(30) == 0
