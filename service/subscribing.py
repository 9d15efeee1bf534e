"""The webhook subscription at Strava: make it, repair it, remember its id."""

from __future__ import annotations

import hmac
import secrets

import requests
from sqlalchemy import delete

from adductor.installation import Installation
from adductor.platforms.base import ErrorKind, PlatformError, SubscriptionOutcome
from adductor.store.models import Subscription

# Strava itself waits 2 s; from this machine a tunnel may take a way around.
_TIMEOUT_S = 5.0


def subscribe(installation: Installation) -> SubscriptionOutcome:
    """Make sure that Strava sends its events to us, and remember under which id. Raises PlatformError.

    One that leads elsewhere is replaced only when our own address answers the handshake: Strava has one subscription, and
    deleting a good one for an address that then fails would leave none.
    """
    settings = installation.settings
    # Forgotten first: from the handshake on, events of the new subscription may come before its id is known here.
    _forget(installation)

    def we_answer(theirs: str) -> None:
        problem = handshake_problem(installation)
        if problem is not None:
            raise PlatformError(
                ErrorKind.MISCONFIGURED,
                f"The subscription for {theirs} stays: {settings.public_url} {problem}. Start `adductor web` there, or "
                "mend ADDUCTOR_PUBLIC_URL, and subscribe again. Should it answer from outside all the same: `adductor "
                "strava unsubscribe`, then `adductor strava subscribe`.",
            )

    outcome = installation.subscriptions("strava").ensure_subscription(
        settings.webhook_url, settings.verify_token, before_replacing=we_answer
    )
    remember(installation, outcome.subscription_id)
    return outcome


def remember(installation: Installation, subscription_id: int) -> None:
    """Store the id. One that changes past us is learned from its events (`adductor.jobs.events`)."""
    with installation.store.write() as session:
        session.merge(
            Subscription(
                platform="strava",
                subscription_id=subscription_id,
                callback_url=installation.settings.webhook_url[:255],
                created_at=installation.clock.now(),
            )
        )


def unsubscribe(installation: Installation) -> list[int]:
    """End every subscription of the application. Returns their ids. Raises PlatformError."""
    platform = installation.subscriptions("strava")
    ids = [subscription.id for subscription in platform.list_subscriptions()]
    for subscription_id in ids:
        platform.delete_subscription(subscription_id)
    _forget(installation)
    return ids


def _forget(installation: Installation) -> None:
    with installation.store.write() as session:
        session.execute(delete(Subscription).where(Subscription.platform == "strava"))


def handshake_problem(installation: Installation) -> str | None:
    """The fault of our webhook's answer to the handshake, asked from this machine; None when it is right."""
    settings = installation.settings
    challenge = secrets.token_hex(8)
    asked = {"hub.mode": "subscribe", "hub.challenge": challenge, "hub.verify_token": settings.verify_token}
    try:
        answer = requests.get(settings.webhook_url, params=asked, timeout=_TIMEOUT_S, allow_redirects=False)
    except requests.RequestException as error:
        return f"can't be reached from here ({type(error).__name__})"
    try:
        said = str(answer.json().get("hub.challenge", ""))
    except (ValueError, AttributeError):
        said = ""
    if answer.status_code != 200 or not hmac.compare_digest(said.encode(), challenge.encode()):
        return f"answers {answer.status_code} instead of the handshake"
    return None
