"""Who may see the operator's page: whoever typed ADDUCTOR_OPS_TOKEN into its form within the last twelve hours.

The cookie holds no token: a signed word that somebody knew it, and which one, so that a new token ends every sign-in. It goes
with nothing but `/ops`, and not with requests that other sites start. Without the setting there is no such page.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
from collections.abc import Callable
from typing import ParamSpec

from flask import abort, redirect, request, url_for
from itsdangerous import BadSignature, URLSafeTimedSerializer
from werkzeug.wrappers import Response

from service.context import installation

P = ParamSpec("P")
Page = str | Response | tuple[str, int]

COOKIE = "adductor_ops"
SIGNED_IN_FOR_S = 12 * 3600


def operators_only(page: Callable[P, Page]) -> Callable[P, Page]:
    """Nothing here without a token set; the form for whoever hasn't signed in."""

    @functools.wraps(page)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> Page:
        _token()
        if not signed_in():
            return redirect(url_for("ops.sign_in"), 303)
        return page(*args, **kwargs)

    return guarded


def signed_in() -> bool:
    """Whether this browser has signed in with the token of now."""
    try:
        held = _serializer().loads(request.cookies.get(COOKIE, ""), max_age=SIGNED_IN_FOR_S)
    except BadSignature:
        return False
    return isinstance(held, str) and hmac.compare_digest(held, _fingerprint())


def is_token(given: str) -> bool:
    """Whether this is the token. Takes as long for any wrong one."""
    return hmac.compare_digest(hashlib.sha256(given.encode()).digest(), hashlib.sha256(_token().encode()).digest())


def let_in(response: Response) -> Response:
    """Mark this browser as the operator's."""
    response.set_cookie(
        COOKIE,
        str(_serializer().dumps(_fingerprint())),
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


def token_is_set() -> None:
    """404 when no token is set: then there is no such page."""
    _token()


def _token() -> str:
    token = installation().settings.ops_token
    if token is None:
        abort(404)
    return token.get_secret_value()


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(installation().settings.derived("operator"), salt="signed in")


def _fingerprint() -> str:
    key = installation().settings.derived("operator's token").encode()
    return hmac.new(key, _token().encode(), hashlib.sha256).hexdigest()[:32]
