"""The least that a page can cost: our web server, a Flask route that answers one word.

Run by bench.pages: `python -m bench.hello_web HOST:PORT FOLDER`.
"""

from __future__ import annotations

import sys

from flask import Flask

from adductor.settings import load
from service import orphans
from service.server import Bridge, serve


def application() -> Bridge:
    app = Flask(__name__)

    @app.get("/")
    def hello() -> str:
        return "hello"

    return Bridge(app, 8)


if __name__ == "__main__":
    orphans.end_with_parent()
    address, folder = sys.argv[1:]
    values = {"ADDUCTOR_DATA_DIR": folder, "ADDUCTOR_BIND": address, "ADDUCTOR_PUBLIC_URL": f"http://{address}"}
    serve(load(_env_file=None, **values), application)
