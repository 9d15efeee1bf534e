"""The webhooks: check the event's shape, store it, answer 200. A worker does the rest later."""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from flask import Blueprint, Response, abort, jsonify, request
from sqlalchemy.exc import SQLAlchemyError

from adductor import logs, metrics
from adductor.athletes import connections
from adductor.platforms.base import EventError, WebhookEvent
from adductor.platforms.intervals import webhooks as intervals
from adductor.platforms.strava import webhooks as strava
from adductor.queue import heartbeats
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
        return _refuse(str(error), 400)
    return _store([event])


@blueprint.post("/webhooks/intervals/<key>")
@limits.uncounted
@limits.secret
def receive_many(key: str) -> tuple[Response, int]:
    """Store the events of one body, all of them or none. The secret stands in the body, which is never logged."""
    _check_key(key)
    settings, clock = installation().settings, installation().clock
    request.max_content_length = limits.most_body_bytes(request.path)
    try:
        secret, found = intervals.parse_body(request.get_data())
        if not intervals.knows_secret(secret, settings.intervals_secrets):
            return _refuse("secret: not ours", 403)
        events = intervals.events_of(found, clock.now())
    except EventError as error:
        return _refuse(str(error), 400)
    try:
        heartbeats.beat(installation(), intervals.WEBHOOK_SEEN)
        with installation().store.read() as session:
            ours = connections.known_accounts(session, events)
    except SQLAlchemyError:
        log.exception("event not stored")
        return jsonify(error="the events could not be stored; please send them again"), 503
    mine = [event for event in events if event.owner_id in ours]
    metrics.WEBHOOKS.labels("foreign").inc(len(events) - len(mine))
    return _store(mine)


def _refuse(reason: str, status: int) -> tuple[Response, int]:
    log.warning("event refused", reason=reason)
    metrics.WEBHOOKS.labels("refused").inc()
    return jsonify(error=reason), status


def _store(events: Sequence[WebhookEvent]) -> tuple[Response, int]:
    try:
        inbox_writer().put(*events)
    except NotStoredError as error:
        log.error("event not stored", problem=str(error))
        metrics.WEBHOOKS.labels("not_stored").inc()
        return jsonify(error="the event could not be stored; please send it again"), 503
    metrics.WEBHOOKS.labels("stored").inc(len(events))
    return jsonify(stored=True), 200


def _check_key(key: str) -> None:
    if not hmac.compare_digest(key.encode(), installation().settings.webhook_key.encode()):
        abort(404)
