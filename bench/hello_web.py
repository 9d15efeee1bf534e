"""The least that a page can cost: gunicorn with our settings and our worker class, a Flask route that answers one word.

Run by bench.pages: `python -m bench.hello_web HOST:PORT FOLDER`.
"""

from __future__ import annotations

import sys
from typing import Any

from flask import Flask

from adductor.settings import load
from service import orphans
from service.server import _Server


class _Hello(_Server):
    def load(self) -> Any:
        app = Flask(__name__)

        @app.get("/")
        def hello() -> str:
            return "hello"

        return app


if __name__ == "__main__":
    orphans.end_with_parent()
    address, folder = sys.argv[1:]
    values = {"ADDUCTOR_DATA_DIR": folder, "ADDUCTOR_BIND": address, "ADDUCTOR_PUBLIC_URL": f"http://{address}"}
    _Hello(load(_env_file=None, **values)).run()
