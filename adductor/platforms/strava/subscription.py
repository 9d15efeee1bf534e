"""Keeping the one webhook subscription that a Strava application may have.

Source: https://developers.strava.com/docs/webhooks/
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from adductor.platforms.base import ErrorKind, PlatformError
from adductor.platforms.strava.client import Subscription

# What Strava accepts; a longer address would only be answered by "invalid".
MAX_CALLBACK_URL_CHARS = 255


class Action(StrEnum):
    """What was done."""

    KEPT = "kept"
    CREATED = "created"
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The subscription as it is now. ``former_callback_url`` is that of the subscription that had to go."""

    action: Action
    subscription_id: int
    former_callback_url: str | None = None


class Subscriptions(Protocol):
    """The part of `StravaClient` that this needs."""

    def list_subscriptions(self) -> list[Subscription]: ...
    def create_subscription(self, callback_url: str, verify_token: str) -> int: ...
    def delete_subscription(self, subscription_id: int) -> None: ...


def ensure_subscription(
    client: Subscriptions,
    callback_url: str,
    verify_token: str,
    *,
    before_replacing: Callable[[str], None] | None = None,
) -> Outcome:
    """Make Strava send this application's events to ``callback_url``; doing it again changes nothing.

    1. A subscription for that address is kept.
    2. One for another address is deleted: Strava allows a single one, so the new can't be made before.
       ``before_replacing`` is told its address first, and may raise PlatformError to keep it.
    3. The new one is made. Strava calls ``callback_url`` meanwhile, and the web service has to answer within 2 s.

    Raises PlatformError. After a failed handshake there is no subscription, which the message then says.
    """
    if len(callback_url) > MAX_CALLBACK_URL_CHARS:
        raise PlatformError(
            ErrorKind.MISCONFIGURED,
            f"The callback address has {len(callback_url)} characters and Strava takes {MAX_CALLBACK_URL_CHARS}: "
            "shorten ADDUCTOR_PUBLIC_URL.",
        )
    standing = client.list_subscriptions()
    kept = _for_address(standing, callback_url)
    if kept is not None:
        return Outcome(Action.KEPT, kept.id)
    for stale in standing:
        if before_replacing is not None:
            before_replacing(_without_path(stale.callback_url))
        client.delete_subscription(stale.id)
    former = standing[0].callback_url if standing else None
    try:
        number = client.create_subscription(callback_url, verify_token)
    except PlatformError as error:
        return _after_refusal(client, callback_url, former, error)
    return Outcome(Action.REPLACED if standing else Action.CREATED, number, former)


def _after_refusal(client: Subscriptions, callback_url: str, former: str | None, error: PlatformError) -> Outcome:
    """What a refused subscription means. Raises PlatformError unless somebody else has just made the same one."""
    said = " ".join(error.details).lower()
    if "already exists" in said:
        standing = client.list_subscriptions()
        same = _for_address(standing, callback_url)
        if same is not None:
            return Outcome(Action.KEPT, same.id, former)
        theirs = f": {_without_path(standing[0].callback_url)}" if standing else ""
        raise PlatformError(
            ErrorKind.REFUSED,
            f"Strava says that this application already has a subscription, and it isn't ours{theirs}. Another "
            "installation with the same STRAVA_CLIENT_ID is subscribing too: stop it, or give it an application of its "
            "own, then subscribe again.",
            status=error.status,
            details=error.details,
        )
    if "callback" in said and "/invalid" in said:
        raise PlatformError(
            ErrorKind.MISCONFIGURED,
            f"Strava doesn't take {_without_path(callback_url)} as a callback address: ADDUCTOR_PUBLIC_URL has to be "
            "one that can be called from outside.",
            status=error.status,
            details=error.details,
        )
    if "verifiable" in said or "callback" in said:
        lost = (
            f" The subscription for {_without_path(former)} had to be deleted for this, so there is none now."
            if former
            else ""
        )
        raise PlatformError(
            ErrorKind.REFUSED,
            f"Strava called {_without_path(callback_url)} and didn't get the right answer within 2 s. Check from "
            "outside that ADDUCTOR_PUBLIC_URL leads to this web service, and that it runs with the same "
            "ADDUCTOR_STRAVA_VERIFY_TOKEN and ADDUCTOR_WEBHOOK_KEY (or ADDUCTOR_SECRET_KEY) as this command; then "
            f"subscribe again.{lost}",
            status=error.status,
            details=error.details,
        )
    raise error


def _for_address(standing: Sequence[Subscription], callback_url: str) -> Subscription | None:
    return next((one for one in standing if one.callback_url == callback_url), None)


def _without_path(url: str) -> str:
    """The address as far as it may be shown: its path holds the webhook's key."""
    scheme, mark, rest = url.partition("://")
    return f"{scheme}{mark}{rest.partition('/')[0]}"
