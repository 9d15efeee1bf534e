"""Strava's failures by kind, in words for people. Pure.

Bodies are ``{"message": ..., "errors": [{"resource", "field", "code"}]}``; they may also be empty or a web page.
"""

from __future__ import annotations

import json
import re
from datetime import datetime

import requests

from adductor.platforms.base import ErrorKind, PlatformError
from adductor.platforms.strava.transport import AnswerTooLargeError

# Strava's codes are a few words. Nothing longer is repeated to people or logs: it might echo what we sent.
_SHORT = re.compile(r"[A-Za-z0-9_:. -]{1,48}")
_MAX_DETAILS = 5
_CAP = re.compile(rb"connected athletes", re.IGNORECASE)
_SEARCHED_BYTES = 4_096

_SETTINGS_PAGE = "https://www.strava.com/settings/api"

_NO_ADDRESS = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
)
# In this order: some of them are kinds of others. An exception's own text may hold an address with a secret.
_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (requests.Timeout, "didn't answer in time"),
    (AnswerTooLargeError, "answered far more than expected"),
    (requests.exceptions.SSLError, "couldn't be reached over TLS (certificate or protocol)"),
    (requests.exceptions.JSONDecodeError, "answered something that can't be read"),
    (requests.RequestException, "couldn't be reached, or the connection dropped,"),
    (ValueError, "answered something that can't be read"),
    (RecursionError, "answered something that can't be read"),
)

# Codes that prove their meaning, whatever the status beside them.
_BY_CODE = {
    "Application/Status/Inactive": (
        ErrorKind.INACTIVE,
        "Strava has switched this application off: since June 2026 its owner needs a paid Strava subscription. "
        f"The owner subscribes and then reactivates the application at {_SETTINGS_PAGE}.",
    ),
    "Application/client_id/invalid": (
        ErrorKind.MISCONFIGURED,
        f"Strava knows no application with this STRAVA_CLIENT_ID: compare it with {_SETTINGS_PAGE}.",
    ),
    "RefreshToken/refresh_token/invalid": (
        ErrorKind.REVOKED,
        "Strava no longer accepts this runner's refresh token: the runner has disconnected, or another process "
        "has renewed it. Connecting again helps.",
    ),
    "AuthorizationCode/code/invalid": (
        ErrorKind.REFUSED,
        "Strava no longer accepts this code: it was used before, or too old. Connecting once more helps.",
    ),
}


class UnusableAnswerError(ValueError):
    """An answer of 200 without the promised content. Its text is in our own words and holds nothing of the answer."""


def failure_of(
    error: Exception, status: int, *, doing: str, by_token: bool, retry_at: datetime | None = None
) -> PlatformError:
    """The PlatformError that an exception under a call stands for; ``status`` is that of the answer, 0 without one.

    ``doing`` completes "Strava ... while <doing>". ``by_token``: the call carried an athlete's access token, not the
    application's credentials. ``retry_at`` (UTC) goes with a 429, to which Strava adds no Retry-After.
    """
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return error_for(status, error.response.content, doing=doing, by_token=by_token, retry_at=retry_at)
    if 300 <= status < 400:
        # stravalib lets redirects pass and stumbles over their body.
        return error_for(status, b"", doing=doing, by_token=by_token)
    if isinstance(error, _NO_ADDRESS):
        return PlatformError(
            ErrorKind.MISCONFIGURED,
            "ADDUCTOR_STRAVA_API_URL or ADDUCTOR_STRAVA_OAUTH_URL isn't an address that can be called.",
        )
    if isinstance(error, UnusableAnswerError):
        reason = str(error)
    else:
        reason = next(reason for kind, reason in _REASONS if isinstance(error, kind))
    return PlatformError(ErrorKind.RETRY, f"Strava {reason} while {doing}. It is tried again later.")


def error_for(
    status: int, body: bytes, *, doing: str, by_token: bool, retry_at: datetime | None = None
) -> PlatformError:
    """The error that an answer's status and body stand for; arguments as in `failure_of`."""
    details = _details(body)
    kind, message = _meaning(status, body, details, doing, by_token=by_token)
    return PlatformError(
        kind,
        message,
        retry_at=retry_at if kind is ErrorKind.RATE_LIMITED else None,
        status=status,
        details=details or (),
    )


def _meaning(
    status: int, body: bytes, details: tuple[str, ...] | None, doing: str, *, by_token: bool
) -> tuple[ErrorKind, str]:
    if status == 429:
        return ErrorKind.RATE_LIMITED, f"Strava's rate limit is reached; {doing} waits for the next window."
    if status in (301, 308):
        return (
            ErrorKind.MISCONFIGURED,
            f"Strava answers from another address ({status} while {doing}): compare ADDUCTOR_STRAVA_API_URL and "
            "ADDUCTOR_STRAVA_OAUTH_URL with Strava's documentation.",
        )
    if not 400 <= status < 500 or status in (408, 425):
        return ErrorKind.RETRY, f"Strava answered {status} while {doing}. It is tried again later."
    if _CAP.search(body[:_SEARCHED_BYTES]):
        # Also as a web page: no other page says this.
        return (
            ErrorKind.CAP,
            "Strava lets no more athletes connect to this application. Its owner can raise the number to 10 at "
            f"{_SETTINGS_PAGE}, and above that by Strava's review.",
        )
    if details is None:
        # A proxy's or maintenance page instead of Strava's own answer proves nothing about a token or a run.
        return ErrorKind.RETRY, f"Strava answered {status} with a web page while {doing}. It is tried again later."
    for code, meaning in _BY_CODE.items():
        if code in details and not (by_token and meaning[0] is ErrorKind.REVOKED):
            return meaning
    named = f", {'; '.join(details)}" if details else ""
    if status == 401:
        return _unauthorized(details, doing, by_token=by_token)
    if status == 404 and by_token:
        return (
            ErrorKind.NOT_FOUND,
            f"Strava doesn't have it (404 while {doing}): deleted, hidden from us, or too new to be read yet.",
        )
    if status == 404:
        return (
            ErrorKind.MISCONFIGURED,
            f"Strava knows no such address (404 while {doing}): check ADDUCTOR_STRAVA_API_URL and "
            "ADDUCTOR_STRAVA_OAUTH_URL.",
        )
    if any(detail.startswith("PushSubscription/") for detail in details):
        return ErrorKind.REFUSED, f"Strava refused {doing} ({status}{named})."
    return ErrorKind.UNEXPECTED, f"Strava answered {status}{named} while {doing}. It is tried again later."


def _unauthorized(details: tuple[str, ...], doing: str, *, by_token: bool) -> tuple[ErrorKind, str]:
    missing = [detail for detail in details if detail.endswith("/missing")]
    if missing:
        # 401 and not 403: it looks like a bad token, but a new one doesn't help.
        return (
            ErrorKind.SCOPE_MISSING,
            f"The runner hasn't allowed {doing}: {'; '.join(missing)}. Connecting again with every box ticked does.",
        )
    if by_token:
        return ErrorKind.UNAUTHORIZED, f"Strava refused this runner's access token while {doing}. A new one may help."
    return (
        ErrorKind.MISCONFIGURED,
        f"Strava doesn't accept STRAVA_CLIENT_ID with STRAVA_CLIENT_SECRET (while {doing}): compare both with "
        f"{_SETTINGS_PAGE}.",
    )


def _details(body: bytes) -> tuple[str, ...] | None:
    """Each error as "resource/field/code", as far as they are short words. None: a web page instead of JSON."""
    if not body.strip():
        return ()
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(parsed, dict):
        return None
    errors = parsed.get("errors")
    if isinstance(errors, dict):
        errors = [errors]
    if not isinstance(errors, list):
        return ()
    details = []
    for error in errors[:_MAX_DETAILS]:
        if isinstance(error, dict):
            words = [error.get(key) for key in ("resource", "field", "code")]
            details.append("/".join(w if isinstance(w, str) and _SHORT.fullmatch(w) else "?" for w in words))
    return tuple(details)
