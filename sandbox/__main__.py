"""`python -m sandbox`: serves one sandbox until it is told to stop."""

from __future__ import annotations

import argparse
import signal
import sqlite3
import sys
import threading
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from sandbox.app import close, closing, create_app
from sandbox.clock import ClockError
from sandbox.config import SandboxConfig

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


def _serve(config: SandboxConfig, bind: tuple[str, int]) -> None:
    """Serve until SIGTERM or SIGINT; then answer long waits and let running calls finish."""
    try:
        app = create_app(config)
    except (OSError, sqlite3.Error) as error:
        _fail(f"--state-dir {config.state_dir} can't be used: {error}")
    except ClockError as error:
        _fail(f"--clock-file: {error}")
    host, port = bind
    try:
        server = ThreadedWSGIServer(host.strip("[]"), port, app, _Handler)
    except (OSError, SystemExit):  # werkzeug says why, and would end with 1
        _fail(f"can't listen on {host}:{port}; choose another port")

    def end(*_: object) -> None:
        closing(app)
        threading.Thread(target=server.shutdown).start()  # it waits for the loop that this handler interrupts

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    print(f"sandbox ready on http://{host}:{port}", flush=True)
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
    parser.add_argument("--bind", required=True, type=_address, metavar="HOST:PORT", help="where to listen")
    parser.add_argument("--state-dir", required=True, type=Path, help="kept between starts; made if missing")
    parser.add_argument("--client-id", required=True, type=int, help="the one application's id")
    parser.add_argument("--client-secret", required=True, help="the one application's secret")
    parser.add_argument("--mail-dir", type=Path, help="a folder of .eml files to show as a mailbox")
    parser.add_argument("--clock-file", type=Path, help="a clock shared with the application")
    parser.add_argument("--intervals-client-id", type=int, default=999, help="the application's id at intervals.icu")
    parser.add_argument("--intervals-client-secret", default="secret", help="its secret there")
    parser.add_argument("--intervals-webhook-url", help="where intervals.icu sends its events; default: nowhere")
    parser.add_argument("--intervals-webhook-secret", default="", help="the secret in the events' bodies")
    parser.add_argument("--app-url", type=_web_address, help="where the application's own pages are, for a link")
    return parser


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise argparse.ArgumentTypeError(f"it has to be HOST:PORT, for example 127.0.0.1:9000, and is {text!r}")
    return host, int(port)


def _web_address(text: str) -> str:
    if urlsplit(text).scheme not in ("http", "https"):
        raise argparse.ArgumentTypeError(f"it has to start with http:// or https://, and is {text!r}")
    return text


def main(arguments: list[str] | None = None) -> None:
    """Serve until SIGTERM or SIGINT; exit 0 then, 2 for wrong usage."""
    options = _parser().parse_args(arguments)
    _serve(SandboxConfig(**{name: value for name, value in vars(options).items() if name != "bind"}), options.bind)


if __name__ == "__main__":
    main()
