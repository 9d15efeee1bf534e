"""The operator's way in: HTTP Basic authentication (RFC 7617) with ADDUCTOR_OPS_TOKEN as the password, any name."""

from __future__ import annotations

import functools
import hashlib
import hmac
from collections.abc import Callable
from typing import ParamSpec

from flask import Blueprint, Response, abort, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from adductor import logs
from service.context import installation

blueprint = Blueprint("ops", __name__)
log = logs.get(__name__)
P = ParamSpec("P")
Page = str | AnyResponse


def operators_only(page: Callable[P, Page]) -> Callable[P, Page]:
    """404 without a token set; 401, for which the browser asks, without the right one."""

    @functools.wraps(page)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> Page:
        token, given = installation().settings.ops_token or abort(404), request.authorization
        if given is not None and _same(given.password or "", token.get_secret_value()):
            return page(*args, **kwargs)
        if given is not None:
            log.warning("operator not let in")
        text = "This page is the operator's: its password is the value of ADDUCTOR_OPS_TOKEN, with any name."
        body = render_template("message.html", title="Operator sign-in", text=text, athlete=None)
        return Response(body, 401, {"WWW-Authenticate": 'Basic realm="Operator", charset="UTF-8"'})

    return guarded


def _same(given: str, token: str) -> bool:
    """Takes as long for any wrong one."""
    return hmac.compare_digest(hashlib.sha256(given.encode()).digest(), hashlib.sha256(token.encode()).digest())
