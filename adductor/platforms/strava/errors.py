"""Strava's failures by kind, in words for people: a table, and the order in which its rows are tried. Pure.

Bodies are ``{"message": ..., "errors": [{"resource", "field", "code"}]}``; they may also be empty or a web page.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime

import requests

from adductor.platforms.base import ErrorKind as Kind
from adductor.platforms.base import PlatformError
from adductor.platforms.strava.transport import AnswerTooLargeError

# Strava's codes are a few words. Nothing longer is repeated to people or logs: it might echo what we sent.
_SHORT = re.compile(r"[A-Za-z0-9_:. -]{1,48}")
_MAX_DETAILS = 5
_CAP = re.compile(rb"connected athletes", re.IGNORECASE)
_SEARCHED_BYTES = 4_096

# Also for `str.format`: the places in the messages below.
_NAMES = {
    "page": "https://www.strava.com/settings/api",
    "urls": "ADDUCTOR_STRAVA_API_URL and ADDUCTOR_STRAVA_OAUTH_URL",
}
_MOVED = "Strava answers from another address ({status} while {doing}): compare {urls} with Strava's documentation."
_MEANINGS = {
    "429": (Kind.RATE_LIMITED, "Strava's rate limit is reached; {doing} waits for the next window."),
    "301": (Kind.MISCONFIGURED, _MOVED),
    "308": (Kind.MISCONFIGURED, _MOVED),
    "passing": (Kind.RETRY, "Strava answered {status} while {doing}. It is tried again later."),
    "cap": (
        Kind.CAP,
        "Strava lets no more athletes connect to this application. Its owner can raise the number to 10 at {page}, and "
        "above that by Strava's review.",
    ),
    "web page": (Kind.RETRY, "Strava answered {status} with a web page while {doing}. It is tried again later."),
    "Application/Status/Inactive": (
        Kind.INACTIVE,
        "Strava has switched this application off: since June 2026 its owner needs a paid Strava subscription. The owner "
        "subscribes and then reactivates the application at {page}.",
    ),
    "Application/client_id/invalid": (
        Kind.MISCONFIGURED,
        "Strava knows no application with this STRAVA_CLIENT_ID: compare it with {page}.",
    ),
    "RefreshToken/refresh_token/invalid": (
        Kind.REVOKED,
        "Strava no longer accepts this runner's refresh token: the runner has disconnected, or another process has "
        "renewed it. Connecting again helps.",
    ),
    "AuthorizationCode/code/invalid": (
        Kind.REFUSED,
        "Strava no longer accepts this code: it was used before, or too old. Connecting once more helps.",
    ),
    # 401 and not 403: it looks like a bad token, but a new one doesn't help.
    "401 missing": (
        Kind.SCOPE_MISSING,
        "The runner hasn't allowed {doing}: {codes}. Connecting again with every box ticked does.",
    ),
    "401 athlete": (
        Kind.UNAUTHORIZED,
        "Strava refused this runner's access token while {doing}. A new one may help.",
    ),
    "401 application": (
        Kind.MISCONFIGURED,
        "Strava doesn't accept STRAVA_CLIENT_ID with STRAVA_CLIENT_SECRET (while {doing}): compare both with {page}.",
    ),
    "404 athlete": (
        Kind.NOT_FOUND,
        "Strava doesn't have it (404 while {doing}): deleted, hidden from us, or too new to be read yet.",
    ),
    "404 application": (Kind.MISCONFIGURED, "Strava knows no such address (404 while {doing}): check {urls}."),
    "subscription": (Kind.REFUSED, "Strava refused {doing} ({status} {codes})."),
    "other": (Kind.UNEXPECTED, "Strava answered {status} {codes} while {doing}. It is tried again later."),
}

# In this order: some of them are kinds of others. An exception's own text may hold an address with a secret.
_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (requests.Timeout, "didn't answer in time"),
    (AnswerTooLargeError, "answered far more than expected"),
    (requests.exceptions.SSLError, "couldn't be reached over TLS (certificate or protocol)"),
    (requests.exceptions.JSONDecodeError, "answered something that can't be read"),
    (requests.RequestException, "couldn't be reached, or the connection dropped,"),
    (Exception, "answered something that can't be read"),
)
_NO_ADDRESS = (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, requests.exceptions.MissingSchema)


def failure_of(
    error: Exception, status: int, *, doing: str, by_token: bool, retry_at: datetime | None = None
) -> PlatformError:
    """The PlatformError that an exception under a call stands for; ``status`` is that of the answer, 0 without one.

    ``doing`` completes "Strava ... while <doing>". ``by_token``: the call carried an athlete's access token, not the
    application's credentials. ``retry_at`` (UTC) goes with a 429, to
    which Strava adds no Retry-After.
    """
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return error_for(status, error.response.content, doing=doing, by_token=by_token, retry_at=retry_at)
    if 300 <= status < 400:
        # stravalib lets redirects pass and stumbles over their body.
        return error_for(status, b"", doing=doing, by_token=by_token)
    if isinstance(error, _NO_ADDRESS):
        return PlatformError(Kind.MISCONFIGURED, "Of {urls} one isn't an address that can be called.".format(**_NAMES))
    reason = next(reason for kind, reason in _REASONS if isinstance(error, kind))
    return PlatformError(Kind.RETRY, f"Strava {reason} while {doing}. It is tried again later.")


def error_for(
    status: int, body: bytes, *, doing: str, by_token: bool, retry_at: datetime | None = None
) -> PlatformError:
    """The error that an answer's status and body stand for; arguments as in `failure_of`."""
    details = _details(body)
    row = next(row for row in _rows(status, body, details, by_token=by_token) if row in _MEANINGS)
    kind, message = _MEANINGS[row]
    codes = "; ".join(details or ()) or "without a code"
    return PlatformError(
        kind,
        message.format(status=status, doing=doing, codes=codes, **_NAMES),
        retry_at=retry_at if kind is Kind.RATE_LIMITED else None,
        status=status,
        details=details or (),
    )


def _rows(status: int, body: bytes, details: tuple[str, ...] | None, *, by_token: bool) -> Iterator[str]:
    """The rows of the table that an answer may stand for, the surest first."""
    yield str(status)
    if not 400 <= status < 500 or status in (408, 425):
        yield "passing"
    if _CAP.search(body[:_SEARCHED_BYTES]):  # also in a web page: no other page says this
        yield "cap"
    if details is None:  # a proxy's or maintenance page proves nothing about a token or a run
        yield "web page"
    for code in details or ():
        if not (by_token and code.startswith("RefreshToken/")):  # only a refused refresh ends a connection
            yield code
    if any(code.endswith("/missing") for code in details or ()):
        yield f"{status} missing"
    yield f"{status} {'athlete' if by_token else 'application'}"
    if any(code.startswith("PushSubscription/") for code in details or ()):
        yield "subscription"
    yield "other"


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
