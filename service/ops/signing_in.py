"""Sign-in of the operator: ADDUCTOR_OPS_TOKEN, typed into the form of `/ops`, opens the page for twelve hours.

The cookie is a signature and holds no token. Its key depends on the token, so that a new token ends every sign-in. It goes
with nothing but `/ops`, and not with requests that other sites start. Without the setting there is no such page.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
from collections.abc import Callable
from typing import ParamSpec

from flask import Blueprint, abort, redirect, request, url_for
from itsdangerous import BadSignature, URLSafeTimedSerializer
from werkzeug.wrappers import Response

from service.context import installation

blueprint = Blueprint("ops", __name__)
P = ParamSpec("P")
Page = str | Response | tuple[str, int]

COOKIE = "adductor_ops"
SIGNED_IN_FOR_S = 12 * 3600


def operators_only(page: Callable[P, Page]) -> Callable[P, Page]:
    """404 without a token set; the form for browsers that haven't signed in."""

    @functools.wraps(page)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> Page:
        if not signed_in():
            return redirect(url_for("ops.sign_in"), 303)
        return page(*args, **kwargs)

    return guarded


def signed_in() -> bool:
    """Whether this browser has signed in with the token of now; 404 when none is set."""
    signer = _signer()
    try:
        signer.loads(request.cookies.get(COOKIE, ""), max_age=SIGNED_IN_FOR_S)
    except BadSignature:
        return False
    return True


def is_token(given: str) -> bool:
    """Whether this is the token. Takes as long for any wrong one."""
    return hmac.compare_digest(hashlib.sha256(given.encode()).digest(), hashlib.sha256(_token().encode()).digest())


def let_in(response: Response) -> Response:
    """Mark this browser as the operator's."""
    response.set_cookie(
        COOKIE,
        str(_signer().dumps("operator")),
        max_age=SIGNED_IN_FOR_S,
        path=url_for("ops.board"),
        secure=installation().settings.public_url.startswith("https://"),
        httponly=True,
        samesite="Strict",
    )
    return response


def let_go(response: Response) -> Response:
    """Sign this browser out."""
    response.delete_cookie(COOKIE, path=url_for("ops.board"))
    return response


def _token() -> str:
    token = installation().settings.ops_token
    if token is None:
        abort(404)
    return token.get_secret_value()


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(installation().settings.derived(f"operator's token {_token()}"), salt="signed in")
