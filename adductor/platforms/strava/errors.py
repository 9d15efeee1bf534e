"""Strava's failures by kind, in words for people. Pure.

A table: the first row that holds for the answer (its status, its codes, the caller's credentials) gives its kind.
Bodies are ``{"message": ..., "errors": [{"resource", "field", "code"}]}``; they may also be empty or a web page.
"""

from __future__ import annotations

import json
import re

from adductor.platforms.base import ErrorKind as Kind
from adductor.platforms.base import PlatformError

# Strava's codes are a few words. Longer ones are not repeated to people or logs: they might echo a secret of the request.
_SHORT = re.compile(r"[A-Za-z0-9_:. -]{1,48}")
_MAX_DETAILS = 5
_CAP = re.compile(rb"connected athletes", re.IGNORECASE)
_SEARCHED_BYTES = 4_096

_PAGE = "https://www.strava.com/settings/api"
URLS = "ADDUCTOR_STRAVA_API_URL and ADDUCTOR_STRAVA_OAUTH_URL"


def failure_of(status: int, body: bytes, *, doing: str, by_token: bool) -> PlatformError:
    """The PlatformError that an answer stands for; ``doing`` completes "Strava ... while <doing>".

    ``by_token``: the call carried an athlete's access token, not the application's credentials.
    """
    details = _details(body)
    codes = set(details or ())
    listed = "; ".join(details or ()) or "without a code"
    later = f"Strava answered {status} while {doing}. It is tried again later."
    rows = (
        (status == 429, Kind.RATE_LIMITED, f"Strava's rate limit is reached; {doing} waits for the next window."),
        (
            status in (301, 308),
            Kind.MISCONFIGURED,
            f"Strava answers from another address ({status} while {doing}): compare {URLS} with Strava's documentation.",
        ),
        (not 400 <= status < 500 or status in (408, 425), Kind.RETRY, later),
        (
            _CAP.search(body[:_SEARCHED_BYTES]) is not None,  # also in a web page: no other page says this
            Kind.CAP,
            "Strava lets no more athletes connect to this application. Its owner can raise the number to 10 at "
            f"{_PAGE}, and above that by Strava's review.",
        ),
        # A proxy's or maintenance page proves nothing about a token or a run.
        (details is None, Kind.RETRY, later),
        (
            "Application/Status/Inactive" in codes,
            Kind.INACTIVE,
            "Strava has switched this application off: since June 2026 its owner needs a paid Strava subscription. The "
            f"owner subscribes and then reactivates the application at {_PAGE}.",
        ),
        (
            "Application/client_id/invalid" in codes,
            Kind.MISCONFIGURED,
            f"Strava knows no application with this STRAVA_CLIENT_ID: compare it with {_PAGE}.",
        ),
        (
            "RefreshToken/refresh_token/invalid" in codes and not by_token,
            Kind.REVOKED,
            "Strava no longer accepts this runner's refresh token: the runner has disconnected, or another process has "
            "renewed it. Connecting again helps.",
        ),
        (
            "AuthorizationCode/code/invalid" in codes,
            Kind.REFUSED,
            "Strava no longer accepts this code: it was used before, or too old. Connecting once more helps.",
        ),
        # 401 and not 403: it looks like a bad token, but a new one doesn't help.
        (
            status == 401 and any(code.endswith("/missing") for code in codes),
            Kind.SCOPE_MISSING,
            f"The runner hasn't allowed {doing}: {listed}. Connecting again with every box ticked does.",
        ),
        (
            status == 401 and by_token,
            Kind.UNAUTHORIZED,
            f"Strava refused this runner's access token while {doing}. A new one may help.",
        ),
        (
            status == 401,
            Kind.MISCONFIGURED,
            f"Strava doesn't accept STRAVA_CLIENT_ID with STRAVA_CLIENT_SECRET (while {doing}): compare both with {_PAGE}.",
        ),
        (
            status == 404 and by_token,
            Kind.NOT_FOUND,
            f"Strava doesn't have it (404 while {doing}): deleted, hidden from us, or too new to be read yet.",
        ),
        (status == 404, Kind.MISCONFIGURED, f"Strava knows no such address (404 while {doing}): check {URLS}."),
        (
            any(code.startswith("PushSubscription/") for code in codes),
            Kind.REFUSED,
            f"Strava refused {doing} ({status} {listed}).",
        ),
        (True, Kind.UNEXPECTED, later.replace(str(status), f"{status} {listed}")),
    )
    kind, message = next((kind, message) for holds, kind, message in rows if holds)
    return PlatformError(kind, message, status=status, details=details or ())


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
