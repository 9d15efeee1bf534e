"""The runner chosen in a browser: a plain, unsigned cookie, because the data are made up."""

from __future__ import annotations

from flask import Response, request

_COOKIE = "sandbox_runner"


def chosen_runner_id() -> int | None:
    """The runner of `?runner=` or of the cookie; not checked for existence."""
    text = request.args.get("runner") or request.cookies.get(_COOKIE, "")
    return int(text) if text.isdecimal() and len(text) < 19 else None


def remember_runner(response: Response, runner_id: int) -> None:
    response.set_cookie(_COOKIE, str(runner_id), max_age=365 * 86_400, samesite="Lax", httponly=True)
