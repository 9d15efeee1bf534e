"""Keeping the one webhook subscription: what is kept, made, replaced, and what is said when it can't be."""

from __future__ import annotations

import pytest

from adductor.platforms.base import Action, ErrorKind, PlatformError, Subscription
from adductor.platforms.base import SubscriptionOutcome as Outcome
from adductor.platforms.strava.subscription import ensure_subscription

OURS = "https://coach.example/webhooks/strava/the-key"
OLD = "https://old.example/webhooks/strava/the-old-key"
NOT_VERIFIABLE = ("PushSubscription/callback url/not verifiable",)
NOT_200 = ("PushSubscription/callback url/GET to callback URL does not return 200",)
EXISTS = ("PushSubscription/subscription/already exists",)


class OneSubscription:
    """Strava's rule in a few lines: one subscription, made only when the callback answers."""

    def __init__(self, standing: str | None = None, refuses: tuple[str, ...] | None = None) -> None:
        self.standing = Subscription(1, standing) if standing else None
        self.refuses = refuses
        self.calls: list[str] = []

    def list_subscriptions(self) -> list[Subscription]:
        self.calls.append("list")
        return [self.standing] if self.standing else []

    def create_subscription(self, callback_url: str, verify_token: str) -> int:
        self.calls.append("create")
        if self.refuses is not None:
            self.happens_meanwhile()
            raise PlatformError(ErrorKind.REFUSED, "Strava refused.", status=400, details=self.refuses)
        self.standing = Subscription(2, callback_url)
        return 2

    def delete_subscription(self, subscription_id: int) -> None:
        self.calls.append("delete")
        assert self.standing is not None
        assert subscription_id == self.standing.id
        self.standing = None

    def happens_meanwhile(self) -> None:
        """For a test to say."""


def refusal(strava: OneSubscription) -> PlatformError:
    with pytest.raises(PlatformError) as caught:
        ensure_subscription(strava, OURS, "verify")
    assert "the-key" not in caught.value.message
    assert "the-old-key" not in caught.value.message
    return caught.value


def test_the_first_time_it_is_made() -> None:
    assert ensure_subscription(OneSubscription(), OURS, "verify") == Outcome(Action.CREATED, 2)


def test_the_second_time_it_is_kept_without_a_change() -> None:
    strava = OneSubscription(OURS)
    assert ensure_subscription(strava, OURS, "verify") == Outcome(Action.KEPT, 1)
    assert strava.calls == ["list"]


def test_one_for_another_address_is_replaced() -> None:
    strava = OneSubscription(OLD)
    assert ensure_subscription(strava, OURS, "verify") == Outcome(Action.REPLACED, 2, OLD)
    assert strava.calls == ["list", "delete", "create"]


@pytest.mark.parametrize("details", [NOT_VERIFIABLE, NOT_200])
def test_a_failed_handshake_names_what_to_check(details: tuple[str, ...]) -> None:
    error = refusal(OneSubscription(refuses=details))
    assert error.kind is ErrorKind.REFUSED
    assert "https://coach.example" in error.message
    assert "ADDUCTOR_PUBLIC_URL" in error.message
    assert "deleted" not in error.message


def test_a_failed_handshake_says_that_the_old_subscription_is_gone() -> None:
    assert "https://old.example had to be deleted" in refusal(OneSubscription(OLD, NOT_VERIFIABLE)).message


def test_the_same_one_made_by_another_process_meanwhile_is_fine() -> None:
    strava = OneSubscription(refuses=EXISTS)
    strava.happens_meanwhile = lambda: setattr(strava, "standing", Subscription(9, OURS))  # type: ignore[method-assign]
    assert ensure_subscription(strava, OURS, "verify") == Outcome(Action.KEPT, 9)


def test_a_different_one_made_meanwhile_is_another_installations() -> None:
    strava = OneSubscription(refuses=EXISTS)
    strava.happens_meanwhile = lambda: setattr(strava, "standing", Subscription(9, OLD))  # type: ignore[method-assign]
    error = refusal(strava)
    assert "https://old.example" in error.message
    assert "Another installation" in error.message


def test_an_address_that_strava_does_not_take_is_a_matter_of_settings() -> None:
    error = refusal(OneSubscription(refuses=("PushSubscription/callback url/invalid",)))
    assert error.kind is ErrorKind.MISCONFIGURED
    assert "ADDUCTOR_PUBLIC_URL" in error.message


def test_any_other_refusal_is_passed_on() -> None:
    assert refusal(OneSubscription(refuses=("Application//",))).message == "Strava refused."


def test_an_address_that_strava_could_not_take_is_not_tried() -> None:
    strava = OneSubscription(OLD)
    with pytest.raises(PlatformError, match="255"):
        ensure_subscription(strava, "https://coach.example/" + "x" * 250, "verify")
    assert strava.calls == []
