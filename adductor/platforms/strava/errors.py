"""Strava's failures by kind, in words for people. Pure.

A table: the first row that is a fact of the answer (its status, its codes, the caller's credentials) gives its kind.
Bodies are ``{"message": ..., "errors": [{"resource", "field", "code"}]}``; they may also be empty or a web page.
"""

from __future__ import annotations

import json
import re
from datetime import datetime

import requests

from adductor.platforms.base import ErrorKind as Kind
from adductor.platforms.base import PlatformError
from adductor.platforms.transport import NO_ADDRESS, reason_of

# Strava's codes are a few words. Longer ones are not repeated to people or logs: they might echo a secret of the request.
_SHORT = re.compile(r"[A-Za-z0-9_:. -]{1,48}")
_MAX_DETAILS = 5
_CAP = re.compile(rb"connected athletes", re.IGNORECASE)
_SEARCHED_BYTES = 4_096

_PAGE = "https://www.strava.com/settings/api"
_URLS = "ADDUCTOR_STRAVA_API_URL and ADDUCTOR_STRAVA_OAUTH_URL"
# In this order. Rows with a slash are codes.
_MEANINGS = {
    "429": (Kind.RATE_LIMITED, "Strava's rate limit is reached; {doing} waits for the next window."),
    "moved": (
        Kind.MISCONFIGURED,
        f"Strava answers from another address ({{status}} while {{doing}}): compare {_URLS} with Strava's documentation.",
    ),
    "passing": (Kind.RETRY, "Strava answered {status} while {doing}. It is tried again later."),
    "cap": (
        Kind.CAP,
        f"Strava lets no more athletes connect to this application. Its owner can raise the number to 10 at {_PAGE}, and "
        "above that by Strava's review.",
    ),
    "web page": (Kind.RETRY, "Strava answered {status} with a web page while {doing}. It is tried again later."),
    "Application/Status/Inactive": (
        Kind.INACTIVE,
        "Strava has switched this application off: since June 2026 its owner needs a paid Strava subscription. The owner "
        f"subscribes and then reactivates the application at {_PAGE}.",
    ),
    "Application/client_id/invalid": (
        Kind.MISCONFIGURED,
        f"Strava knows no application with this STRAVA_CLIENT_ID: compare it with {_PAGE}.",
    ),
    "refused refresh": (
        Kind.REVOKED,
        "Strava no longer accepts this runner's refresh token: the runner has disconnected, or another process has "
        "renewed it. Connecting again helps.",
    ),
    "AuthorizationCode/code/invalid": (
        Kind.REFUSED,
        "Strava no longer accepts this code: it was used before, or too old. Connecting once more helps.",
    ),
    # 401 and not 403: it looks like a bad token, but a new one doesn't help.
    "missing scope": (
        Kind.SCOPE_MISSING,
        "The runner hasn't allowed {doing}: {codes}. Connecting again with every box ticked does.",
    ),
    "401 of an athlete": (
        Kind.UNAUTHORIZED,
        "Strava refused this runner's access token while {doing}. A new one may help.",
    ),
    "401 of an application": (
        Kind.MISCONFIGURED,
        f"Strava doesn't accept STRAVA_CLIENT_ID with STRAVA_CLIENT_SECRET (while {{doing}}): compare both with {_PAGE}.",
    ),
    "404 of an athlete": (
        Kind.NOT_FOUND,
        "Strava doesn't have it (404 while {doing}): deleted, hidden from us, or too new to be read yet.",
    ),
    "404 of an application": (
        Kind.MISCONFIGURED,
        f"Strava knows no such address (404 while {{doing}}): check {_URLS}.",
    ),
    "subscription": (Kind.REFUSED, "Strava refused {doing} ({status} {codes})."),
    "other": (Kind.UNEXPECTED, "Strava answered {status} {codes} while {doing}. It is tried again later."),
}


def failure_of(
    error: Exception, status: int, *, doing: str, by_token: bool, retry_at: datetime | None = None
) -> PlatformError:
    """The PlatformError that an exception under a call stands for; ``status`` is that of the answer, 0 without one.

    ``doing`` completes "Strava ... while <doing>". ``by_token``: the call carried an athlete's access token, not the
    application's credentials. ``retry_at`` (UTC) goes with a 429, to which Strava adds no Retry-After.
    """
    # stravalib lets redirects pass and stumbles over their body.
    if not isinstance(error, requests.HTTPError) and not 300 <= status < 400:
        if isinstance(error, NO_ADDRESS):
            return PlatformError(Kind.MISCONFIGURED, f"Of {_URLS} one isn't an address that can be called.")
        return PlatformError(Kind.RETRY, f"Strava {reason_of(error)} while {doing}. It is tried again later.")
    response = error.response if isinstance(error, requests.HTTPError) else None
    body = b"" if response is None else response.content
    details = _details(body)
    codes = details or ()
    facts = dict.fromkeys(codes, True) | {
        str(status): True,
        "moved": status in (301, 308),
        "passing": not 400 <= status < 500 or status in (408, 425),
        "cap": _CAP.search(body[:_SEARCHED_BYTES]) is not None,  # also in a web page: no other page says this
        "web page": details is None,  # a proxy's or maintenance page proves nothing about a token or a run
        "refused refresh": not by_token and "RefreshToken/refresh_token/invalid" in codes,
        "missing scope": status == 401 and any(code.endswith("/missing") for code in codes),
        f"{status} of an {'athlete' if by_token else 'application'}": True,
        "subscription": any(code.startswith("PushSubscription/") for code in codes),
        "other": True,
    }
    kind, message = next(meaning for fact, meaning in _MEANINGS.items() if facts.get(fact))
    return PlatformError(
        kind,
        message.format(status=status, doing=doing, codes="; ".join(codes) or "without a code"),
        retry_at=retry_at if kind is Kind.RATE_LIMITED else None,
        status=status,
        details=codes,
    )


def _details(body: bytes) -> tuple[str, ...] | None:
    """Each error as "resource/field/code", as far as they are short words. None: a web page instead of JSON."""
    try:
        parsed = json.loads(body) if body.strip() else {}
    except (ValueError, RecursionError):
        return None
    if not isinstance(parsed, dict):
        return None
    errors = parsed.get("errors")
    listed = [errors] if isinstance(errors, dict) else errors if isinstance(errors, list) else []
    words = [[error.get(key) for key in ("resource", "field", "code")] for error in listed if isinstance(error, dict)]
    return tuple("/".join(_short(word) for word in three) for three in words[:_MAX_DETAILS])


def _short(word: object) -> str:
    return word if isinstance(word, str) and _SHORT.fullmatch(word) else "?"
