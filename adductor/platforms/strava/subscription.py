"""Keeping the one webhook subscription that a Strava application may have.

Source: https://developers.strava.com/docs/webhooks/
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from adductor.platforms.base import ErrorKind, PlatformError, SubscriptionOutcome

if TYPE_CHECKING:
    from adductor.platforms.strava.client import Client

# Strava accepts no longer one; it would only be answered by "invalid".
MAX_CALLBACK_URL_CHARS = 255


def ensure_subscription(
    client: Client, callback_url: str, verify_token: str, *, before_replacing: Callable[[str], None] | None = None
) -> SubscriptionOutcome:
    """Make Strava send this application's events to ``callback_url``; doing it again changes nothing.

    1. A subscription for that address is kept.
    2. One for another address is deleted: Strava allows a single one, so the new one can't be made before.
       ``before_replacing`` gets its address first, and may raise PlatformError to keep it.
    3. The new one is made. Strava calls ``callback_url`` meanwhile, and the web service has to answer within 2 s.

    Raises PlatformError. After a failed handshake there is no subscription, which the message then says.
    """
    if len(callback_url) > MAX_CALLBACK_URL_CHARS:
        raise PlatformError(
            ErrorKind.MISCONFIGURED,
            f"The callback address has {len(callback_url)} characters and Strava takes {MAX_CALLBACK_URL_CHARS}: "
            "shorten ADDUCTOR_PUBLIC_URL.",
        )
    former = None
    for existing in client.list_subscriptions():
        if existing.callback_url == callback_url:
            return SubscriptionOutcome("kept", existing.id)
        former = existing.callback_url
        if before_replacing is not None:
            before_replacing(_without_path(former))
        client.delete_subscription(existing.id)
    try:
        number = client.create_subscription(callback_url, verify_token)
    except PlatformError as error:
        meanwhile = client.list_subscriptions() if "already exists" in " ".join(error.details) else []
        for existing in meanwhile:
            if existing.callback_url == callback_url:  # another process subscribed between our list and our call
                return SubscriptionOutcome("kept", existing.id, former)
        kind, message = _explained(error, callback_url, former, [existing.callback_url for existing in meanwhile])
        raise PlatformError(kind, message, status=error.status, details=error.details) from None
    return SubscriptionOutcome("replaced" if former else "created", number, former)


def _explained(
    error: PlatformError, callback_url: str, former: str | None, meanwhile: list[str]
) -> tuple[ErrorKind, str]:
    """The kind of a refusal, and its words for the operator where Strava's codes tell the cause."""
    codes = " ".join(error.details).lower()
    address = _without_path(callback_url)
    if "already exists" in codes:
        theirs = "".join(f": {_without_path(url)}" for url in meanwhile)
        return ErrorKind.REFUSED, (
            f"Strava says that this application already has a subscription, and it isn't ours{theirs}. Another "
            "installation with the same STRAVA_CLIENT_ID is subscribing too: stop it, or give it an application of its "
            "own, then subscribe again."
        )
    if "callback" not in codes and "verifiable" not in codes:
        return error.kind, error.message
    none_now = ""
    if former:
        none_now = f" The subscription for {_without_path(former)} had to be deleted for this, so there is none now."
    if "/invalid" in codes:
        return ErrorKind.MISCONFIGURED, (
            f"Strava doesn't take {address} as a callback address: ADDUCTOR_PUBLIC_URL has to be one that can be called "
            f"from outside.{none_now}"
        )
    return ErrorKind.REFUSED, (
        f"Strava called {address} and didn't get the right answer within 2 s. Check from outside that "
        "ADDUCTOR_PUBLIC_URL leads to this web service, and that it runs with the same ADDUCTOR_STRAVA_VERIFY_TOKEN and "
        f"ADDUCTOR_WEBHOOK_KEY (or ADDUCTOR_SECRET_KEY) as this command; then subscribe again.{none_now}"
    )


def _without_path(url: str) -> str:
    """The address as far as it may be shown: its path holds the webhook's key."""
    return "/".join(url.split("/")[:3])
