"""The webhook: check the event's shape, store it, answer 200. A worker does the rest later."""

from __future__ import annotations

import hmac

from flask import Blueprint, Response, abort, jsonify, request

from adductor import logs, metrics
from adductor.platforms.base import EventError
from adductor.platforms.strava import webhooks as strava
from service import limits
from service.context import inbox_writer, installation
from service.inbox_writer import NotStoredError

blueprint = Blueprint("webhooks", __name__)
log = logs.get(__name__)


@blueprint.get("/webhooks/strava/<key>")
@limits.uncounted
@limits.secret
def handshake(key: str) -> tuple[Response, int]:
    """Strava asks whether this address is ours before it makes the subscription."""
    _check_key(key)
    try:
        return jsonify(strava.answer_handshake(request.args, installation().settings.verify_token)), 200
    except EventError as error:
        log.warning("handshake refused", reason=str(error))
        return jsonify(error=str(error)), 400


@blueprint.post("/webhooks/strava/<key>")
@limits.uncounted
@limits.secret
def receive(key: str) -> tuple[Response, int]:
    """Store one event. 200 means that it is on disk, 503 that Strava should send it again."""
    _check_key(key)
    try:
        event = strava.parse_event(request.get_data())
    except EventError as error:
        log.warning("event refused", reason=str(error))
        metrics.WEBHOOKS.labels("refused").inc()
        return jsonify(error=str(error)), 400
    try:
        inbox_writer().put(event)
    except NotStoredError as error:
        log.error("event not stored", problem=str(error))
        metrics.WEBHOOKS.labels("not_stored").inc()
        return jsonify(error="the event could not be stored; please send it again"), 503
    metrics.WEBHOOKS.labels("stored").inc()
    return jsonify(stored=True), 200


def _check_key(key: str) -> None:
    if not hmac.compare_digest(key.encode(), installation().settings.webhook_key.encode()):
        abort(404)
