"""How large a request's body may be: forms and Strava's events are small, a body of many events may come whole."""

from __future__ import annotations

from adductor.platforms.intervals.webhooks import MAX_BODY_BYTES

MOST_BODY_BYTES = 64 * 1024
_LARGE = {"/webhooks/intervals/": MAX_BODY_BYTES}


def most_body_bytes(path: str) -> int:
    """The limit of a path."""
    return next((most for start, most in _LARGE.items() if path.startswith(start)), MOST_BODY_BYTES)
