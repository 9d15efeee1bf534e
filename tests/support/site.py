"""Our site over the store and the clock of a test; no processes, no network."""

from __future__ import annotations

import tempfile

from flask import Flask
from jinja2 import FileSystemBytecodeCache

from service.app import create_app
from tests.support.runners import Place

# Templates are compiled once a process, not once a test.
_COMPILED = tempfile.TemporaryDirectory(prefix="adductor-templates-")


def site(here: Place, *, testing: bool = False) -> Flask:
    """The web application of this place, as it is in life; with ``testing`` its errors come through."""
    made = create_app(here.installation.settings)
    made.testing = testing
    made.extensions["installation"] = here.installation
    made.jinja_env.bytecode_cache = FileSystemBytecodeCache(_COMPILED.name)
    return made
