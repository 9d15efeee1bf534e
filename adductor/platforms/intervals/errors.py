"""intervals.icu's failures by kind, in words for people. Pure: decided by status and type of contents.

Bodies are ``{"status", "error"}``, Spring's ``{"timestamp", "status", "error", "path"}``, an array of those, or a web page of
the proxy in front, which proves nothing about a token.
"""

from __future__ import annotations

import json
import re
from datetime import datetime

import requests

from adductor.platforms.base import ErrorKind as Kind
from adductor.platforms.base import PlatformError
from adductor.platforms.transport import NO_ADDRESS, reason_of

_URLS = "ADDUCTOR_INTERVALS_API_URL and ADDUCTOR_INTERVALS_OAUTH_URL"
_JAVA = re.compile(r"\bjava\.[\w.]+")
_MEANINGS = {
    "no json": (Kind.RETRY, "intervals.icu answered {status} with a web page while {doing}. It is tried again later."),
    "429": (Kind.RATE_LIMITED, "intervals.icu's rate limit is reached; {doing} waits."),
    "moved": (
        Kind.MISCONFIGURED,
        f"intervals.icu answers from another address ({{status}} while {{doing}}): check {_URLS}.",
    ),
    "java": (Kind.PERMANENT, "intervals.icu can't answer this ({status} while {doing})."),
    "passing": (Kind.RETRY, "intervals.icu answered {status} while {doing}. It is tried again later."),
    "code": (
        Kind.REFUSED,
        "intervals.icu no longer accepts this code: it was used before, or is older than two minutes. Connecting once more "
        "helps.",
    ),
    "application": (
        Kind.MISCONFIGURED,
        "intervals.icu doesn't accept INTERVALS_CLIENT_ID with INTERVALS_CLIENT_SECRET ({status} while {doing}): compare "
        "both with the application's page, and whether it was approved.",
    ),
    "401": (Kind.UNAUTHORIZED, "intervals.icu refused this runner's access while {doing}."),
    "key": (Kind.UNAUTHORIZED, "intervals.icu refused this runner's API key while {doing}."),
    "403": (
        Kind.SCOPE_MISSING,
        "The runner hasn't allowed {doing}. Connecting again with every box ticked does.",
    ),
    "404": (Kind.NOT_FOUND, "intervals.icu doesn't have it (404 while {doing})."),
    "invalid": (Kind.PERMANENT, "intervals.icu refused {doing} ({status})."),
    "other": (Kind.UNEXPECTED, "intervals.icu answered {status} while {doing}. It is tried again later."),
}


def failure_of_exception(error: Exception, *, doing: str) -> PlatformError:
    """No answer that can be read came."""
    if isinstance(error, NO_ADDRESS):
        return PlatformError(Kind.MISCONFIGURED, f"Of {_URLS} one isn't an address that can be called.")
    return PlatformError(Kind.RETRY, f"intervals.icu {reason_of(error)} while {doing}. It is tried again later.")


def failure_of_answer(
    response: requests.Response, *, doing: str, needs: str, by: str, retry_at: datetime | None = None
) -> PlatformError:
    """An answer other than 200. ``by``: token, key or application; ``needs``: the generic name of the missing permission."""
    status, body = response.status_code, _json_of(response)
    said = json.dumps(body) if body is not None else ""
    facts = {
        "429": status == 429,
        "moved": 300 <= status < 400,
        "no json": body is None and bool(response.content.strip()) and status not in (401, 404),
        "java": status == 500 and _JAVA.search(said) is not None,
        "passing": status >= 500 or status in (408, 425),
        "code": by == "application" and status == 404 and "code" in said.lower(),
        "application": by == "application",
        "401": status == 401,
        "key": by == "key" and status == 403,
        "403": status == 403 and body is not None,
        "404": status == 404,
        "invalid": status in (400, 409, 413, 415, 422),
        "other": True,
    }
    fact = next(fact for fact in ("429", "moved", *_MEANINGS) if facts.get(fact))
    kind, message = _MEANINGS[fact]
    return PlatformError(
        kind,
        message.format(status=status, doing=doing),
        retry_at=retry_at if kind is Kind.RATE_LIMITED else None,
        status=status,
        details=(needs,) if kind is Kind.SCOPE_MISSING else (),
    )


def _json_of(response: requests.Response) -> object | None:
    """The body's object or array; None: a web page, or nothing."""
    try:
        body = json.loads(response.content)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict | list) else None
