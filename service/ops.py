"""For those who run it: is it alive, is it ready, what does it do."""

from __future__ import annotations

import hmac
from datetime import datetime

import redis
from flask import Blueprint, Response, abort, jsonify, request
from sqlalchemy import func, select

from adductor import __version__
from adductor.installation import Installation
from adductor.store.models import DecisionRecord, Delivery, InboxEvent
from service.app import installation

blueprint = Blueprint("ops", __name__)


@blueprint.get("/healthz")
def alive() -> Response:
    """200 while the process runs."""
    return jsonify(status="ok", version=__version__)


@blueprint.get("/readyz")
def ready() -> tuple[Response, int]:
    """200 when database and broker answer."""
    here = installation()
    parts = {"database": here.store.answers(), "broker": broker_answers(here)}
    down = sorted(name for name, answers in parts.items() if not answers)
    if down:
        return jsonify(status="not ready", down=down), 503
    return jsonify(status="ready"), 200


@blueprint.get("/metrics")
def metrics() -> Response:
    """Prometheus text, counted in the database, so that it is the same from every process."""
    token = installation().settings.metrics_token
    if token is not None:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), token.get_secret_value().encode()):
            abort(404)
    elif request.remote_addr not in {"127.0.0.1", "::1"}:
        abort(404)
    return Response(_exposition(installation()), mimetype="text/plain; version=0.0.4")


def broker_answers(here: Installation) -> bool:
    """Whether Redis answers now."""
    if here.redis is None:
        return False
    try:
        return bool(here.redis.ping())
    except redis.RedisError:
        return False


def _exposition(here: Installation) -> str:
    from prometheus_client import CollectorRegistry, Gauge, generate_latest

    registry = CollectorRegistry()
    now = here.clock.now()
    with here.store.read() as session:
        for name, what, statement in (
            ("events", "Webhook events by state", select(InboxEvent.state, func.count()).group_by(InboxEvent.state)),
            ("decisions", "Decisions by rule", select(DecisionRecord.rule, func.count()).group_by(DecisionRecord.rule)),
            ("deliveries", "Deliveries by state", select(Delivery.state, func.count()).group_by(Delivery.state)),
        ):
            label = "rule" if name == "decisions" else "state"
            gauge = Gauge(f"adductor_{name}", what, [label], registry=registry)
            for value, count in session.execute(statement):
                gauge.labels(value).set(count)
        waiting = InboxEvent.state.in_(("waiting", "claimed"))
        oldest: datetime | None = session.scalar(select(func.min(InboxEvent.received_at)).where(waiting))
    age = Gauge("adductor_oldest_waiting_event_seconds", "Age of the oldest event that waits", registry=registry)
    age.set((now - oldest).total_seconds() if oldest else 0)
    return generate_latest(registry).decode()
