"""How many requests (fixed-window counters by Flask-Limiter; each route declares its own rate), and how large bodies may be.

The counters stand in Redis where one is set, so that all web processes share them, and in the process's memory without one
or while it is away. This machine itself and Strava, which knows the webhook's key, are never refused.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from flask import Flask, current_app, request, session
from flask_limiter import ApplicationLimit, Limiter

from adductor.platforms.intervals.webhooks import MAX_BODY_BYTES
from adductor.settings import Settings
from service.context import installation

P = ParamSpec("P")
R = TypeVar("R")

# A page is one or two counted requests (static files don't count): a hundred people at once behind one address of a mobile
# network. Judgement, as are the others.
EVERYTHING = "600 per minute"
MISSES = "60 per minute"  # 404s at secret addresses: a scanner that follows old links misses a few
ONE_LINK = "60 per minute"  # an athlete taps a link once or twice, a mail scanner opens it a few times
CONNECTING = "30 per minute"  # each trades a code with Strava; a club that connects in one evening stays below
EXPORTS = "30 per hour"
OPERATORS = "10 per minute"  # wrong ones: the operator's token is chosen by a person
# Forms and events of Strava are small; a body of intervals.icu's may hold many events.
MOST_BODY_BYTES = 64 * 1024
# A Redis that doesn't answer costs a request this much; then it is left alone for a while.
REDIS_TIMEOUT_S = 0.3
# An address as proxies write it: with a port behind it, and IPv6 in brackets then.
_WITH_PORT = re.compile(r"\[([^\]]+)\](?::\d+)?|([\d.]+):\d+")


def most_body_bytes(path: str) -> int:
    """How large a request's body may be."""
    return MAX_BODY_BYTES if path.startswith("/webhooks/intervals/") else MOST_BODY_BYTES


def address() -> str:
    """The caller's address; of IPv6 its /64, which is one customer."""
    given = request.remote_addr or ""
    with_port = _WITH_PORT.fullmatch(given)
    try:
        ip = ipaddress.ip_address(with_port[1] or with_port[2] if with_port else given)
    except ValueError:
        return "unknown"
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    return str(ip.ipv4_mapped or ipaddress.IPv6Network((int(ip), 64), strict=False).network_address)


def visitor() -> str:
    """The athlete of the signed session, at whatever address; else the address."""
    athlete = session.get("athlete")
    return f"runner {athlete}" if isinstance(athlete, int) else address()


def by_this_machine() -> bool:
    """Whether this machine itself asks. What a proxy on it passes on doesn't count."""
    is_forwarded = "X-Forwarded-For" in request.headers or "Forwarded" in request.headers
    is_passed_on = is_forwarded and current_app.config["TRUSTED_PROXIES"]
    return request.remote_addr in {"127.0.0.1", "::1"} and not is_passed_on


def _by_strava() -> bool:
    """Whether the caller knows the webhook's key."""
    given = str((request.view_args or {}).get("key", ""))
    key = installation().settings.webhook_key
    return request.blueprint == "webhooks" and hmac.compare_digest(given.encode(), key.encode())


def _is_uncounted() -> bool:
    return getattr(current_app.view_functions.get(request.endpoint or ""), "uncounted", False)


def _hashed_path() -> str:
    return hashlib.sha256(request.path.encode()).hexdigest()[:32]  # the link itself is a secret


_limiter = Limiter(
    visitor,
    key_prefix="adductor",
    in_memory_fallback_enabled=True,
    swallow_errors=True,
    request_identifier=lambda: request.endpoint or "nowhere",
    application_limits=[ApplicationLimit(lambda: EVERYTHING, scope="everything", exempt_when=_is_uncounted)],
)
_limiter.request_filter(_by_strava)
_limiter.request_filter(by_this_machine)

# For routes whose address holds a secret: wrong guesses of all of them count together.
secret = _limiter.shared_limit(
    lambda: MISSES, "misses", key_func=address, deduct_when=lambda response: response.status_code == 404
)
connecting = _limiter.shared_limit(lambda: CONNECTING, "connecting", key_func=address)
exports = _limiter.limit(lambda: EXPORTS)
operators = _limiter.shared_limit(
    lambda: OPERATORS, "operators", key_func=address, deduct_when=lambda response: response.status_code == 401
)
_one_link = _limiter.shared_limit(lambda: ONE_LINK, "link", key_func=_hashed_path)


def uncounted(view: Callable[P, R]) -> Callable[P, R]:
    """Count no visit of this route: probes, webhooks, and links that scanners open for many athletes from one address."""
    view.uncounted = True  # type: ignore[attr-defined]
    return view


def link(view: Callable[P, R]) -> Callable[P, R]:
    """Limit the visits of each link by itself, and wrong guesses of links."""
    return uncounted(_one_link(secret(view)))


def protect(app: Flask, settings: Settings) -> None:
    """Count the requests of this application. Before CSRF protection, whose refusals count too."""
    app.config["RATELIMIT_STORAGE_URI"] = "memory://"
    if settings.redis is not None:
        # `limits` spells a unix socket differently from redis-py.
        app.config["RATELIMIT_STORAGE_URI"] = settings.redis.replace("unix://", "redis+unix://", 1)
        app.config["RATELIMIT_STORAGE_OPTIONS"] = {
            "socket_timeout": REDIS_TIMEOUT_S,
            "socket_connect_timeout": REDIS_TIMEOUT_S,
            "retry": None,  # redis-py's own retries would cost four seconds a failure
            "key_prefix": "adductor:limits",
        }
    _limiter.init_app(app)


def retry_after_s() -> int:
    """How long a refused caller has to wait."""
    limit = _limiter.current_limit
    try:
        return max(1, int(limit.reset_at - time.time())) if limit else 60
    except Exception:  # the storage went meanwhile: any answer is better than none
        return 60
