"""For health checks: is it alive, is it ready."""

from __future__ import annotations

import redis
from flask import Response, jsonify

from adductor import __version__
from adductor.installation import Installation
from service.app import installation
from service.ops.routes import blueprint


@blueprint.get("/healthz")
def alive() -> Response:
    """200 while the process runs."""
    return jsonify(status="ok", version=__version__)


@blueprint.get("/readyz")
def ready() -> tuple[Response, int]:
    """200 when database and broker answer."""
    down = sorted(name for name, answers in parts_that_answer(installation()).items() if not answers)
    if down:
        return jsonify(status="not ready", down=down), 503
    return jsonify(status="ready"), 200


def parts_that_answer(here: Installation) -> dict[str, bool]:
    """Whether database and broker answer now."""
    return {"database": here.store.answers(), "broker": _broker_answers(here)}


def _broker_answers(here: Installation) -> bool:
    if here.redis is None:
        return False
    try:
        return bool(here.redis.ping())
    except redis.RedisError:
        return False
