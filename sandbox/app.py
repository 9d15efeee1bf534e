"""The sandbox as one Flask application."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, jsonify, request
from flask.json.provider import JSONProvider

from sandbox import admin, api, control, errors, oauth, pages, subscriptions, words
from sandbox.base import BaseWorld
from sandbox.config import SandboxConfig
from sandbox.intervals import admin as intervals_admin
from sandbox.intervals import api as intervals_api
from sandbox.intervals import calls as intervals_calls
from sandbox.intervals import oauth as intervals_oauth
from sandbox.intervals import pages as intervals_pages
from sandbox.intervals.state import IntervalsWorld
from sandbox.state import World

# A description can be long, a season of recordings longer.
_BODY_MAX_BYTES = 32 * 1024 * 1024


class _Json(JSONProvider):
    """Compact, in the order written, real characters: as Strava sends it."""

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        return json.dumps(obj, ensure_ascii=False, separators=(",", ":"))

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        try:
            found = json.loads(s, parse_constant=_no_constant)
            return _mended(found) if ("\\ud" if isinstance(s, str) else b"\\ud") in s.lower() else found  # type: ignore[operator]
        except RecursionError:
            raise ValueError("nested too deeply") from None


def _mended(value: Any) -> Any:
    """Half a surrogate pair, which no database keeps, becomes a question mark."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_mended(item) for item in value]
    if isinstance(value, dict):
        return {_mended(name): _mended(item) for name, item in value.items()}
    return value


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def create_app(config: SandboxConfig) -> Flask:
    """The application with its world, loaded from `config.state_dir`, its deliveries under way.

    Who made it ends it with `close(app)`.
    """
    app = Flask(__name__)
    app.json = _Json(app)
    app.config["MAX_CONTENT_LENGTH"] = _BODY_MAX_BYTES
    app.config["MAX_FORM_MEMORY_SIZE"] = _BODY_MAX_BYTES
    world = World(config)
    app.extensions["sandbox"] = world
    beside = IntervalsWorld(world)
    app.extensions["intervals"] = beside
    strava = (oauth, api, subscriptions, admin, pages, control)
    for part in (*strava, intervals_oauth, intervals_api, intervals_admin, intervals_pages):
        app.register_blueprint(part.blueprint)
    words.register(app)
    app.context_processor(lambda: {"app_url": config.app_url, "clock": world.clock})
    app.after_request(_close_the_windows)
    app.before_request(_same_origin)
    app.register_error_handler(errors.StravaError, errors.StravaError.answer)
    app.register_error_handler(404, _no_such_page)
    world.courier.start()
    beside.courier.start()
    return app


def close(app: Flask) -> None:
    """Stop the deliveries and close the state."""
    for world in _worlds(app):
        world.close()


def closing(app: Flask) -> None:
    """End all waiting requests before shutdown; safe in a signal handler."""
    for world in _worlds(app):
        world.closing = True


def _worlds(app: Flask) -> tuple[BaseWorld, ...]:
    return app.extensions["intervals"], app.extensions["sandbox"]


def _same_origin() -> Response | None:
    """Cross-site request forgery check: another site's page must not press buttons here."""
    origin = request.headers.get("Origin")
    if request.method in ("GET", "HEAD", "OPTIONS") or origin is None:
        return None
    if urlsplit(origin).netloc == request.host:
        return None
    return Response("This form came from another site; the sandbox takes only its own.\n", 403, mimetype="text/plain")


def _close_the_windows(answer: Response) -> Response:
    """Pages load nothing from outside and cannot be framed."""
    answer.headers.setdefault(
        "Content-Security-Policy",
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "frame-src 'self'; frame-ancestors 'self'; base-uri 'none'",
    )
    answer.headers.setdefault("X-Content-Type-Options", "nosniff")
    return answer


def _no_such_page(_: Exception) -> Any:
    if request.path.startswith("/intervals/api/"):
        return intervals_calls.not_found(request.path)
    if request.path.startswith("/api/"):
        return jsonify(
            {"message": "Record Not Found", "errors": [{"resource": "resource", "field": "path", "code": "invalid"}]}
        ), 404
    if request.path.startswith(("/admin/", "/intervals/admin/")):
        return jsonify(
            {"problems": [f"there is no {request.method} {request.path}; sandbox/README.md lists the routes"]}
        ), 404
    return pages.not_found()
