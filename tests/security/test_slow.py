"""Slow senders, slow readers and oversized requests, against the real web server with real sockets."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from adductor.settings import load
from adductor.store import Store, migrate
from service.gathering import MOST_HEAD_BYTES, Gathered, TooLargeError
from service.supervisor import free_port

# As it is in life, but for shorter patience and fewer places, so that the tests need neither minutes nor a thousand sockets.
_SERVE = """
from adductor import logs
from adductor.settings import load
from service import gathering, server
gathering.REQUEST_WITHIN_S = float(%r)
gathering.ANSWERED_WITHIN_S = float(%r)
server.PLACES = 60
queue = %r
if queue is not None:
    gathering.MOST_QUEUED, gathering.QUEUED_WITHIN_S = queue, 60.0
if %r:
    import time
    from werkzeug.wrappers import Request, Response
    over = []  # the huge answers that keep no thread any more

    @Request.application
    def answer(request):
        if request.path == "/huge":
            huge = Response(b"x" * 4_000_000)
            huge.call_on_close(lambda: over.append(huge))
            return huge
        time.sleep(0.5 if request.path == "/long" else 0)
        return Response(str(len(over)))

    server._Server.load = lambda self: answer
logs.configure("json", "web")
server.serve(load())
"""
MANY = 30  # more than three times the threads
LIMIT_S = 8.0  # for whatever must come; nothing measures how soon


@dataclass
class Server:
    """A running web server."""

    port: int
    log: Path
    webhook: str

    def connect(self, *, receive_bytes: int | None = None) -> socket.socket:
        made = socket.socket()
        if receive_bytes is not None:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        made.settimeout(LIMIT_S)
        made.connect(("127.0.0.1", self.port))
        return made

    def send(self, words: bytes) -> socket.socket:
        made = self.connect()
        made.sendall(words)
        return made

    def ask(self, path: str = "/healthz", method: str = "GET", body: bytes | None = None) -> int:
        return self.ask_and_read(path, method, body)[0]

    def ask_and_read(self, path: str, method: str = "GET", body: bytes | None = None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT_S)
        try:
            connection.request(method, path, body)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


def _answer(sock: socket.socket) -> bytes:
    """What comes until the other side ends."""
    received = b""
    try:
        while piece := sock.recv(65536):
            received += piece
    except ConnectionResetError:
        pass
    return received


def _serve(
    folder: Path, patience_s: float, answered_s: float = 60, *, huge: bool = False, queue: int | None = None
) -> Iterator[Server]:
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
        process = subprocess.Popen(
            [sys.executable, "-c", _SERVE % (patience_s, answered_s, queue, huge)],
            env=environment,
            stdout=output,
            stderr=output,
        )
    server = Server(port, log, f"/webhooks/strava/{settings.webhook_key}")
    try:
        give_up_at = time.monotonic() + 30
        while True:
            try:
                server.ask()
                break
            except OSError:
                assert time.monotonic() < give_up_at, log.read_text()
                time.sleep(0.05)
        yield server
    finally:
        process.terminate()
        assert process.wait(20) == 0
        assert "Traceback" not in log.read_text()


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One that waits longer for a request than any of these tests takes: who is answered is answered meanwhile.

    Nor does a busy machine make it send anybody away; that has tests of its own.
    """
    yield from _serve(tmp_path_factory.mktemp("patient"), 60, queue=200)


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One that gives a request a second."""
    yield from _serve(tmp_path_factory.mktemp("hasty"), 1, queue=200)


@pytest.mark.processes
def test_who_reads_too_slowly_is_cut(tmp_path: Path) -> None:
    """No page of ours is so large that it would not fit into the kernel; should one be, its thread comes back."""
    for server in _serve(tmp_path, 60, 1, huge=True):
        threads = load(_env_file=None, ADDUCTOR_DATA_DIR=tmp_path).web_threads
        waiting = [server.connect(receive_bytes=2048) for _ in range(threads)]
        for sock in waiting:
            sock.sendall(b"GET /huge HTTP/1.1\r\nHost: x\r\n\r\n")

        # Nobody reads a byte of them, and all their threads come back; until then others are told 503.
        give_up_at = time.monotonic() + 2 * LIMIT_S
        while server.ask_and_read("/") != (200, str(threads).encode()):
            assert time.monotonic() < give_up_at

        # The kernel still sends what it has taken, through a window of two kilobytes.
        waiting[0].settimeout(5 * LIMIT_S)
        assert 0 < len(_answer(waiting[0])) < 4_000_000
        for sock in waiting:
            sock.close()


@pytest.mark.processes
def test_who_would_wait_too_long_is_told_at_once(tmp_path: Path) -> None:
    """Eight threads, half a second each, forty requests: the last would wait for two seconds, longer than Strava does."""
    for server in _serve(tmp_path, 60, huge=True):
        _served_or_told(server, at_least=8)


@pytest.mark.processes
def test_who_comes_behind_too_many_is_told_at_the_door(tmp_path: Path) -> None:
    """Eight are served, four may wait for them, and nobody's patience is what refuses the others."""
    for server in _serve(tmp_path, 60, huge=True, queue=4):
        _served_or_told(server, at_least=12)


def _served_or_told(server: Server, *, at_least: int) -> None:
    """Of forty at once so many are served, and the others are told to come again; then it serves as before."""
    waiting = [server.send(b"GET /long HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") for _ in range(40)]

    answers = [_answer(sock) for sock in waiting]

    told = [answer for answer in answers if answer.startswith(b"HTTP/1.1 503")]
    served = [answer for answer in answers if answer.startswith(b"HTTP/1.1 200")]
    assert len(told) + len(served) == 40
    assert len(served) >= at_least
    assert told
    assert all(b"Retry-After" in answer and answer.endswith(b'once more"}') for answer in told)
    assert server.ask() == 200


_HALF = {
    "a slow body": b"POST /webhooks/strava/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{",
    "a slow chunk": b"POST /webhooks/strava/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
    "a slow head": b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ",
    "a slow line": b"GE",
    "nothing at all": b"",
}


@pytest.mark.processes
@pytest.mark.parametrize("half", _HALF)
def test_who_sends_slowly_keeps_nobody_from_being_answered(patient: Server, half: str) -> None:
    waiting = [patient.send(_HALF[half]) for _ in range(MANY)]
    try:
        assert [patient.ask() for _ in range(5)] == [200] * 5
    finally:
        for sock in waiting:
            sock.close()


@pytest.mark.processes
@pytest.mark.parametrize("half", _HALF)
def test_who_sends_slowly_is_ended(hasty: Server, half: str) -> None:
    sock = hasty.send(_HALF[half])

    answer = _answer(sock)

    assert answer.startswith(b"HTTP/1.1 408 ") if _HALF[half] else answer == b""
    assert hasty.ask() == 200


@pytest.mark.processes
def test_a_byte_now_and_then_wins_no_time(hasty: Server) -> None:
    sock = hasty.send(b"POST /webhooks/strava/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
    sock.settimeout(0.1)
    answer, give_up_at = b"", time.monotonic() + LIMIT_S

    while not answer and time.monotonic() < give_up_at:
        try:
            sock.sendall(b"x")
            answer = sock.recv(1000)
        except TimeoutError:
            continue

    assert answer.startswith(b"HTTP/1.1 408 ")


@pytest.mark.processes
def test_who_never_hangs_up_keeps_nobody_from_being_answered(patient: Server) -> None:
    """They asked us to close and don't close themselves: the server must wait for none of them."""
    waiting = [patient.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") for _ in range(MANY)]

    assert [patient.ask() for _ in range(5)] == [200] * 5
    assert all(_answer(sock).startswith(b"HTTP/1.1 200 ") for sock in waiting)


@pytest.mark.processes
def test_who_reads_slowly_keeps_nobody_from_being_answered(patient: Server) -> None:
    assert patient.ask("/exercises") == 200
    waiting = [patient.connect(receive_bytes=2048) for _ in range(MANY)]
    for sock in waiting:
        sock.sendall(b"GET /exercises HTTP/1.1\r\nHost: x\r\n\r\n")
    try:
        assert [patient.ask() for _ in range(5)] == [200] * 5
    finally:
        for sock in waiting:
            sock.close()


@pytest.mark.processes
def test_when_all_places_are_taken_who_has_waited_longest_makes_room(patient: Server) -> None:
    waiting = [patient.send(b"GET / HTTP/1.1\r\nX: ") for _ in range(80)]
    try:
        assert [patient.ask() for _ in range(5)] == [200] * 5
        assert _answer(waiting[0]) == b""
    finally:
        for sock in waiting:
            sock.close()


@pytest.mark.processes
def test_idle_connections_make_room_too(patient: Server) -> None:
    waiting = [patient.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n") for _ in range(80)]
    try:
        assert [patient.ask() for _ in range(5)] == [200] * 5
    finally:
        for sock in waiting:
            sock.close()


_CHUNKED = (
    b"POST /sign-out HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
)
_CHUNK = b"8000\r\n" + b"x" * 0x8000 + b"\r\n"
_TOO_LARGE = {
    "a length": (b"POST /webhooks/strava/x HTTP/1.1\r\nHost: x\r\nContent-Length: 65537\r\n\r\n", 413),
    "a huge length": (b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999999999999\r\n\r\n", 413),
    "a huge chunk": (_CHUNKED + b"FFFFFF\r\n" + b"x" * 1000, 413),
    "many chunks": (_CHUNKED + _CHUNK * 5, 413),
    "chunks that add up": (_CHUNKED + _CHUNK * 3 + b"0\r\n\r\n", 413),
    "a long head": (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: " + b"y" * MOST_HEAD_BYTES, 431),
    "a long header": (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 9000 + b"\r\n\r\n", 431),
    "many headers": (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 100 + b"\r\n", 431),
    "a long line": (b"GET /" + b"y" * 5000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
}


@pytest.mark.processes
@pytest.mark.parametrize("what", _TOO_LARGE)
def test_what_is_too_large_is_refused(patient: Server, what: str) -> None:
    words, status = _TOO_LARGE[what]

    assert _answer(patient.send(words)).startswith(f"HTTP/1.1 {status} ".encode())


@pytest.mark.processes
@pytest.mark.parametrize(
    "rest",
    [
        b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"Content-Length: +5\r\n\r\nabcde",
        b"Content-Length : 5\r\n\r\nabcde",
        b"Transfer-Encoding: chunked\r\n\r\n-5\r\nabcde\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nabcdefgh\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 5\r\n\r\n",
        b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"X: a\r\n folded: b\r\n\r\n",
        b"X\x00: a\r\n\r\n",
        b"X: a\rY: b\r\n\r\n",
    ],
)
def test_ambiguous_framing_is_refused(patient: Server, rest: bytes) -> None:
    """Where a request ends must be the same to us and to a proxy, or one visitor's request becomes another's."""
    answer = _answer(patient.send(f"POST {patient.webhook} HTTP/1.1\r\nHost: x\r\n".encode() + rest))

    assert answer[:12] in (b"HTTP/1.1 400", b"HTTP/1.1 501")
    assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.processes
def test_what_comes_in_any_pieces_is_read_all_the_same(patient: Server) -> None:
    body = b"{}" + b" " * 300
    plain = f"POST {patient.webhook} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n".encode()
    pieces = b"1\r\n{\r\n12d;x=y\r\n}" + b" " * 300 + b"\r\n0\r\nX-Trailer: x\r\n\r\n"
    for words in (
        plain + b"Content-Length: 302\r\n\r\n" + body,
        plain + b"Transfer-Encoding: chunked\r\n\r\n" + pieces,
    ):
        for size in (1, 7, 100, 10_000):
            sock = patient.connect()
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for start in range(0, len(words), size):
                sock.sendall(words[start : start + size])
            answer = _answer(sock)
            assert answer.startswith(b"HTTP/1.1 400 "), answer
            assert b"subscription_id" in answer


@pytest.mark.processes
def test_requests_right_behind_each_other_are_answered_in_order(patient: Server) -> None:
    one = f"POST {patient.webhook} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{{}}".encode()
    last = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

    answer = _answer(patient.send(one * 3 + last))

    assert [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]] == [b"400", b"400", b"400", b"200"]


@pytest.mark.processes
def test_who_waits_for_the_word_to_continue_gets_it(patient: Server) -> None:
    sock = patient.send(
        f"POST {patient.webhook} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n"
        "Connection: close\r\n\r\n".encode()
    )
    assert sock.recv(100).startswith(b"HTTP/1.1 100 Continue")

    sock.sendall(b"{}")

    assert b"HTTP/1.1 400 " in _answer(sock)


@pytest.mark.processes
def test_no_header_tells_the_server_where_it_stands(patient: Server) -> None:
    words = b"GET / HTTP/1.1\r\nHost: evil.example\r\nSCRIPT_NAME: /evil\r\nScript-Name: /evil\r\nX-Forwarded-Proto: https\r\nConnection: close\r\n\r\n"  # noqa: E501

    answer = _answer(patient.send(words))

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"evil" not in answer


def test_a_request_is_whole_exactly_when_its_last_byte_is_there() -> None:
    """In all places where it can be cut; whatever comes behind it changes nothing."""
    requests = {
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n": b"",
        b"POST / HTTP/1.1\r\nCONTENT-LENGTH:  3 \r\nX: y\r\n\r\nabc": b"",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n3\r\nabc\r\n00\r\n\r\n": b"",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nA ; x=1\r\n0123456789\r\n0\r\nA: b\r\nC: d\r\n\r\n": b"",
    }
    for whole in requests:
        for cut in range(len(whole)):
            assert not Gathered(1000, whole[:cut]).whole(), whole[:cut]
        assert Gathered(1000, whole).whole(), whole
        assert Gathered(1000, whole + b"GET /").whole()
        in_pieces = Gathered(1000)
        said = []
        for byte in whole:
            in_pieces.data.append(byte)
            said.append(in_pieces.whole())
        assert said == [False] * (len(whole) - 1) + [True]


def test_no_more_is_gathered_than_a_request_may_have() -> None:
    for endless in (b"x" * 1000, b"X: y\r\n" * 100):
        gathered = Gathered(1000, b"GET / HTTP/1.1\r\n")
        assert _refused(gathered, endless) == 431
        assert len(gathered.data) < MOST_HEAD_BYTES + 2000
    gathered = Gathered(1000, b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
    assert _refused(gathered, b"1\r\nx\r\n") == 413
    assert len(gathered.data) < 5000


def _refused(gathered: Gathered, endless: bytes) -> int:
    """More and more comes, until it is refused; with what."""
    try:
        while not gathered.whole():
            gathered.data += endless
    except TooLargeError as error:
        return error.status
    return 0
