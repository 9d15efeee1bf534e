"""Health checks and metrics, for process managers, proxies and Prometheus."""

from __future__ import annotations

import hmac

from flask import Response, abort, jsonify, request

from adductor import __version__
from service import limits
from service.context import inbox_writer, installation
from service.doctor.status import find_problems
from service.ops.page import blueprint

# A proxy on this machine sets one of them: then the request comes from elsewhere.
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")


@blueprint.get("/healthz")
@limits.uncounted
def alive() -> Response:
    """200 while the process runs."""
    return jsonify(status="ok", version=__version__)


@blueprint.get("/readyz")
@limits.uncounted
def ready() -> tuple[Response, int]:
    """200 when database and broker answer and accept writes; else 503 with the names of those that do not, and why."""
    problems = find_problems(installation())
    if inbox_writer().failing:
        problems.setdefault("database", "does not store events")
    if problems:
        return jsonify(status="not ready", down=sorted(problems), why=problems), 503
    return jsonify(status="ready"), 200


@blueprint.get("/metrics")
@limits.uncounted
@limits.secret
def metrics() -> Response:
    """Prometheus text, for this machine alone, or for requests with ADDUCTOR_METRICS_TOKEN where it is set; else 404."""
    token = installation().settings.metrics_token
    if token is not None:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), token.get_secret_value().encode()):
            abort(404)
    elif request.remote_addr not in {"127.0.0.1", "::1"} or any(name in request.headers for name in _FORWARDED):
        abort(404)
    from service.ops import exposition  # prometheus_client is loaded by the first scrape

    return Response(exposition.text(installation()), mimetype="text/plain; version=0.0.4")
