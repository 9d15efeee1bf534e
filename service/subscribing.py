"""Our one webhook subscription: made, repaired, remembered."""

from __future__ import annotations

from adductor.installation import Installation
from adductor.platforms.strava.subscription import Outcome, ensure_subscription
from adductor.store.models import Subscription


def subscribe(installation: Installation) -> Outcome:
    """Make sure that Strava sends its events to us, and remember under which id. Raises PlatformError."""
    settings = installation.settings
    with installation.store.write() as session:
        # Forgotten first: from the handshake on, events of the new subscription may come before its id is known here.
        known = session.get(Subscription, "strava")
        if known is not None:
            session.delete(known)
    outcome = ensure_subscription(installation.strava, settings.webhook_url, settings.verify_token)
    remember(installation, outcome.subscription_id)
    return outcome


def remember(installation: Installation, subscription_id: int) -> None:
    """Events of other subscriptions are not ours from now on."""
    with installation.store.write() as session:
        session.merge(
            Subscription(
                platform="strava",
                subscription_id=subscription_id,
                callback_url=installation.settings.webhook_url[:255],
                created_at=installation.clock.now(),
            )
        )


def forget(installation: Installation) -> None:
    """There is no subscription any more."""
    with installation.store.write() as session:
        known = session.get(Subscription, "strava")
        if known is not None:
            session.delete(known)
