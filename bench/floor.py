"""The floor: a bare Flask on the product's server that answers one word, or inserts one row and commits.

No check, no log line, no queue. SQLite as the product sets it: a write-ahead log, synced at every commit.
Usage: `python -m bench.floor HOST:PORT FOLDER`.
"""

from __future__ import annotations

import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvicorn
from a2wsgi import WSGIMiddleware
from flask import Flask, request

THREADS = 8


def create_app(database: Path, then: Callable[[Any], None] | None = None) -> Flask:
    """The application; ``then`` gets a stored event (bench/peers.py).

    A lock guards the one connection: waiting for SQLite's own lock polls.
    """
    app = Flask(__name__)
    lock = threading.Lock()
    connection = sqlite3.connect(database, check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE IF NOT EXISTS events (id INTEGER PRIMARY KEY, at REAL, body BLOB)")

    @app.get("/")
    def hello() -> str:
        return "hello"

    @app.post("/webhook")
    def receive() -> str:
        with lock, connection:
            connection.execute("INSERT INTO events (at, body) VALUES (?, ?)", (time.time(), request.get_data()))
        if then is not None:
            then(request.get_json())
        return "kept"

    return app


def serve(address: str, app: Flask) -> None:
    """Serve until the process ends."""
    host, _, port = address.rpartition(":")
    wsgi = WSGIMiddleware(app, workers=THREADS)  # type: ignore[arg-type]
    uvicorn.run(wsgi, host=host, port=int(port), log_level="error", access_log=False)


if __name__ == "__main__":
    serve(sys.argv[1], create_app(Path(sys.argv[2]) / "floor.db"))
