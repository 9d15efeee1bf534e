"""The adapter for Strava (`base.Platform`, `base.SubscribesByApi`).

stravalib is the client underneath, on its low level: raw JSON comes back and is read by our own code.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from urllib.parse import urlencode

from pydantic import Field, TypeAdapter

from adductor import metrics
from adductor.platforms.base import (
    Caller,
    Grant,
    LoggedActivity,
    PlatformError,
    Priority,
    Subscription,
    Tokens,
    own_id,
    storable,
)
from adductor.platforms.budget import return_at
from adductor.platforms.client import MAX_NAME_CHARS, PlatformClient, same
from adductor.platforms.fields import Answer, OptionalText, as_list
from adductor.platforms.strava import FACTS, errors, read_headers
from adductor.platforms.strava.activities import parse_activity
from adductor.platforms.strava.transport import protocol
from adductor.platforms.strava.webhooks import Id, Seconds

if TYPE_CHECKING:
    from stravalib.protocol import ApiV3

log = logging.getLogger(__name__)
T = TypeVar("T")
A = TypeVar("A", bound=Answer)

# The athlete's identity, every run (private ones too), and writing the note.
REQUIRED_SCOPES = ("read", "activity:read_all", "activity:write")
# The most that Strava gives: https://developers.strava.com/docs/#Pagination
PAGE_SIZE = 200
# Its own calls: a person waits for each of them.
_APPLICATION = Caller(None, Priority.CONNECT)

_Token = Annotated[str, Field(min_length=1, max_length=4_096)]
_SUBSCRIPTION = TypeAdapter(Subscription)
_SUBSCRIPTIONS = TypeAdapter(list[Subscription])


class _Tokens(Answer):
    access_token: _Token
    refresh_token: _Token
    expires_at: Seconds

    @property
    def tokens(self) -> Tokens:
        return Tokens(self.access_token, self.refresh_token, datetime.fromtimestamp(self.expires_at, UTC))


class _Athlete(Answer):
    id: Id
    firstname: OptionalText = None
    lastname: OptionalText = None
    measurement_preference: OptionalText = None


class _Grant(_Tokens):
    athlete: _Athlete


@dataclass(kw_only=True, eq=False, repr=False)
class Client(PlatformClient):
    """Strava. Its answers to OAuth calls carry no rate-limit headers, and its limits are on API requests."""

    label = FACTS.label
    urls = errors.URLS

    def __post_init__(self) -> None:
        super().__post_init__()
        self._application: dict[str, Any] = {"client_id": self.client_id, "client_secret": self.client_secret}

    # --- connecting -------------------------------------------------------------------------------------------------

    def authorize_url(self, *, redirect_uri: str, state: str, force: bool = False) -> str:
        query = {
            "client_id": self.client_id,
            "redirect_uri": redirect_uri,
            "response_type": "code",
            "approval_prompt": "force" if force else "auto",
            "scope": ",".join(REQUIRED_SCOPES),
            "state": state,
        }
        return f"{self.oauth_url}/authorize?{urlencode(query)}"

    def exchange_code(self, code: str) -> Grant:
        """Also raises CAP when the application is full, MISCONFIGURED for a wrong client id or secret.

        Strava tells no time zone of an athlete: the activities do. The granted scopes stand in the redirect.
        """
        form = self._application | {"grant_type": "authorization_code", "code": code}
        granted = self._token_call("connecting a runner", form, _Grant)
        athlete = granted.athlete
        name = " ".join(part for part in (athlete.firstname, athlete.lastname) if part)
        return Grant(
            tokens=granted.tokens,
            external_id=str(athlete.id),
            name=storable(name[:MAX_NAME_CHARS]),
            timezone=None,
            units="imperial" if athlete.measurement_preference == "feet" else "metric",
        )

    def refresh(self, refresh_token: str) -> Tokens:
        form = self._application | {"grant_type": "refresh_token", "refresh_token": refresh_token}
        return self._token_call("renewing a runner's access", form, _Tokens).tokens

    def revoke(self, token: str) -> None:
        """Strava answers alike whether it knew the token or not."""
        form, auth = {"token": token}, (self.client_id, self.client_secret)
        url = f"{self.oauth_url}/revoke"
        self.call("giving a runner's access back", lambda: self.send("POST", url, data=form, auth=auth))

    def _token_call(self, doing: str, form: dict[str, str], kind: type[A]) -> A:
        """stravalib's own reads the application from the environment."""
        url = f"{self.oauth_url}/token"
        return self.call(doing, lambda: kind.model_validate(self.send("POST", url, data=form).json()))

    # --- the log ----------------------------------------------------------------------------------------------------

    def get_activity(self, caller: Caller, activity_id: str) -> LoggedActivity:
        path = f"{self.api_url}/activities/{own_id(activity_id)}"
        return self.call(
            "reading an activity",
            lambda: same(parse_activity(self._api(caller).get(path), detailed=True), activity_id),
            caller,
        )

    def list_activities(self, caller: Caller, *, after: datetime) -> list[LoggedActivity]:
        """Summaries, without description and private note. One call, for 200 activities at most: a fortnight has fewer."""
        if after >= self.now():
            return []  # Strava answers 400
        query: dict[str, Any] = {"after": int(after.timestamp()), "per_page": PAGE_SIZE}
        entries = self.call(
            "listing activities",
            lambda: as_list(self._api(caller).get(f"{self.api_url}/athlete/activities", **query)),
            caller,
        )
        if len(entries) == PAGE_SIZE:
            log.warning("a Strava list may be longer than %d entries; the rest was left out", PAGE_SIZE)
        return self.listed(entries, lambda entry: parse_activity(entry, detailed=False))

    def update_activity(self, caller: Caller, activity_id: str, field: str, text: str) -> LoggedActivity:
        """Strava may answer 200 and change nothing, or alter the text. stravalib's own knows no private note."""
        path = f"{self.api_url}/activities/{own_id(activity_id)}"
        return self.call(
            "writing a note",
            lambda: same(parse_activity(self._api(caller).put(path, body={field: text}), detailed=True), activity_id),
            caller,
        )

    # --- the webhook subscription: the application's own calls --------------------------------------------------------

    def create_subscription(self, callback_url: str, verify_token: str) -> int:
        """The process that answers at the address must not be the one that waits here."""
        form = self._application | {"callback_url": callback_url, "verify_token": verify_token}
        return self._subscription_call(
            "creating the webhook subscription",
            lambda api, path: _SUBSCRIPTION.validate_python(api.post(path, data=form)).id,
        )

    def list_subscriptions(self) -> list[Subscription]:
        """None or one. Only here Strava takes the secret in the address."""
        return self._subscription_call(
            "reading the webhook subscription",
            lambda api, path: _SUBSCRIPTIONS.validate_python(api.get(path, **self._application)),
        )

    def delete_subscription(self, subscription_id: int) -> None:
        try:
            self._subscription_call(
                "deleting the webhook subscription",
                lambda api, path: api.delete(f"{path}/{subscription_id}", data=self._application),
            )
        except PlatformError as error:
            if error.status != 404:
                raise

    def _subscription_call(self, doing: str, do: Callable[[ApiV3, str], T]) -> T:
        path = f"{self.api_url}/push_subscriptions"
        return self.call(doing, lambda: do(self._api(_APPLICATION), path), _APPLICATION)

    # --- how calls are made -----------------------------------------------------------------------------------------

    def _api(self, caller: Caller) -> ApiV3:
        return protocol(self.session, caller.token)

    def _failure(self, status: int, body: bytes, doing: str, caller: Caller | None, needs: str) -> PlatformError:
        return errors.failure_of(status, body, doing=doing, by_token=caller is not None and caller.token is not None)

    def _retry_at(self, caller: Caller | None) -> datetime:
        """Strava adds no Retry-After: the figures tell which window is spent."""
        day_is_spent = read_headers(self.session.last_headers).day_is_spent
        return return_at(self.now(), (caller or _APPLICATION).priority, day_is_spent=day_is_spent)

    def _count(self, doing: str, status: int, *, held_back: Caller | None = None) -> None:
        if held_back is not None:
            metrics.HELD_BACK.labels(held_back.priority.name.lower()).inc()
        else:
            metrics.CALLS.labels(doing, metrics.call_status(status)).inc()
