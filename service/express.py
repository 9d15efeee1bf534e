"""Strava's events on a way of their own, past what is for browsers: sessions, form tokens, counts of visits.

Strava gives us two seconds, and most of what a request of a browser costs here is none of its events' business. The same
view, error answers and headers as everywhere, in a smaller application; whatever isn't plainly an event for our address
goes the usual way, wrong keys above all: those are counted.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Flask, Response
from flask.sessions import SessionInterface, SessionMixin

from adductor.settings import Settings
from service import webhooks

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from flask import Request


class Express:
    """WSGI: the small application for our webhook's address, the whole one for everything else."""

    def __init__(self, app: Flask, settings: Settings, protect: Callable[[Response], Response]) -> None:
        self._site: WSGIApplication = app.wsgi_app
        self._events = _small(app, protect).wsgi_app
        self._path = urlsplit(settings.webhook_url).path.encode()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        ours = (
            environ["REQUEST_METHOD"] == "POST"
            and not environ.get("QUERY_STRING")
            and not environ.get("SCRIPT_NAME")
            and hmac.compare_digest(environ["PATH_INFO"].encode(), self._path)
        )
        return (self._events if ours else self._site)(environ, start_response)


class _NoSession(SessionInterface):
    def open_session(self, app: Flask, request: Request) -> SessionMixin | None:
        return None

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        pass


def _small(app: Flask, protect: Callable[[Response], Response]) -> Flask:
    small = type(app)(app.import_name, static_folder=None, template_folder=None)
    small.session_interface = _NoSession()
    small.register_blueprint(webhooks.blueprint)
    small.after_request(protect)
    # The same objects: what is set in the one afterwards holds in the other.
    small.config = app.config
    small.extensions = app.extensions
    small.error_handler_spec = app.error_handler_spec
    return small
