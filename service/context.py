"""What blueprints ask for: the installation and the inbox of the application that serves the request."""

from __future__ import annotations

from typing import cast

from flask import current_app

from adductor.installation import Installation
from service.inbox_writer import InboxWriter


def installation() -> Installation:
    """The installation that the current request belongs to."""
    return cast(Installation, current_app.extensions["installation"])


def inbox_writer() -> InboxWriter:
    """The writer of webhook events of this process."""
    return cast(InboxWriter, current_app.extensions["inbox_writer"])
