"""Push subscriptions: one an application, made only after the callback has answered the handshake."""

from __future__ import annotations

import secrets
from typing import Any

import requests
from flask import Blueprint, Response

from sandbox import connections, errors, places
from sandbox.calls import endpoint, parameters, world
from sandbox.delivery import direct_session
from sandbox.models import Subscription

blueprint = Blueprint("subscriptions", __name__, url_prefix="/api/v3/push_subscriptions")

# Strava, "Webhook Events API": 255 characters, an answer within two seconds.
CALLBACK_URL_MAX = 255
HANDSHAKE_S = 2.0


def _check_application() -> None:
    given = parameters()
    connections.check_client(world(), given.get("client_id", ""), given.get("client_secret", ""))
    if world().switches.application == "inactive":
        raise errors.inactive()


def _as_json(subscription: Subscription) -> dict[str, Any]:
    made = places.iso_z(places.utc(subscription.created_at))
    return {
        "id": subscription.id,
        "resource_state": 2,
        "application_id": world().config.client_id,
        "callback_url": subscription.callback_url,
        "created_at": made,
        "updated_at": made,
    }


def _shake_hands(callback_url: str, verify_token: str) -> None:
    """Raises Strava's 400 unless the callback echoes the challenge in time."""
    challenge = secrets.token_hex(8)
    query = {"hub.mode": "subscribe", "hub.challenge": challenge, "hub.verify_token": verify_token}
    try:
        with direct_session() as session:
            answer = session.get(callback_url, params=query, timeout=HANDSHAKE_S, allow_redirects=False)
    except requests.RequestException:
        raise errors.bad_request("PushSubscription", "callback url", "not verifiable") from None
    if answer.status_code != 200:
        raise errors.bad_request("PushSubscription", "callback url", "GET to callback URL does not return 200")
    try:
        echoed = answer.json()["hub.challenge"]
    except (ValueError, KeyError, TypeError):
        echoed = None
    if echoed != challenge or answer.elapsed.total_seconds() > HANDSHAKE_S:
        raise errors.bad_request("PushSubscription", "callback url", "not verifiable")


@blueprint.post("")
@endpoint("subscriptions.create")
def create() -> Any:
    _check_application()
    given, here = parameters(), world()
    callback_url = str(given.get("callback_url", ""))
    if not callback_url.startswith(("http://", "https://")) or len(callback_url) > CALLBACK_URL_MAX:
        raise errors.bad_request("PushSubscription", "callback url")
    if here.subscription is not None:
        raise errors.bad_request("PushSubscription", "", "already exists")
    # Not under the lock: the callback may ask us something before it answers.
    _shake_hands(callback_url, str(given.get("verify_token", "")))
    with here.lock:
        if here.subscription is not None:
            raise errors.bad_request("PushSubscription", "", "already exists")
        subscription = Subscription(
            id=here.next_id("subscription"), callback_url=callback_url, created_at=here.clock.now()
        )
        here.save(subscription)
    return {"id": subscription.id}, 201


@blueprint.get("")
@endpoint("subscriptions.list")
def list_() -> Any:
    _check_application()
    subscription = world().subscription
    return [] if subscription is None else [_as_json(subscription)]


@blueprint.delete("/<int:subscription_id>")
@endpoint("subscriptions.delete")
def delete(subscription_id: int) -> Any:
    _check_application()
    here = world()
    with here.lock:
        if here.subscription is None or here.subscription.id != subscription_id:
            raise errors.not_found("PushSubscription")
        here.drop_subscription()
    return Response(status=204)
