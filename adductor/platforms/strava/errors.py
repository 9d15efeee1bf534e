"""Strava's failures by kind, in words for people. Pure.

Bodies are ``{"message": ..., "errors": [{"resource", "field", "code"}]}``; they may also be empty or a web page.
"""

from __future__ import annotations

import json
import re
from datetime import datetime

from adductor.platforms.base import ErrorKind, PlatformError

# How a call authenticates decides what its 401 means.
BY_TOKEN = "token"  # noqa: S105 - the athlete's access token
BY_APPLICATION = "application"  # client id and secret

# Strava's codes are a few words. Nothing longer is repeated to people or logs: it might echo what we sent.
_SHORT = re.compile(r"[A-Za-z0-9_:. -]{1,48}")
_MAX_DETAILS = 5
_CAP = re.compile(r"connected athletes", re.IGNORECASE)
_SEARCHED_BYTES = 4_096

_SETTINGS_PAGE = "https://www.strava.com/settings/api"


def error_for(
    status: int, body: bytes, *, doing: str, authenticated: str, retry_at: datetime | None = None
) -> PlatformError:
    """The error that an answer stands for.

    ``doing`` completes "Strava ... while <doing>"; ``authenticated`` is BY_TOKEN or BY_APPLICATION; ``retry_at`` (UTC)
    goes with a 429, to which Strava adds no Retry-After.
    """
    parsed = _parse(body)
    details = _details(parsed)
    page = bool(body.strip()) and parsed is None
    if status == 429:
        kind, message = ErrorKind.RATE_LIMITED, f"Strava's rate limit is reached; {doing} waits for the next window."
    elif status in (301, 308):
        kind, message = (
            ErrorKind.MISCONFIGURED,
            f"Strava answers from another address ({status} while {doing}): compare ADDUCTOR_STRAVA_API_URL and "
            "ADDUCTOR_STRAVA_OAUTH_URL with Strava's documentation.",
        )
    elif not 400 <= status < 500 or status in (408, 425):
        kind, message = ErrorKind.RETRY, f"Strava answered {status} while {doing}. It is tried again later."
    elif _CAP.search(body[:_SEARCHED_BYTES].decode("utf-8", "replace")):
        # Also as a web page: whatever else a page says, this it says on purpose.
        kind, message = (
            ErrorKind.CAP,
            "Strava lets no more athletes connect to this application. Its owner can raise the number to 10 at "
            f"{_SETTINGS_PAGE}, and above that by Strava's review.",
        )
    elif page:
        # Somebody's error page instead of Strava's own answer: no reason to believe that a token or a run is gone.
        kind, message = (
            ErrorKind.RETRY,
            f"Strava answered {status} with a web page while {doing}. It is tried again later.",
        )
    elif status == 401:
        kind, message = _unauthorised(details, doing, authenticated)
    elif status == 404:
        kind, message = _not_found(doing, authenticated)
    elif status == 400:
        kind, message = _bad_request(details, doing)
    elif "Application/Status/Inactive" in details:
        kind, message = (
            ErrorKind.INACTIVE,
            "Strava has switched this application off: since June 2026 its owner needs a paid Strava subscription. "
            f"The owner subscribes and then reactivates the application at {_SETTINGS_PAGE}.",
        )
    else:
        kind, message = ErrorKind.REFUSED, f"Strava refused {doing} ({status}{_named(details)})."
    return PlatformError(
        kind,
        message,
        retry_at=retry_at if kind is ErrorKind.RATE_LIMITED else None,
        status=status,
        details=details,
    )


def no_answer(reason: str, *, doing: str) -> PlatformError:
    """Nothing usable came back. ``reason`` is in our own words: an exception's may hold an address with a secret."""
    return PlatformError(ErrorKind.RETRY, f"Strava {reason} while {doing}. It is tried again later.")


def _unauthorised(details: tuple[str, ...], doing: str, authenticated: str) -> tuple[ErrorKind, str]:
    if any(detail.endswith("/missing") for detail in details):
        # 401 and not 403: it looks like a bad token, but a new one doesn't help.
        return (
            ErrorKind.SCOPE_MISSING,
            f"The runner hasn't allowed {doing}{_named(details, ': ')}. Connecting again with every box ticked does.",
        )
    if authenticated == BY_APPLICATION:
        return (
            ErrorKind.MISCONFIGURED,
            f"Strava doesn't accept STRAVA_CLIENT_ID with STRAVA_CLIENT_SECRET (while {doing}): compare both with "
            f"{_SETTINGS_PAGE}.",
        )
    return (
        ErrorKind.REVOKED,
        f"Strava no longer accepts this runner's access token (while {doing}). If a refreshed one isn't accepted "
        "either, the runner has disconnected.",
    )


def _not_found(doing: str, authenticated: str) -> tuple[ErrorKind, str]:
    if authenticated == BY_APPLICATION:
        return (
            ErrorKind.MISCONFIGURED,
            f"Strava knows no such address (404 while {doing}): check ADDUCTOR_STRAVA_API_URL and "
            "ADDUCTOR_STRAVA_OAUTH_URL.",
        )
    return (
        ErrorKind.NOT_FOUND,
        f"Strava doesn't have it (404 while {doing}): deleted, hidden from us, or too new to be read yet.",
    )


def _bad_request(details: tuple[str, ...], doing: str) -> tuple[ErrorKind, str]:
    if "Application/client_id/invalid" in details:
        return (
            ErrorKind.MISCONFIGURED,
            f"Strava knows no application with this STRAVA_CLIENT_ID: compare it with {_SETTINGS_PAGE}.",
        )
    if "RefreshToken/refresh_token/invalid" in details:
        return (
            ErrorKind.REVOKED,
            "Strava no longer accepts this runner's refresh token: the runner has disconnected, or another process "
            "has renewed it. Connecting again helps.",
        )
    if "AuthorizationCode/code/invalid" in details:
        return (
            ErrorKind.REFUSED,
            "Strava no longer accepts this code: it was used before, or too old. Connecting once more helps.",
        )
    return ErrorKind.REFUSED, f"Strava refused {doing} (400{_named(details)})."


def _named(details: tuple[str, ...], lead: str = ", ") -> str:
    return f"{lead}{'; '.join(details)}" if details else ""


def _parse(body: bytes) -> dict[str, object] | None:
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None


def _details(parsed: dict[str, object] | None) -> tuple[str, ...]:
    """Each error as "resource/field/code", as far as they are short words."""
    errors = parsed.get("errors") if parsed else None
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
