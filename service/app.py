"""The web application."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Flask, Response, abort, current_app, request
from flask_wtf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from adductor import __version__, logs
from adductor.installation import Installation
from adductor.settings import Settings
from service import limits
from service.inbox_writer import InboxWriter

log = logs.get(__name__)

# A runner opens a page a few times a month and should not have to sign in each time.
SESSION_DAYS = 90
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "manifest-src 'self'; worker-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
# A year: browsers that have once been here over TLS come back over TLS only.
_HEADERS_WITH_TLS = {**_HEADERS, "Strict-Transport-Security": "max-age=31536000"}


class _Coach(Flask):
    def log_exception(self, exc_info: Any) -> None:
        """Log the route instead of the path, which is a secret of half of our addresses."""
        rule = request.url_rule
        log.error("request failed", method=request.method, route=rule.rule if rule else None, exc_info=exc_info)


def create_app(settings: Settings) -> Flask:
    """The WSGI application for these settings."""
    installation = Installation(settings)
    app = _Coach(__name__)
    with_tls = settings.public_url.startswith("https://")
    app.config.update(
        SECRET_KEY=settings.derived("sessions"),
        MAX_CONTENT_LENGTH=limits.MOST_BODY_BYTES,
        # The prefix makes browsers refuse a cookie that another host of the domain, or a connection without TLS, has set.
        SESSION_COOKIE_NAME="__Host-adductor" if with_tls else "adductor",
        SESSION_COOKIE_PATH="/",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=with_tls,
        PERMANENT_SESSION_LIFETIME=timedelta(days=SESSION_DAYS),
        # The session's own end is the form's end: a page left open over lunch still works.
        WTF_CSRF_TIME_LIMIT=None,
        # Referrers are withheld by our own policy, so they can't be asked for.
        WTF_CSRF_SSL_STRICT=False,
        TRUSTED_PROXIES=settings.trusted_proxies,
        HEADERS=_HEADERS_WITH_TLS if with_tls else _HEADERS,
    )
    if settings.trusted_proxies:
        # Only the caller's address: scheme and host are a setting.
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=settings.trusted_proxies, x_proto=0, x_host=0
        )
    app.extensions["installation"] = installation
    app.extensions["inbox_writer"] = InboxWriter(installation.store, installation.clock, wake_workers)
    app.before_request(_reject_nul)
    limits.protect(app, settings)
    csrf = CSRFProtect(app)

    from service import answers, connect, ops, pages, webhooks

    csrf.exempt(webhooks.blueprint)
    csrf.exempt(answers.blueprint)  # the signed links are the permission
    for part in (webhooks, ops, connect, pages, answers):
        app.register_blueprint(part.blueprint)
    app.after_request(_protect)
    run_by = {name: getattr(settings, name) for name in ("operator", "contact", "contact_link")}
    app.context_processor(lambda: {"version": __version__, "public_url": settings.public_url, **run_by})
    return app


def wake_workers() -> None:
    """Publish one wake-up, which lets a worker drain the inbox. Raises what the broker raises."""
    from workers.tasks import wake

    wake.apply_async()


def _reject_nul() -> None:
    """Reject NUL bytes: PostgreSQL cannot store them, nor compare with them."""
    if any("\0" in str(part) for part in (request.view_args or {}).values()):
        abort(404)
    # An event's bytes are checked by its parser.
    forms = [request.args] if request.blueprint == "webhooks" else [request.args, request.form]
    if any("\0" in text for form in forms for name, values in form.lists() for text in (name, *values)):
        abort(400)


def _protect(response: Response) -> Response:
    for name, value in current_app.config["HEADERS"].items():
        response.headers.setdefault(name, value)
    if response.mimetype == "text/html":
        response.headers.setdefault("Cache-Control", "no-store")
    return response
