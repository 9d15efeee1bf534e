"""For health checks: is it alive, is it ready."""

from __future__ import annotations

import redis
from flask import Response, jsonify

from adductor import __version__
from adductor.installation import Installation
from service import limits
from service.context import inbox_writer, installation
from service.ops.routes import blueprint

# A write that expires: a full or read-only Redis still answers a ping.
_PROBE_KEY = "adductor:looked-at"
_PROBE_KEPT_FOR_S = 60
NO_ANSWER = "does not answer"


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


def find_problems(here: Installation) -> dict[str, str]:
    """What is wrong with database and broker now; empty when both work."""
    found = {"database": None if here.store.answers() else NO_ANSWER, "broker": broker_problem(here)}
    return {name: problem for name, problem in found.items() if problem is not None}


def broker_problem(here: Installation) -> str | None:
    """None when the broker takes a write; else its own words (READONLY, OOM, BUSY, NOPERM), which hold no address."""
    if here.redis is None:
        return "is not set"
    try:
        here.redis.set(_PROBE_KEY, 1, ex=_PROBE_KEPT_FOR_S)
    except redis.ConnectionError as error:
        refused = isinstance(error, (redis.AuthenticationError, redis.BusyLoadingError))
        return f"refuses: {error}" if refused else NO_ANSWER
    except redis.ResponseError as error:
        return f"refuses: {error}"
    except redis.RedisError:
        return NO_ANSWER
    return None
