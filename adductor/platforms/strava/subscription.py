"""Keeping the one webhook subscription that a Strava application may have.

Source: https://developers.strava.com/docs/webhooks/
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from adductor.platforms.base import Action, ErrorKind, PlatformError, Subscription, SubscriptionOutcome

# What Strava accepts; a longer address would only be answered by "invalid".
MAX_CALLBACK_URL_CHARS = 255


class Subscriptions(Protocol):
    """The calls of `StravaClient` that this needs."""

    def list_subscriptions(self) -> list[Subscription]: ...
    def create_subscription(self, callback_url: str, verify_token: str) -> int: ...
    def delete_subscription(self, subscription_id: int) -> None: ...


def ensure_subscription(
    client: Subscriptions,
    callback_url: str,
    verify_token: str,
    *,
    before_replacing: Callable[[str], None] | None = None,
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
    existing = client.list_subscriptions()
    kept = _for_address(existing, callback_url)
    if kept is not None:
        return SubscriptionOutcome(Action.KEPT, kept.id)
    for stale in existing:
        if before_replacing is not None:
            before_replacing(_without_path(stale.callback_url))
        client.delete_subscription(stale.id)
    former = existing[0].callback_url if existing else None
    try:
        number = client.create_subscription(callback_url, verify_token)
    except PlatformError as error:
        if "already exists" not in " ".join(error.details):
            raise _explained(error, callback_url, former) from None
        # Another process subscribed between our list and our call.
        existing = client.list_subscriptions()
        kept = _for_address(existing, callback_url)
        if kept is None:
            raise _theirs(error, existing) from None
        return SubscriptionOutcome(Action.KEPT, kept.id, former)
    return SubscriptionOutcome(Action.REPLACED if former else Action.CREATED, number, former)


def _theirs(error: PlatformError, existing: Sequence[Subscription]) -> PlatformError:
    address = f": {_without_path(existing[0].callback_url)}" if existing else ""
    return _with_message(
        error,
        ErrorKind.REFUSED,
        f"Strava says that this application already has a subscription, and it isn't ours{address}. Another "
        "installation with the same STRAVA_CLIENT_ID is subscribing too: stop it, or give it an application of its "
        "own, then subscribe again.",
    )


def _explained(error: PlatformError, callback_url: str, former: str | None) -> PlatformError:
    """The same refusal in words for the operator, where Strava's codes tell the cause."""
    codes = " ".join(error.details).lower()
    address = _without_path(callback_url)
    if "callback" not in codes and "verifiable" not in codes:
        return error
    if "/invalid" in codes:
        return _with_message(
            error,
            ErrorKind.MISCONFIGURED,
            f"Strava doesn't take {address} as a callback address: ADDUCTOR_PUBLIC_URL has to be one that can be called "
            "from outside.",
        )
    lost = ""
    if former:
        lost = f" The subscription for {_without_path(former)} had to be deleted for this, so there is none now."
    return _with_message(
        error,
        ErrorKind.REFUSED,
        f"Strava called {address} and didn't get the right answer within 2 s. Check from outside that "
        "ADDUCTOR_PUBLIC_URL leads to this web service, and that it runs with the same ADDUCTOR_STRAVA_VERIFY_TOKEN and "
        f"ADDUCTOR_WEBHOOK_KEY (or ADDUCTOR_SECRET_KEY) as this command; then subscribe again.{lost}",
    )


def _with_message(error: PlatformError, kind: ErrorKind, message: str) -> PlatformError:
    return PlatformError(kind, message, status=error.status, details=error.details)


def _for_address(existing: Sequence[Subscription], callback_url: str) -> Subscription | None:
    return next((one for one in existing if one.callback_url == callback_url), None)


def _without_path(url: str) -> str:
    """The address as far as it may be shown: its path holds the webhook's key."""
    scheme, mark, rest = url.partition("://")
    return f"{scheme}{mark}{rest.partition('/')[0]}"
