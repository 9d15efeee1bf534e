"""The least that a webhook that is kept can cost: our web server, a Flask route that inserts one row and commits.

No check, no key, no log line, no queue, no group commit. SQLite as we set it: a
write-ahead log, synced at every commit. Run by bench.webhooks: `python -m bench.floor_web HOST:PORT FOLDER`.
"""

from __future__ import annotations

import sqlite3
import sys
import threading
import time
from pathlib import Path

from flask import Flask, request

from adductor.settings import load
from adductor.store.engine import SQLITE_BUSY_MS
from service import orphans
from service.server import Bridge, serve


def _app(database: Path) -> Flask:
    app = Flask(__name__)
    own = threading.local()

    def connection() -> sqlite3.Connection:
        """This thread's own."""
        if not hasattr(own, "connection"):
            own.connection = sqlite3.connect(database, isolation_level=None, timeout=SQLITE_BUSY_MS / 1000)
            own.connection.execute("PRAGMA journal_mode=WAL")
            own.connection.execute("PRAGMA synchronous=FULL")
        kept: sqlite3.Connection = own.connection
        return kept

    connection().execute("CREATE TABLE IF NOT EXISTS events (id INTEGER PRIMARY KEY, at REAL, body BLOB)")

    @app.get("/healthz")
    def alive() -> str:
        return "yes"

    @app.post("/webhook")
    def receive() -> str:
        connection().execute("BEGIN IMMEDIATE")
        connection().execute("INSERT INTO events (at, body) VALUES (?, ?)", (time.time(), request.get_data()))
        connection().execute("COMMIT")
        return "kept"

    return app


if __name__ == "__main__":
    orphans.end_with_parent()
    address, folder = sys.argv[1], Path(sys.argv[2])
    values = {"ADDUCTOR_DATA_DIR": str(folder), "ADDUCTOR_BIND": address, "ADDUCTOR_PUBLIC_URL": f"http://{address}"}
    serve(load(_env_file=None, **values), lambda: Bridge(_app(folder / "floor.db"), 8))
