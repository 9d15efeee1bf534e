"""The web application."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import cast

from flask import Flask, Response, current_app, request
from flask_wtf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from adductor import __version__
from adductor.installation import Installation
from adductor.settings import Settings, load
from service.inbox_writer import InboxWriter
from service.wire import AsciiQuery

# Larger than any webhook event or form of ours by far.
MOST_BODY_BYTES = 64 * 1024
# A runner who opens a page a few times a month should not have to sign in each time.
SESSION_DAYS = 90
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "manifest-src 'self'; worker-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def create_app(settings: Settings | None = None) -> Flask:
    """The WSGI application for these settings (by default: those of the environment)."""
    settings = settings or load()
    installation = Installation(settings)
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY=settings.derived("sessions"),
        MAX_CONTENT_LENGTH=MOST_BODY_BYTES,
        SESSION_COOKIE_NAME="adductor",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.public_url.startswith("https://"),
        PERMANENT_SESSION_LIFETIME=timedelta(days=SESSION_DAYS),
        # The session's own end is the form's end: a page left open over lunch still works.
        WTF_CSRF_TIME_LIMIT=None,
        # Referrers are withheld by our own policy, so they can't be asked for.
        WTF_CSRF_SSL_STRICT=False,
    )
    app.wsgi_app = AsciiQuery(app.wsgi_app)  # type: ignore[method-assign]
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    app.extensions["installation"] = installation
    app.extensions["inbox_writer"] = InboxWriter(installation.store, installation.clock, wake_workers)
    csrf = CSRFProtect(app)

    from service import answers, connect, ops, pages, webhooks

    csrf.exempt(webhooks.blueprint)
    csrf.exempt(answers.blueprint)  # the signed links are the permission
    for part in (webhooks, ops, connect, pages, answers):
        app.register_blueprint(part.blueprint)
    app.after_request(_protect)
    app.context_processor(lambda: {"version": __version__, "public_url": settings.public_url})
    return app


def installation() -> Installation:
    """The installation that the current request belongs to."""
    return cast(Installation, current_app.extensions["installation"])


def inbox_writer() -> InboxWriter:
    """The writer of webhook events of this process."""
    return cast(InboxWriter, current_app.extensions["inbox_writer"])


def wake_workers(ids: Sequence[int]) -> None:
    """Tell the workers that these events wait. Raises what the broker raises."""
    from workers.tasks import wake

    wake.apply_async(args=[list(ids)])


def _protect(response: Response) -> Response:
    headers = response.headers
    headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "no-referrer")
    headers.setdefault("X-Frame-Options", "DENY")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
    if request.is_secure:
        headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    if response.mimetype == "text/html":
        headers.setdefault("Cache-Control", "no-store")
    return response
