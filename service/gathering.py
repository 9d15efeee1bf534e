"""gunicorn's worker with threads, for senders and readers of any speed.

A thread costs the more the fewer there are, so none waits for a sender: the loop that accepts connections gathers a request
until it is whole, and only then gives it to a thread. What is not whole in time is answered 408 and closed, what grows too
large 413 or 431. Closing waits for nobody, either. When all places are taken, whoever has kept one longest without a whole
request makes room.

Written against gunicorn 27's `ThreadWorker`; tests/security/test_slow.py shows what each piece is for.
"""

from __future__ import annotations

import contextlib
import errno
import re
import selectors
import socket
import time
from functools import partial
from typing import Any

from gunicorn import http, util
from gunicorn.workers.gthread import TConn, ThreadWorker

from adductor import logs

log = logs.get(__name__)

# A whole request, from its first byte or the opening of its connection. Strava and browsers need milliseconds.
REQUEST_WITHIN_S = 10.0
# Whoever sends for longer than this is the first to make room, before those who wait between two requests.
_PROMPT_S = 1.0
# Strava gives up after 2 s. Whoever has waited this long for a thread is told so at once; what is left of the 2 s is for the
# database (service.inbox_writer).
QUEUED_WITHIN_S = 0.7
# Threads take some hundred requests in that time on a fast machine. Who comes behind so many is told so by the loop itself,
# which costs a tenth of what a thread's answer does.
MOST_QUEUED = 200
_ACCEPTED_AT_ONCE = 32
# Longer than any request of ours works (deleting everything: 20 s and a call); then its connection is cut.
ANSWERED_WITHIN_S = 40.0
# Somebody who is answered before all was read must be able to read it before the connection is reset.
_LINGER_S = 2.0
# Shutting down: what is half sent comes again.
_LAST_CALL_S = 2.0
# Request line and headers; a browser sends about one thousand bytes, and up to four of our cookie.
MOST_HEAD_BYTES = 32 * 1024
# Room for the largest page, so that whoever reads slowly reads from the kernel and not from a thread.
_SEND_BUFFER_BYTES = 256 * 1024
_READ_BYTES = 64 * 1024
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]+)[ \t]*\r\n")
_LENGTH_DIGITS = 18
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:[^\r\n]*chunked")
_CONTINUE = re.compile(rb"\r\nexpect:[ \t]*100-continue")
_CHUNK_SIZE = re.compile(rb"[0-9a-fA-F]{1,8}")
_CHUNK_LINE_BYTES = 256
_BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\nContent-Type: application/json\r\n"
    b"Content-Length: 46\r\n\r\n"
    b'{"error":"too busy now; please ask once more"}'
)
_REASONS = {408: "Request Timeout", 413: "Content Too Large", 431: "Request Header Fields Too Large"}


class TooLargeError(Exception):
    """The request is larger than any of ours. ``status`` is what to answer."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Gathered:
    """What has come of a request so far. Only tells when it is whole; reading it is the server's business."""

    def __init__(self, most_body_bytes: int, begun: bytes = b"") -> None:
        self.data = bytearray(begun)
        self._most = most_body_bytes
        self._searched = 0
        self._body = -1  # where the body begins
        self._length = 0
        self._chunk: int | None = None  # where the next chunk begins
        self.wants_word = False  # the sender waits for "100 Continue"

    def whole(self) -> bool:
        """Whether the server can read the request without waiting: all is here, or it will be refused as it is.

        Raises TooLargeError.
        """
        if self._body < 0 and not self._head():
            return False
        if self._chunk is not None:
            return self._chunks()
        return len(self.data) >= self._body + self._length

    def _head(self) -> bool:
        end = self.data.find(b"\r\n\r\n", self._searched)
        if (len(self.data) if end < 0 else end) > MOST_HEAD_BYTES:
            raise TooLargeError(431)
        if end < 0:
            self._searched = max(0, len(self.data) - 3)
            return False
        head = bytes(self.data[: end + 2]).lower()
        self._body = end + 4
        self.wants_word = _CONTINUE.search(head) is not None
        if _CHUNKED.search(head):
            self._chunk = self._body
        elif lengths := _LENGTH.findall(head):
            digits = lengths[0].lstrip(b"0") or b"0"  # the server reads 0005 as 5, and would wait for them
            if len(digits) > _LENGTH_DIGITS or int(digits) > self._most:
                raise TooLargeError(413)
            self._length = int(digits)
        return True

    def _chunks(self) -> bool:
        data = self.data
        while self._chunk is not None:
            end = data.find(b"\r\n", self._chunk)
            if end < 0:
                return len(data) - self._chunk > _CHUNK_LINE_BYTES  # no size is that long: it will be refused
            size = bytes(data[self._chunk : end]).partition(b";")[0].strip()
            if not _CHUNK_SIZE.fullmatch(size):
                return True
            length = int(size, 16)
            if length == 0:  # trailers, as a rule none, and an empty line
                if len(data) - end > MOST_HEAD_BYTES:
                    raise TooLargeError(431)
                return data.find(b"\r\n\r\n", end) >= 0
            after = end + 2 + length + 2
            # Framing costs a byte-wise sender six times its body, others little.
            if self._length + length > self._most or after - self._body > self._most * 2:
                raise TooLargeError(413)
            if after > len(data):
                return False
            self._length += length
            self._chunk = after
        return True


class Connection(TConn):  # type: ignore[misc]  # gunicorn ships no types
    """A connection that is closed without making the loop wait."""

    def __init__(self, worker: GatheringWorker, sock: socket.socket, client: Any, server: Any) -> None:
        super().__init__(worker.cfg, sock, client, server)
        self.worker = worker
        self.parser = http.get_parser(worker.cfg, sock, client)
        self.initialized = True  # no TLS and no HTTP/2 here: a proxy in front speaks them
        self.watched = False  # whether the loop looks at it, for one of the reasons of this module
        self.whole_at = 0.0  # when the request that is at hand was whole, monotonic

    def close(self, graceful: bool = False) -> None:
        if graceful:
            self.worker.linger(self)
        else:
            util.close(self.sock)


class GatheringWorker(ThreadWorker):  # type: ignore[misc]
    """See the module."""

    # The largest body that is gathered; `service.server` sets it.
    most_body_bytes = 64 * 1024

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Each ordered by time: all of a kind wait equally long.
        self._gathering: dict[Connection, tuple[Gathered, float]] = {}
        self._in_hand: dict[Connection, float] = {}
        self._lingering: dict[Connection, float] = {}
        self._queued: set[Connection] = set()  # whole requests that no thread has taken yet
        self._last_call: float | None = None

    # -- accepting -----------------------------------------------------------------------------------------------------

    def accept(self, listener: Any) -> None:
        # A round of the loop waits for its turn among busy threads: it must bring in more than one.
        for _ in range(_ACCEPTED_AT_ONCE):
            if not self._accept_one(listener):
                return

    def _accept_one(self, listener: Any) -> bool:
        self._make_room()
        if self.nr_conns >= self.worker_connections:
            return False
        try:
            sock, client = listener.accept()
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.ECONNABORTED, errno.EMFILE, errno.ENFILE):
                raise
            if error.errno in (errno.EMFILE, errno.ENFILE):
                log.error("no more files can be opened: raise the limit (ulimit -n)", connections=self.nr_conns)
                self._drop_oldest()
            return False
        self.nr_conns += 1
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
        self.enqueue_req(Connection(self, sock, client, listener.getsockname()))
        return True

    def _make_room(self) -> None:
        """Who has no whole request must not keep out who has."""
        most = self.worker_connections - self.cfg.threads
        while self.nr_conns + len(self._lingering) >= most and self._drop_oldest():
            pass

    def _drop_oldest(self) -> bool:
        """End the connection that is missed least; False when each is being answered."""
        slowest = next(iter(self._gathering), None)
        if self._lingering:
            self._end_lingering(next(iter(self._lingering)))
        elif slowest is not None and self._gathering[slowest][1] < time.monotonic() + REQUEST_WITHIN_S - _PROMPT_S:
            self._drop(slowest)
        elif self.keepalived_conns:
            conn = self.keepalived_conns.popleft()
            conn.watched = True  # by gunicorn itself
            self._forget(conn)
            self.nr_conns -= 1
            conn.close()
        elif slowest is not None:
            self._drop(slowest)
        else:
            return False
        return True

    # -- gathering -----------------------------------------------------------------------------------------------------

    def enqueue_req(self, conn: Connection) -> None:
        """Every request begins here: of a new connection, of one that was kept, or right behind another."""
        gathered = Gathered(self.most_body_bytes, conn.parser.unreader.take_buffered())
        deadline = time.monotonic() + REQUEST_WITHIN_S
        if self._last_call is not None:
            deadline = min(deadline, self._last_call)
        conn.sock.setblocking(False)
        self._gathering[conn] = gathered, deadline
        self._on_readable(conn, conn.sock)  # as a rule it is there already
        if conn in self._gathering:
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._on_readable, conn))
            conn.watched = True

    def _on_readable(self, conn: Connection, _: Any) -> None:
        if conn not in self._gathering:  # made room for another in the same round of the loop
            return
        gathered, _deadline = self._gathering[conn]
        try:
            # What came right behind the request before may be a whole one.
            whole = bool(gathered.data) and gathered.whole()
            if not whole:
                data = conn.sock.recv(_READ_BYTES)
                if not data:
                    self._drop(conn)
                    return
                gathered.data += data
                whole = gathered.whole()
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self._drop(conn)
            return
        except TooLargeError as error:
            self._refuse(conn, error.status)
            return
        if whole:
            self._hand_over(conn, gathered)
        elif gathered.wants_word:
            gathered.wants_word = False
            self._say(conn, b"HTTP/1.1 100 Continue\r\n\r\n")

    def _hand_over(self, conn: Connection, gathered: Gathered) -> None:
        del self._gathering[conn]
        self._forget(conn)
        if len(self._queued) >= MOST_QUEUED:
            self.nr_conns -= 1
            self._say(conn, _BUSY)
            conn.close(graceful=True)
            return
        conn.parser.unreader.unread(bytes(gathered.data))
        conn.whole_at = time.monotonic()
        self._queued.add(conn)
        super().enqueue_req(conn)

    def handle(self, conn: Connection) -> Any:
        """In a thread. The time before, in the queue for one, is not the sender's fault."""
        self._queued.discard(conn)
        if time.monotonic() - conn.whole_at > QUEUED_WITHIN_S:
            # An answer that comes too late helps nobody and makes the next one later; a quick "no" is tried again.
            self._say(conn, _BUSY)
            return False
        self._in_hand[conn] = time.monotonic() + ANSWERED_WITHIN_S
        return super().handle(conn)

    def finish_request(self, conn: Connection, fs: Any) -> None:
        self._in_hand.pop(conn, None)
        super().finish_request(conn, fs)

    def on_client_socket_readable(self, conn: Connection, client: Any) -> None:
        if conn in self.keepalived_conns:  # else it made room for another in the same round of the loop
            super().on_client_socket_readable(conn, client)

    # -- ending --------------------------------------------------------------------------------------------------------

    def _refuse(self, conn: Connection, status: int) -> None:
        del self._gathering[conn]
        self._forget(conn)
        self.nr_conns -= 1
        self._say(
            conn,
            f"HTTP/1.1 {status} {_REASONS[status]}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n"
            f"Content-Length: {len(_REASONS[status]) + 1}\r\n\r\n{_REASONS[status]}\n".encode(),
        )
        conn.close(graceful=True)

    def _drop(self, conn: Connection) -> None:
        del self._gathering[conn]
        self._forget(conn)
        self.nr_conns -= 1
        conn.close()

    def linger(self, conn: Connection) -> None:
        """Say that nothing more comes and wait, in the loop, until the other side has heard (RFC 9112, 9.6)."""
        try:
            conn.sock.shutdown(socket.SHUT_WR)
            conn.sock.setblocking(False)
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._on_last_words, conn))
            conn.watched = True
        except (OSError, KeyError, ValueError):
            util.close(conn.sock)
            return
        self._lingering[conn] = time.monotonic() + _LINGER_S

    def _on_last_words(self, conn: Connection, _: Any) -> None:
        if conn not in self._lingering:
            return
        try:
            if conn.sock.recv(_READ_BYTES):
                return  # not read, only taken off the wire; time ends it
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            pass
        self._end_lingering(conn)

    def _end_lingering(self, conn: Connection) -> None:
        del self._lingering[conn]
        self._forget(conn)
        util.close(conn.sock)

    def murder_pending(self) -> None:
        """Called in every round of the loop: whose time is over?"""
        self._make_room()
        now = time.monotonic()
        if not self.alive and self._last_call is None:
            self._last_call = now + _LAST_CALL_S
            self._gathering = {c: (g, min(d, self._last_call)) for c, (g, d) in self._gathering.items()}
        for conn, (gathered, deadline) in list(self._gathering.items()):
            if deadline > now:
                break
            if gathered.data:
                self._refuse(conn, 408)
            else:
                self._drop(conn)
        for conn, deadline in list(self._lingering.items()):
            if deadline > now:
                break
            self._end_lingering(conn)
        for conn, deadline in list(self._in_hand.items()):
            if deadline > now:
                break
            del self._in_hand[conn]
            log.warning("a connection was cut: its answer took too long", seconds=ANSWERED_WITHIN_S)
            with contextlib.suppress(OSError):
                conn.sock.shutdown(socket.SHUT_RDWR)  # the thread that holds it sees the end, and is free

    def _say(self, conn: Connection, words: bytes) -> None:
        with contextlib.suppress(OSError):
            conn.sock.send(words)

    def _forget(self, conn: Connection) -> None:
        if not conn.watched:  # most requests are whole at the first look
            return
        conn.watched = False
        with contextlib.suppress(OSError, KeyError, ValueError):
            self.poller.unregister(conn.sock)
