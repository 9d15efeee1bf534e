"""Our site over the store and the clock of a test; no processes, no network."""

from __future__ import annotations

from flask import Flask

from service.app import create_app
from tests.support.runners import Place


def site(here: Place, *, testing: bool = False) -> Flask:
    """The web application of this place, as it is in life; with ``testing`` its errors come through."""
    made = create_app(here.installation.settings)
    made.testing = testing
    made.extensions["installation"] = here.installation
    return made
