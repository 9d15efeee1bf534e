"""`python -m sandbox`: serves one sandbox until it is told to stop."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sqlite3
import sys
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

from gunicorn.app.base import BaseApplication
from gunicorn.workers import gthread

from sandbox.app import close, closing, create_app
from sandbox.clock import Clock, ClockError
from sandbox.config import SandboxConfig
from sandbox.journal import Journal

# Each call that a fault delays holds one; the pages and the deliveries' own callbacks need some beside them.
_THREADS = 64


# Seconds that gunicorn keeps idle connections open when it ends; two by default, which is most of a short demo.
gthread.STOP_KEEPALIVE_LINGER = 0.1


class _Worker(gthread.ThreadWorker):  # type: ignore[misc]  # gunicorn ships no types
    """gthread that tells the world when the end has come, so that long waits are answered."""

    def handle_exit(self, sig: int, frame: Any) -> None:
        app = getattr(self, "wsgi", None)
        if app is not None:
            closing(app)
        super().handle_exit(sig, frame)


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn ships no types
    """gunicorn with our settings and nothing from its environment or files."""

    def __init__(self, config: SandboxConfig, bind: str) -> None:
        self._sandbox_config, self._bind = config, bind
        super().__init__()

    def load_config(self) -> None:
        settings: dict[str, Any] = {
            "bind": self._bind,
            "workers": 1,
            "worker_class": _Worker,
            "threads": _THREADS,
            # One process holds the state: a worker that is merely busy must not be replaced.
            "timeout": 0,
            "graceful_timeout": 4,
            "keepalive": 30,
            "loglevel": "error",
            "control_socket_disable": True,
            "post_worker_init": self._ready,
            "worker_exit": self._end,
        }
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        # In the worker, after the fork: the deliveries' threads live here.
        return create_app(self._sandbox_config)

    def _ready(self, worker: Any) -> None:
        # Ctrl-C reaches every process of the terminal; the master alone decides when this one ends.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        print(f"sandbox ready on http://{self._bind}", flush=True)

    def _end(self, server: Any, worker: Any) -> None:
        app = getattr(worker, "wsgi", None)
        if app is not None:
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
    parser.add_argument("--app-url", help="where the application's own pages are, for a link")
    return parser


def _check(options: argparse.Namespace) -> None:
    """Ends with exit code 2 and a sentence for whatever would fail later, in a worker, less clearly."""
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
    """Serves until SIGTERM or SIGINT; exit 0 then, 2 for wrong usage."""
    options = _parser().parse_args(arguments)
    _check(options)
    # gunicorn would read both; a sandbox is exactly what its command line says.
    for name in ("GUNICORN_CMD_ARGS", "WEB_CONCURRENCY"):
        os.environ.pop(name, None)
    config = SandboxConfig(
        state_dir=options.state_dir,
        client_id=options.client_id,
        client_secret=options.client_secret,
        mail_dir=options.mail_dir,
        clock_file=options.clock_file,
        app_url=options.app_url,
    )
    _Server(config, options.bind).run()


if __name__ == "__main__":
    main()
