"""The webhook subscription at Strava: make it, remember its id, ask Strava each hour whether it is still there.

A missing one is made again, and the time without it counts as an outage. One that leads to another host stays: a second
installation with the same application would otherwise take it away each hour.
"""

from __future__ import annotations

import hmac
import secrets
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from sqlalchemy import delete
from sqlalchemy.orm import Session

from adductor import logs, metrics
from adductor.installation import Installation
from adductor.platforms.base import ErrorKind, PlatformError
from adductor.store.models import Heartbeat, Outage, Subscription

log = logs.get(__name__)

# Strava itself waits 2 s; from this machine a tunnel may take a way around.
_TIMEOUT_S = 5.0
CHECK = "subscription check"
# The heartbeat that Strava's own word leaves; older than this, the subscription counts as unknown.
_CONFIRMED = "subscription confirmed"
UNKNOWN_AFTER = timedelta(hours=3)


class Outcome(NamedTuple):
    """The subscription after `subscribe`, and the address of the one that it replaced."""

    action: Literal["kept", "created", "replaced"]
    subscription_id: int
    former_callback_url: str | None = None


def find_problem(session: Session, now: datetime) -> str | None:
    """Why Strava's events may not come here, as of its last answer; None when it confirmed the subscription."""
    check, confirmed = session.get(Heartbeat, CHECK), session.get(Heartbeat, _CONFIRMED)
    problem = check.note if check is not None else None
    if session.get(Subscription, "strava") is None:
        return problem or "none is known here: Strava sends nothing"
    if confirmed is None or now - confirmed.at > UNKNOWN_AFTER:
        return (
            f"Strava has not confirmed it for {UNKNOWN_AFTER.seconds // 3600} hours{f': {problem}' if problem else ''}"
        )
    return None


def check(installation: Installation) -> str | None:
    """Ask Strava for the subscription and make a missing one again; what is wrong, None when it leads here."""
    settings = installation.settings
    try:
        listed = installation.subscriptions("strava").list_subscriptions()
        ours = [subscription for subscription in listed if subscription.callback_url == settings.webhook_url]
        theirs = [_host(each.callback_url) for each in listed if _host(each.callback_url) != _host(settings.public_url)]
        if theirs:
            _forget(installation, wanted=True)
            metrics.SUBSCRIPTION_CHECKS.labels("elsewhere").inc()
            return f"Strava's events go to another installation ({theirs[0]})"
        if ours:
            remember(installation, ours[0].id)
        else:
            log.warning("subscription made again", id=subscribe(installation).subscription_id)
        metrics.SUBSCRIPTION_CHECKS.labels("confirmed" if ours else "made_again").inc()
    except PlatformError as error:
        metrics.SUBSCRIPTION_CHECKS.labels("failed").inc()
        return error.message
    return None


def is_wanted(installation: Installation) -> bool:
    """Whether a subscription was ever asked for and not ended by `adductor strava unsubscribe`."""
    if installation.settings.uses_sandbox:
        return False
    with installation.store.read() as session:
        return any(session.get(table, key) for table, key in ((Subscription, "strava"), (Heartbeat, CHECK)))


def subscribe(installation: Installation) -> Outcome:
    """Make sure that Strava sends its events to us, and remember under which id. Doing it again changes nothing.

    Strava allows one subscription, so one that leads elsewhere is deleted before the new one is made, and only when our own
    address answers the handshake. Raises PlatformError, also after a failed handshake: then there is none.
    """
    settings, strava = installation.settings, installation.subscriptions("strava")
    # Forgotten first: from the handshake on, events of the new subscription may come before its id is known here.
    _forget(installation, wanted=True)
    former = None
    for existing in strava.list_subscriptions():
        if existing.callback_url == settings.webhook_url:
            remember(installation, existing.id)
            return Outcome("kept", existing.id)
        former = existing.callback_url
        _check_handshake(installation, former)
        strava.delete_subscription(existing.id)
    try:
        made = strava.create_subscription(settings.webhook_url, settings.verify_token)
    except PlatformError as error:
        raise _explained(error, settings.public_url, former) from None
    remember(installation, made, was_missing=True)
    return Outcome("replaced" if former else "created", made, former)


def _check_handshake(installation: Installation, theirs: str) -> None:
    """Raise PlatformError where our own address doesn't answer: deleting their good one would leave none."""
    problem, public_url = handshake_problem(installation), installation.settings.public_url
    if problem is not None:
        raise PlatformError(
            ErrorKind.MISCONFIGURED,
            f"The subscription for {_host(theirs)} stays: {public_url} {problem}. Start `adductor web` there, or mend "
            "ADDUCTOR_PUBLIC_URL, and subscribe again. Should it answer from outside all the same: `adductor strava "
            "unsubscribe`, then `adductor strava subscribe`.",
        )


def _explained(error: PlatformError, public_url: str, former: str | None) -> PlatformError:
    """The refusal in words for the operator where Strava's codes tell the cause."""
    codes, message = " ".join(error.details), error.message
    if "already exists" in codes:
        message = (
            "Strava says that this application already has a subscription. Another process or installation with the same "
            "STRAVA_CLIENT_ID is subscribing too: stop it, or give it an application of its own, then subscribe again."
        )
    elif "callback" in codes:
        message = (
            f"Strava called {public_url} and didn't get the right answer within 2 s. Check from outside that "
            "ADDUCTOR_PUBLIC_URL leads to this web service, and that it runs with the same ADDUCTOR_STRAVA_VERIFY_TOKEN and "
            "ADDUCTOR_WEBHOOK_KEY (or ADDUCTOR_SECRET_KEY) as this command; then subscribe again."
        )
    if former:
        message += f" The subscription for {_host(former)} had to be deleted for this, so there is none now."
    return PlatformError(error.kind, message, status=error.status, details=error.details)


def remember(installation: Installation, subscription_id: int, *, was_missing: bool = False) -> None:
    """Store the id that Strava has just confirmed, and when.

    The time without a subscription (``was_missing``) counts as an outage: every log is looked at.
    """
    now = installation.clock.now()
    with installation.store.write() as session:
        known, confirmed = session.get(Subscription, "strava"), session.get(Heartbeat, _CONFIRMED)
        if was_missing and confirmed is not None:
            session.add(Outage(began_at=confirmed.at, ended_at=now))
        if known is None or known.subscription_id != subscription_id:
            callback_url = installation.settings.webhook_url[:255]
            row = Subscription(platform="strava", subscription_id=subscription_id, callback_url=callback_url)
            row.created_at = now
            session.merge(row)
        session.merge(Heartbeat(part=_CONFIRMED, at=now))
        session.merge(Heartbeat(part=CHECK, at=now, note=None))


def unsubscribe(installation: Installation) -> list[int]:
    """End every subscription of the application. Returns their ids. Raises PlatformError."""
    platform = installation.subscriptions("strava")
    ids = [subscription.id for subscription in platform.list_subscriptions()]
    for subscription_id in ids:
        platform.delete_subscription(subscription_id)
    _forget(installation, wanted=False)
    return ids


def _forget(installation: Installation, *, wanted: bool) -> None:
    with installation.store.write() as session:
        session.execute(delete(Subscription).where(Subscription.platform == "strava"))
        if wanted:
            session.merge(Heartbeat(part=CHECK, at=installation.clock.now(), note="there was none at the last attempt"))
        else:
            session.execute(delete(Heartbeat).where(Heartbeat.part == CHECK))


def _host(url: str) -> str:
    return "/".join(url.split("/")[:3])  # its path is a secret


def handshake_problem(installation: Installation) -> str | None:
    """The fault of our webhook's answer to the handshake, asked from this machine; None when it is right."""
    import requests  # 4 MB in every worker until it is used

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
