"""intervals.icu's failures by kind, in words for people. Pure: decided by status and type of contents.

Bodies are ``{"status", "error"}``, Spring's ``{"timestamp", "status", "error", "path"}``, an array of those, or a web page of
the proxy in front, which proves nothing about a token.
"""

from __future__ import annotations

import json
import re

from adductor.platforms.base import ErrorKind as Kind
from adductor.platforms.base import PlatformError

URLS = "ADDUCTOR_INTERVALS_API_URL and ADDUCTOR_INTERVALS_OAUTH_URL"
_JAVA = re.compile(r"\bjava\.[\w.]+")


def failure_of(status: int, content: bytes, *, doing: str, needs: str, by: str) -> PlatformError:
    """The PlatformError that an answer stands for.

    ``by``: token, key or application; ``needs``: the generic name of the missing permission.
    """
    body = _json_of(content)
    said = json.dumps(body)
    later = f"intervals.icu answered {status} while {doing}. It is tried again later."
    rows = (
        (status == 429, Kind.RATE_LIMITED, f"intervals.icu's rate limit is reached; {doing} waits."),
        (
            300 <= status < 400,
            Kind.MISCONFIGURED,
            f"intervals.icu answers from another address ({status} while {doing}): check {URLS}.",
        ),
        (body is None and bool(content.strip()) and status not in (401, 404), Kind.RETRY, later),
        (
            status == 500 and _JAVA.search(said) is not None,
            Kind.PERMANENT,
            f"intervals.icu can't answer this ({status} while {doing}).",
        ),
        (status >= 500 or status in (408, 425), Kind.RETRY, later),
        (
            by == "application" and status == 404 and "code" in said.lower(),
            Kind.REFUSED,
            "intervals.icu no longer accepts this code: it was used before, or is older than two minutes. Connecting once "
            "more helps.",
        ),
        (
            by == "application",
            Kind.MISCONFIGURED,
            f"intervals.icu doesn't accept INTERVALS_CLIENT_ID with INTERVALS_CLIENT_SECRET ({status} while {doing}): "
            "compare both with the application's page, and whether it was approved.",
        ),
        (
            status == 401 or (status == 403 and by == "key"),
            Kind.UNAUTHORIZED,
            f"intervals.icu refused this runner's access while {doing}.",
        ),
        (
            status == 403 and body is not None,
            Kind.SCOPE_MISSING,
            f"The runner hasn't allowed {doing}. Connecting again with every box ticked does.",
        ),
        (status == 404, Kind.NOT_FOUND, f"intervals.icu doesn't have it (404 while {doing})."),
        (
            status in (400, 409, 413, 415, 422),
            Kind.PERMANENT,
            f"intervals.icu refused {doing} ({status}).",
        ),
        (True, Kind.UNEXPECTED, later),
    )
    kind, message = next((kind, message) for holds, kind, message in rows if holds)
    return PlatformError(kind, message, status=status, details=(needs,) if kind is Kind.SCOPE_MISSING else ())


def _json_of(content: bytes) -> object | None:
    """The body's object or array; None: a web page, or nothing."""
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict | list) else None
