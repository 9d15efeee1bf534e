"""For health checks: is it alive, is it ready."""

from __future__ import annotations

import redis
from flask import Response, jsonify

from adductor import __version__
from adductor.installation import Installation
from service import limits
from service.context import inbox_writer, installation
from service.ops.routes import blueprint


@blueprint.get("/healthz")
@limits.uncounted
def alive() -> Response:
    """200 while the process runs."""
    return jsonify(status="ok", version=__version__)


@blueprint.get("/readyz")
@limits.uncounted
def ready() -> tuple[Response, int]:
    """200 when database and broker answer and take what is given to them."""
    answering = parts_that_answer(installation())
    answering["database"] = answering["database"] and not inbox_writer().failing
    down = sorted(name for name, answers in answering.items() if not answers)
    if down:
        return jsonify(status="not ready", down=down), 503
    return jsonify(status="ready"), 200


def parts_that_answer(here: Installation) -> dict[str, bool]:
    """Whether database and broker answer now."""
    return {"database": here.store.answers(), "broker": _broker_answers(here)}


_LOOKED_AT = "adductor:looked-at"
_LOOKED_AT_FOR_S = 60


def _broker_answers(here: Installation) -> bool:
    if here.redis is None:
        return False
    try:
        # A full Redis still answers a ping.
        return bool(here.redis.set(_LOOKED_AT, 1, ex=_LOOKED_AT_FOR_S))
    except redis.RedisError:
        return False
