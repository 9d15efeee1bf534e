"""The one webhook subscription: the words for an operator when it can't be made. test_with_sandbox makes it."""

from __future__ import annotations

import re

import pytest

from adductor.platforms.base import ErrorKind, PlatformError, Subscription
from adductor.platforms.base import SubscriptionOutcome as Outcome
from adductor.platforms.strava.subscription import ensure_subscription

OURS = "https://coach.example/webhooks/strava/the-key"
OLD = "https://old.example/webhooks/strava/the-old-key"
NOT_VERIFIABLE = ("PushSubscription/callback url/not verifiable",)
NOT_200 = ("PushSubscription/callback url/GET to callback URL does not return 200",)
INVALID = ("PushSubscription/callback url/invalid",)
EXISTS = ("PushSubscription/subscription/already exists",)


class OneSubscription:
    """Strava's rule in a few lines: one subscription, made only when the callback answers."""

    def __init__(
        self, standing: str | None = None, refuses: tuple[str, ...] | None = None, meanwhile: str | None = None
    ) -> None:
        self.standing = Subscription(1, standing) if standing else None
        self.refuses = refuses
        self.meanwhile = meanwhile  # another process subscribes between two calls

    def list_subscriptions(self) -> list[Subscription]:
        return [self.standing] if self.standing else []

    def create_subscription(self, callback_url: str, verify_token: str) -> int:
        if self.refuses is not None:
            if self.meanwhile:
                self.standing = Subscription(9, self.meanwhile)
            raise PlatformError(ErrorKind.REFUSED, "Strava refused.", status=400, details=self.refuses)
        self.standing = Subscription(2, callback_url)
        return 2

    def delete_subscription(self, subscription_id: int) -> None:
        assert self.standing is not None
        assert subscription_id == self.standing.id
        self.standing = None


def refusal(strava: OneSubscription) -> PlatformError:
    with pytest.raises(PlatformError) as caught:
        ensure_subscription(strava, OURS, "verify")
    assert "the-key" not in caught.value.message
    assert "the-old-key" not in caught.value.message
    return caught.value


@pytest.mark.parametrize(
    ("standing", "details", "kind", "words"),
    [
        (None, NOT_VERIFIABLE, ErrorKind.REFUSED, "https://coach.example .*ADDUCTOR_PUBLIC_URL .*again.$"),
        (None, NOT_200, ErrorKind.REFUSED, "https://coach.example .*ADDUCTOR_PUBLIC_URL .*again.$"),
        (OLD, NOT_VERIFIABLE, ErrorKind.REFUSED, "https://old.example had to be deleted"),
        (None, INVALID, ErrorKind.MISCONFIGURED, "ADDUCTOR_PUBLIC_URL"),
        (None, ("Application//",), ErrorKind.REFUSED, "^Strava refused.$"),
    ],
)
def test_refused_subscription_names_what_to_check(
    standing: str | None, details: tuple[str, ...], kind: ErrorKind, words: str
) -> None:
    error = refusal(OneSubscription(standing, details))
    assert error.kind is kind
    assert re.search(words, error.message)


def test_subscription_made_meanwhile_is_kept_or_named_as_anothers() -> None:
    strava = OneSubscription(refuses=EXISTS, meanwhile=OURS)
    assert ensure_subscription(strava, OURS, "verify") == Outcome("kept", 9)
    error = refusal(OneSubscription(refuses=EXISTS, meanwhile=OLD))
    assert "https://old.example. Another installation" in error.message


def test_an_address_that_strava_could_not_take_is_not_tried() -> None:
    with pytest.raises(PlatformError, match="255"):
        ensure_subscription(None, "https://coach.example/" + "x" * 250, "verify")
