"""The web server: uvicorn's loop buffers whole requests and answers, a bounded pool of threads runs the Flask application."""

from __future__ import annotations

import asyncio
import io
import multiprocessing
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any

import uvicorn
from a2wsgi.wsgi import build_environ
from uvicorn.protocols.http.h11_impl import H11Protocol
from werkzeug.test import run_wsgi_app

from adductor import logs
from adductor.settings import Settings, load
from service import heartbeat, supervisor
from service.app import create_app
from service.limits import most_body_bytes

REQUEST_WITHIN_S = 10.0  # for a head, and again for the body behind it; Strava and browsers need milliseconds
ANSWER_WITHIN_S = 50.0  # longer than any request works (deleting everything: 20 s and a call)
MOST_WAITING = 100  # requests at hand; the threads work off as many within Strava's 2 s
BUSY_CONNECTIONS = 800  # of one process; with more of them, requests are answered 503
MOST_CONNECTIONS = 900  # more are cut at once: below the 1024 files that a process may usually open
MOST_HEAD_BYTES = 32 * 1024
ENDS_WITHIN_S = 9  # after SIGTERM; process managers kill after ten
STARTS_WITHIN_S = 30  # a web process on a slow machine; uvicorn's own 5 s kill it again and again there
# A request changes threads four times: Python's usual 5 ms at a change would be most of a slow answer.
SWITCH_THREADS_S = 0.0005


class ConnectionClock(H11Protocol):
    """Watchdog of one connection. Bytes that trickle in or out win no time: only whole requests and answers do."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn does
        super().connection_made(transport)
        if len(self.connections) > MOST_CONNECTIONS:
            transport.abort()
        self._check(())

    def _check(self, before: tuple[object, ...]) -> None:
        at_hand = self.cycle is not None and not self.cycle.response_complete
        phase = (self.cycle, at_hand)
        if phase == before:
            self.transport.abort()
        elif self in self.connections:
            self.loop.call_later(ANSWER_WITHIN_S if at_hand else REQUEST_WITHIN_S, self._check, phase)


class Bridge:
    """ASGI to WSGI with request buffering and load shedding: a thread sees only whole requests and no socket."""

    def __init__(self, wsgi: Any, threads: int) -> None:
        self._wsgi, self._pool, self._waiting = wsgi, ThreadPoolExecutor(threads, "web"), 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            async with asyncio.timeout(REQUEST_WITHIN_S):
                body = await _buffer(scope["path"], dict(scope["headers"]), receive)
        except TimeoutError:
            body = HTTPStatus.REQUEST_TIMEOUT
        if isinstance(body, bytes) and self._waiting >= MOST_WAITING:
            body = HTTPStatus.SERVICE_UNAVAILABLE
        if isinstance(body, HTTPStatus):
            status, content = int(body), b'{"error":"%s"}' % body.phrase.encode()
            headers = [(b"content-length", b"%d" % len(content)), (b"content-type", b"application/json")]
            headers += [(b"retry-after", b"5"), (b"connection", b"close")]
        else:
            # WSGI takes underscores for hyphens: such a name would pass for a proxy's header.
            scope["headers"] = [(name, value) for name, value in scope["headers"] if b"_" not in name]
            self._waiting += 1
            try:
                answer = asyncio.get_running_loop().run_in_executor(self._pool, self._run, scope, body)
                status, headers, content = await answer
            finally:
                self._waiting -= 1
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    def _run(self, scope: Any, body: bytes) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        """Call the WSGI application in a thread."""
        environ: dict[str, Any] = {**build_environ(scope, io.BytesIO(body)), "wsgi.input_terminated": True}  # type: ignore[arg-type]
        chunks, status, headers = run_wsgi_app(self._wsgi, environ, buffered=True)
        encoded = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
        return int(status[:3]), encoded, b"".join(chunks)


async def _buffer(path: str, headers: dict[bytes, bytes], receive: Any) -> bytes | HTTPStatus:
    """The whole body of a request, or why it is refused."""
    if b"content-length" in headers and b"transfer-encoding" in headers:  # ambiguous framing: RFC 9112, 6.3
        return HTTPStatus.BAD_REQUEST
    if int(headers.get(b"content-length", 0)) > most_body_bytes(path):
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return HTTPStatus.REQUEST_TIMEOUT  # half a form must not be taken for a whole one
        body, more = body + message["body"], message["more_body"]
        if len(body) > most_body_bytes(path):
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    return body


def application() -> Bridge:
    """The application of one web process: uvicorn calls this in each."""
    sys.setswitchinterval(SWITCH_THREADS_S)
    settings = load()
    parent = multiprocessing.parent_process()
    if parent is not None:
        logs.configure(settings.log_format, "web")
        supervisor.die_with_parent()
        if not parent.is_alive():  # it died before we asked to die with it
            sys.exit(0)
    app = create_app(settings)
    heartbeat.start(app.extensions["installation"], app.extensions["inbox_writer"])
    return Bridge(app, settings.web_threads)


def serve(settings: Settings, app: Any = "service.server:application") -> None:
    """Serve until SIGTERM or SIGINT. One process serves far more than Strava lets through."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    host, _, port = settings.bind.rpartition(":")
    try:
        uvicorn.run(
            app,
            factory=True,
            host=host.strip("[]"),
            port=int(port),
            workers=settings.web_processes or 1,
            http=ConnectionClock,
            ws="none",
            lifespan="off",
            limit_concurrency=BUSY_CONNECTIONS,
            log_config=None,
            log_level="error",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=5,
            timeout_graceful_shutdown=ENDS_WITHIN_S,
            timeout_worker_healthcheck=STARTS_WITHIN_S,
            h11_max_incomplete_event_size=MOST_HEAD_BYTES,
        )
    except SystemExit as ended:
        sys.exit(1 if ended.code else 0)  # uvicorn's own code for a failed start is 3
