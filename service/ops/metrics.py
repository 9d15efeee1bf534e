"""`/metrics`: who may read it. What it says is made in `exposition`, which is imported with the first scrape."""

from __future__ import annotations

import hmac

from flask import Response, abort, request

from service import limits
from service.context import installation
from service.ops.routes import blueprint

# What a proxy on this machine passes on was asked by somebody else.
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")


@blueprint.get("/metrics")
@limits.uncounted
@limits.secret
def metrics() -> Response:
    """Prometheus text, for this machine or whoever has ADDUCTOR_METRICS_TOKEN; nothing there for anybody else."""
    here = installation()
    token = here.settings.metrics_token
    if token is not None:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), token.get_secret_value().encode()):
            abort(404)
    elif request.remote_addr not in {"127.0.0.1", "::1"} or any(name in request.headers for name in _FORWARDED):
        abort(404)
    from service.ops import exposition

    return Response(exposition.text(here), mimetype="text/plain; version=0.0.4")
