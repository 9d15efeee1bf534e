"""How often a visitor may ask: plenty for a person, for a club behind one address and for the link scanners of mail
providers; too little to guess a link or to wear the service out.

Counted in Redis where one is set, so that all web processes share the count, and in the process's own memory where none is
set or while it is gone: a lost Redis never takes the site down. Strava's own events are never counted.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import time
from typing import Any

from flask import Flask, Response, current_app, request, session
from flask_limiter import ApplicationLimit, Limit, Limiter

from adductor import logs
from adductor.settings import Settings

log = logs.get(__name__)

# A page is one or two counted requests (static files don't count), so this is a hundred people at once behind one address
# of a mobile network, and a tenth of what one process answers. Judgement, as are the others.
EVERYTHING = "600 per minute"
# Addresses (and one token) that are secrets: whoever has one never misses. A scanner that follows old links misses a few.
MISSES = "60 per minute"
# One link: a person taps it once or twice, a mail scanner opens it a few times.
ONE_LINK = "60 per minute"
# Each way back asks Strava to trade a code; a club that connects in one evening behind one address stays below.
CONNECTING = "30 per minute"
# Everything about a runner in one answer.
EXPORTS = "30 per hour"
# The operator's token is chosen by a person.
OPERATORS = "10 per minute"

# A Redis that doesn't answer may cost a request this much; then it is left alone for a while.
_REDIS_TIMEOUT_S = 0.3
_GUESSABLE = frozenset(
    {
        "webhooks.handshake",
        "webhooks.receive",
        "answers.ask",
        "answers.take",
        "answers.ask_to_unsubscribe",
        "answers.unsubscribe",
        "answers.ask_to_confirm",
        "answers.confirm",
        "pages.calendar",
        "pages.routine",
        "pages.routine_exercise",
        "pages.routine_state",
        "pages.finish",
        "pages.suggestion",
        "pages.answer",
        "ops.metrics",
    }
)
# Those that mail scanners and calendar services open for many runners from one address: counted for each link.
_LINKS = frozenset(name for name in _GUESSABLE if name.startswith("answers.")) | {
    "pages.calendar",
    "pages.routine",
    "pages.routine_exercise",
}
_CONNECT = frozenset({"connect.start", "connect.callback"})
# Probes of whoever runs it: being told to come back later would read as being down.
_PROBES = frozenset({"ops.alive", "ops.ready", "ops.metrics"})


def protect(app: Flask, settings: Settings) -> Limiter:
    """Count the requests of this application. To be called before CSRF protection, whose refusals count too."""
    limiter = Limiter(
        visitor,
        storage_uri=_storage(settings),
        storage_options=_storage_options(settings),
        key_prefix="adductor",
        in_memory_fallback_enabled=True,
        swallow_errors=True,
        request_identifier=lambda: request.endpoint or "nowhere",
        application_limits=[
            ApplicationLimit(EVERYTHING, scope="everything", exempt_when=_uncounted),
            ApplicationLimit(
                MISSES,
                key_function=address,
                scope="misses",
                exempt_when=lambda: request.endpoint not in _GUESSABLE or by_this_machine(),
                deduct_when=_missed,
            ),
        ],
        default_limits=[
            Limit(
                ONE_LINK,
                key_function=_link,
                scope="link",
                exempt_when=lambda: request.endpoint not in _LINKS or by_this_machine(),
            ),
            Limit(
                CONNECTING,
                key_function=address,
                scope="address",
                exempt_when=lambda: request.endpoint not in _CONNECT or by_this_machine(),
            ),
            Limit(
                EXPORTS,
                scope="export",
                exempt_when=lambda: request.endpoint != "pages.export" or by_this_machine(),
            ),
            Limit(
                OPERATORS,
                key_function=address,
                scope="operator",
                methods=["POST"],
                exempt_when=lambda: request.endpoint != "ops.sign_in" or by_this_machine(),
            ),
        ],
    )
    # Before all else: looking through every limit would be a quarter of what an event costs.
    limiter.request_filter(_strava)
    limiter.init_app(app)
    app.extensions["limits"] = limiter
    app.before_request(_warn_of_an_unknown_proxy)
    return limiter


def retry_after_s() -> int:
    """How long whoever was just refused has to wait."""
    limit = current_app.extensions["limits"].current_limit
    try:
        return max(1, int(limit.reset_at - time.time()))
    except Exception:  # the storage went meanwhile: any answer is better than none
        return 60


def address() -> str:
    """Who asks, as far as the network tells. An IPv6 customer has a whole /64, so that is one visitor."""
    try:
        ip = ipaddress.ip_address(request.remote_addr or "")
    except ValueError:
        return "unknown"
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return str(ip.ipv4_mapped)
        return str(ipaddress.ip_network((ip, 64), strict=False).network_address)
    return str(ip)


def visitor() -> str:
    """A runner wherever they are, by the session that we signed; everybody else by address."""
    athlete = session.get("athlete")
    return f"runner {athlete}" if isinstance(athlete, int) else address()


def by_this_machine() -> bool:
    """Asked from this machine itself. With proxies in front, what they pass on is not."""
    if request.remote_addr not in {"127.0.0.1", "::1"}:
        return False
    return not (_forwarded() and current_app.config["TRUSTED_PROXIES"])


def _forwarded() -> bool:
    return "X-Forwarded-For" in request.headers or "Forwarded" in request.headers


def _uncounted() -> bool:
    return request.endpoint in _LINKS | _PROBES or request.blueprint == "webhooks" or by_this_machine()


def _missed(response: Response) -> bool:
    return response.status_code == 404


def _link() -> str:
    # The link itself is a secret, and counts stand in Redis.
    return hashlib.sha256(request.path.encode()).hexdigest()[:32]


def _strava() -> bool:
    """Whoever knows the webhook's key: Strava. Its events are never refused for their number."""
    if request.blueprint != "webhooks":
        return False
    given = str((request.view_args or {}).get("key", ""))
    return hmac.compare_digest(given.encode(), current_app.extensions["installation"].settings.webhook_key.encode())


def _storage(settings: Settings) -> str:
    # `limits` spells a unix socket differently from redis-py.
    return "memory://" if settings.redis is None else settings.redis.replace("unix://", "redis+unix://", 1)


def _storage_options(settings: Settings) -> dict[str, Any]:
    if settings.redis is None:
        return {}
    return {
        "socket_timeout": _REDIS_TIMEOUT_S,
        "socket_connect_timeout": _REDIS_TIMEOUT_S,
        "retry": None,  # redis-py's own retries would cost four seconds a failure
        "key_prefix": "adductor:limits",
    }


def _warn_of_an_unknown_proxy() -> None:
    """A proxy on this machine that we weren't told of: all its visitors look like this machine."""
    config = current_app.config
    if config["TRUSTED_PROXIES"] or config.get("PROXY_WARNED") or not _forwarded():
        return
    config["PROXY_WARNED"] = True
    log.warning(
        "requests come through a proxy that ADDUCTOR_TRUSTED_PROXIES does not count: "
        "its visitors can't be told apart; set it to the number of proxies in front"
    )
