"""`python -m sandbox`: serves one sandbox until it is told to stop."""

from __future__ import annotations

import argparse
import signal
import socket
import sqlite3
import sys
import threading
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from sandbox.app import close, closing, create_app
from sandbox.clock import Clock, ClockError
from sandbox.config import SandboxConfig
from sandbox.journal import Journal

# Shutdown grace period of running calls.
_ENDS_WITHIN_S = 4.0


class _Handler(WSGIRequestHandler):
    """Werkzeug's handler with keep-alive, without its log, and with a count of the calls that run."""

    protocol_version = "HTTP/1.1"
    timeout = 30  # of an idle connection
    running = 0
    changed = threading.Condition()

    def run_wsgi(self) -> None:
        self._count(1)
        try:
            super().run_wsgi()
        finally:
            self._count(-1)

    def _count(self, more: int) -> None:
        with self.changed:
            _Handler.running += more
            self.changed.notify_all()

    def log(self, *_: Any) -> None:
        """Write nothing: the pages show the calls."""


def _serve(config: SandboxConfig, bind: str) -> None:
    """Serve until SIGTERM or SIGINT; then answer long waits and let running calls finish."""
    app = create_app(config)
    host, _, port = bind.rpartition(":")
    server = ThreadedWSGIServer(host.strip("[]"), int(port), app, _Handler)

    def end(*_: object) -> None:
        closing(app)
        threading.Thread(target=server.shutdown).start()  # it waits for the loop that this handler interrupts

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    print(f"sandbox ready on http://{bind}", flush=True)
    server.serve_forever()
    with _Handler.changed:
        _Handler.changed.wait_for(lambda: not _Handler.running, _ENDS_WITHIN_S)
    close(app)


def _fail(message: str) -> NoReturn:
    print(f"sandbox: {message}", file=sys.stderr)
    raise SystemExit(2)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox",
        description="A made-up Strava on this machine: OAuth, API, webhooks, faults, and pages for people.",
        epilog="Example: python -m sandbox --bind 127.0.0.1:9000 --state-dir /tmp/sandbox --client-id 1 "
        "--client-secret secret",
    )
    parser.add_argument("--bind", required=True, metavar="HOST:PORT", help="where to listen")
    parser.add_argument("--state-dir", required=True, type=Path, help="kept between starts; made if missing")
    parser.add_argument("--client-id", required=True, type=int, help="the one application's id")
    parser.add_argument("--client-secret", required=True, help="the one application's secret")
    parser.add_argument("--mail-dir", type=Path, help="a folder of .eml files to show as a mailbox")
    parser.add_argument("--clock-file", type=Path, help="a clock shared with the application")
    parser.add_argument("--intervals-client-id", type=int, default=999, help="the application's id at intervals.icu")
    parser.add_argument("--intervals-client-secret", default="secret", help="its secret there")
    parser.add_argument("--intervals-webhook-url", help="where intervals.icu sends its events; default: nowhere")
    parser.add_argument("--intervals-webhook-secret", default="", help="the secret in the events' bodies")
    parser.add_argument("--app-url", help="where the application's own pages are, for a link")
    return parser


def _check(options: argparse.Namespace) -> None:
    """Validate at start: exit code 2 and a sentence for each setting that would fail later."""
    host, _, port = options.bind.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        _fail(f"--bind has to be HOST:PORT, for example 127.0.0.1:9000; it is {options.bind!r}")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), int(port)))
        except OSError as error:
            _fail(f"can't listen on {options.bind}: {error.strerror or error}; choose another port")
    if options.app_url is not None and urlsplit(options.app_url).scheme not in ("http", "https"):
        _fail(f"--app-url has to start with http:// or https://; it is {options.app_url!r}")
    try:
        options.state_dir.mkdir(parents=True, exist_ok=True)
        Journal(options.state_dir / "sandbox.sqlite3").close()
    except (OSError, sqlite3.Error) as error:
        _fail(f"--state-dir {options.state_dir} can't be used: {error}")
    try:
        Clock(options.clock_file or options.state_dir / "clock.json").now()
    except (OSError, ClockError) as error:
        _fail(f"--clock-file: {error}")


def main(arguments: list[str] | None = None) -> None:
    """Serve until SIGTERM or SIGINT; exit 0 then, 2 for wrong usage."""
    options = _parser().parse_args(arguments)
    _check(options)
    config = SandboxConfig(
        state_dir=options.state_dir,
        client_id=options.client_id,
        client_secret=options.client_secret,
        mail_dir=options.mail_dir,
        clock_file=options.clock_file,
        app_url=options.app_url,
        intervals_client_id=options.intervals_client_id,
        intervals_client_secret=options.intervals_client_secret,
        intervals_webhook_url=options.intervals_webhook_url,
        intervals_webhook_secret=options.intervals_webhook_secret,
    )
    _serve(config, options.bind)


if __name__ == "__main__":
    main()
