"""The adapter for Strava (`base.Platform`): each call with its timeout, its place in the budget, its errors by kind.

stravalib is the client underneath, on its low level: raw JSON comes back and is read by our own code. It is imported
with the first call to the API (0.5 s, 50 MB): connecting a runner doesn't need it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeVar
from urllib.parse import urlencode

import requests
from pydantic import Field, TypeAdapter

from adductor import metrics
from adductor.platforms.base import (
    Caller,
    Capabilities,
    Grant,
    LoggedActivity,
    PlatformError,
    Priority,
    Subscription,
    SubscriptionOutcome,
    Tokens,
    own_id,
    storable,
)
from adductor.platforms.budget import WindowBudget, return_at
from adductor.platforms.strava import FACTS, limits, subscription
from adductor.platforms.strava.activities import parse_activity
from adductor.platforms.strava.errors import failure_of
from adductor.platforms.strava.fields import Answer, Id, OptionalText, Seconds
from adductor.platforms.strava.transport import StravaSession, protocol

if TYPE_CHECKING:
    from redis import Redis
    from stravalib.protocol import ApiV3

    from adductor.settings import Settings

log = logging.getLogger(__name__)

# The athlete's identity, every run (private ones too), and writing the note.
REQUIRED_SCOPES = ("read", "activity:read_all", "activity:write")

# The most that Strava gives: https://developers.strava.com/docs/#Pagination
PAGE_SIZE = 200
_MAX_NAME_CHARS = 200
# Its own calls: a person waits for each of them.
_APPLICATION = Caller(None, Priority.CONNECT)

T = TypeVar("T")

_Token = Annotated[str, Field(min_length=1, max_length=4_096)]
_SUBSCRIPTION = TypeAdapter(Subscription)
_SUBSCRIPTIONS = TypeAdapter(list[Subscription])
_PAGE = TypeAdapter(list[Any])


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


def make_budget(settings: Settings, *, now: Callable[[], datetime], redis: Redis | None) -> WindowBudget:
    """The budget of the application as set."""
    return WindowBudget(
        redis,
        now=now,
        smallest=limits.SMALLEST_LIMITS,
        read_headers=limits.read_headers,
        key=f"adductor:strava:budget:windows:{settings.strava_client_id or 'default'}",
    )


def make_client(settings: Settings, *, now: Callable[[], datetime], budget: WindowBudget) -> StravaClient:
    """The adapter as set. Raises RuntimeError without an application (``adductor up`` sets the sandbox's)."""
    if settings.strava_client_id is None or settings.strava_client_secret is None:
        raise RuntimeError("no Strava application is set: STRAVA_CLIENT_ID and STRAVA_CLIENT_SECRET")
    return StravaClient(
        client_id=settings.strava_client_id,
        client_secret=settings.strava_client_secret.get_secret_value(),
        api_url=settings.strava_api_url,
        oauth_url=settings.strava_oauth_url,
        budget=budget,
        now=now,
    )


@dataclass(kw_only=True, eq=False, repr=False)
class StravaClient:
    """Strava (`base.Platform`, `base.SubscribesByApi`). Safe for threads: each has a session of its own.

    Calls to the API take from ``budget`` first. OAuth calls don't: their answers carry no rate-limit headers and Strava's
    limits are on API requests. ``now`` gives an aware time.
    """

    name: ClassVar[str] = "strava"
    label: ClassVar[str] = FACTS.label
    capabilities: ClassVar[Capabilities] = FACTS.capabilities

    client_id: str
    client_secret: str
    api_url: str
    oauth_url: str
    budget: WindowBudget
    now: Callable[[], datetime]
    timeout_s: float = 10

    def __post_init__(self) -> None:
        self._application: dict[str, Any] = {"client_id": self.client_id, "client_secret": self.client_secret}
        self._of_thread = threading.local()

    # --- connecting -------------------------------------------------------------------------------------------------

    def authorize_url(self, *, redirect_uri: str, state: str, force: bool = False) -> str:
        """As `Platform.authorize_url`."""
        query = {
            "client_id": self.client_id,
            "redirect_uri": redirect_uri,
            "response_type": "code",
            "approval_prompt": "force" if force else "auto",
            "scope": ",".join(REQUIRED_SCOPES),
            "state": state,
        }
        return f"{self.oauth_url.rstrip('/')}/authorize?{urlencode(query)}"

    def exchange_code(self, code: str) -> Grant:
        """As `Platform.exchange_code`.

        Also raises CAP when the application is full, MISCONFIGURED for a wrong client id or secret. Strava tells no time
        zone of an athlete: the activities do. The granted scopes stand in the redirect.
        """
        form = self._application | {"grant_type": "authorization_code", "code": code}
        granted = self._call("connecting a runner", lambda: _Grant.model_validate(self._post("token", form).json()))
        athlete = granted.athlete
        name = " ".join(part for part in (athlete.firstname, athlete.lastname) if part)
        return Grant(
            tokens=granted.tokens,
            external_id=str(athlete.id),
            name=storable(name[:_MAX_NAME_CHARS]),
            timezone=None,
            units="imperial" if athlete.measurement_preference == "feet" else "metric",
        )

    def refresh(self, refresh_token: str) -> Tokens:
        """As `Platform.refresh`."""
        form = self._application | {"grant_type": "refresh_token", "refresh_token": refresh_token}
        return self._call(
            "renewing a runner's access", lambda: _Tokens.model_validate(self._post("token", form).json()).tokens
        )

    def revoke(self, token: str) -> None:
        """As `Platform.revoke`. Strava answers alike whether it knew the token or not."""
        application = (self.client_id, self.client_secret)
        self._call("giving a runner's access back", lambda: self._post("revoke", {"token": token}, application))

    # --- the log ----------------------------------------------------------------------------------------------------

    def get_activity(self, caller: Caller, activity_id: str) -> LoggedActivity:
        """As `Platform.get_activity`."""
        return self._call(
            "reading an activity",
            lambda: _same_activity(self._api(caller).get("/activities/{id}", id=own_id(activity_id)), activity_id),
            caller,
        )

    def list_activities(self, caller: Caller, *, after: datetime) -> list[LoggedActivity]:
        """As `Platform.list_activities`: summaries, without description and private note.

        One call, for 200 activities at most: a fortnight has fewer. Entries that can't be read are left out and logged.
        """
        if after >= self.now():
            return []  # Strava answers 400
        query: dict[str, Any] = {"after": int(after.timestamp()), "per_page": PAGE_SIZE}

        def read_page() -> list[Any]:
            return _PAGE.validate_python(self._api(caller).get("/athlete/activities", **query))

        found: list[LoggedActivity] = []
        entries = self._call("listing activities", read_page, caller)
        if len(entries) == PAGE_SIZE:
            log.warning("a Strava list may be longer than %d entries; the rest was left out", PAGE_SIZE)
        for entry in entries:
            try:
                found.append(parse_activity(entry, detailed=False))
            except ValueError as error:
                log.warning("an entry of a Strava list was left out: %s", error)
        return sorted(found, key=lambda activity: activity.start, reverse=True)

    def update_activity(self, caller: Caller, activity_id: str, field: str, text: str) -> LoggedActivity:
        """As `Platform.update_activity`. Strava may answer 200 and change nothing, or alter the text."""

        def write() -> LoggedActivity:
            # stravalib's own update_activity knows no private note.
            answer = self._api(caller).put("/activities/{id}", id=own_id(activity_id), body={field: text})
            return _same_activity(answer, activity_id)

        return self._call("writing a note", write, caller)

    # --- the webhook subscription: the application's own calls --------------------------------------------------------

    def ensure_subscription(
        self, callback_url: str, verify_token: str, *, before_replacing: Callable[[str], None] | None = None
    ) -> SubscriptionOutcome:
        """As `SubscribesByApi.ensure_subscription`."""
        return subscription.ensure_subscription(self, callback_url, verify_token, before_replacing=before_replacing)

    def create_subscription(self, callback_url: str, verify_token: str) -> int:
        """Subscribe and return the subscription's id.

        Strava calls ``callback_url`` before this returns: the process that answers there must not be the one that waits
        here. Raises REFUSED with Strava's codes in ``details`` when the callback fails or a subscription exists.
        """
        form = self._application | {"callback_url": callback_url, "verify_token": verify_token}
        return self._call(
            "creating the webhook subscription",
            lambda: _SUBSCRIPTION.validate_python(self._api(_APPLICATION).post("/push_subscriptions", data=form)).id,
            _APPLICATION,
        )

    def list_subscriptions(self) -> list[Subscription]:
        """As `SubscribesByApi.list_subscriptions`: none or one. Only here Strava takes the secret in the address."""
        return self._call(
            "reading the webhook subscription",
            lambda: _SUBSCRIPTIONS.validate_python(
                self._api(_APPLICATION).get("/push_subscriptions", **self._application)
            ),
            _APPLICATION,
        )

    def delete_subscription(self, subscription_id: int) -> None:
        """As `SubscribesByApi.delete_subscription`."""
        path = f"/push_subscriptions/{subscription_id}"
        try:
            self._call(
                "deleting the webhook subscription",
                lambda: self._api(_APPLICATION).delete(path, data=self._application),
                _APPLICATION,
            )
        except PlatformError as error:
            if error.status != 404:
                raise

    # --- how calls are made -----------------------------------------------------------------------------------------

    def _call(self, doing: str, call: Callable[[], T], caller: Caller | None = None) -> T:
        """Make one call and read its answer; any failure becomes a PlatformError that holds nothing of the original.

        Without ``caller`` it is an OAuth call, which the budget doesn't count.
        """
        if caller is not None:
            try:
                self.budget.take(caller.priority, caller.athlete)
            except PlatformError:
                metrics.HELD_BACK.labels(caller.priority.name.lower()).inc()
                raise
        session = self._session()
        try:
            return call()
        except (requests.RequestException, ValueError, RecursionError) as error:
            day_is_spent = limits.read_headers(session.last_headers).day_is_spent
            by_token = caller is not None and caller.token is not None
            retry_at = return_at(self.now(), (caller or _APPLICATION).priority, day_is_spent=day_is_spent)
            failure = failure_of(error, session.last_status, doing=doing, by_token=by_token, retry_at=retry_at)
        finally:
            metrics.CALLS.labels(doing, metrics.call_status(session.last_status)).inc()
            if caller is not None:
                self.budget.learn(session.last_headers, session.last_status)
        raise failure

    def _session(self) -> StravaSession:
        """This thread's session, its connections kept alive between calls."""
        if not hasattr(self._of_thread, "session"):
            self._of_thread.session = StravaSession(api_url=self.api_url, timeout_s=self.timeout_s)
        session: StravaSession = self._of_thread.session
        return session

    def _api(self, caller: Caller) -> ApiV3:
        """stravalib's low level."""
        return protocol(self._session(), caller.token)

    def _post(self, path: str, form: dict[str, str], auth: tuple[str, str] | None = None) -> requests.Response:
        """An OAuth call. stravalib's reads the application from the environment, and it knows no revoke."""
        response = self._session().post(f"{self.oauth_url.rstrip('/')}/{path}", data=form, auth=auth)
        if response.status_code != 200:
            raise requests.HTTPError(response=response)
        return response


def _same_activity(raw: Any, activity_id: str) -> LoggedActivity:
    activity = parse_activity(raw, detailed=True)
    if activity.id != activity_id:
        raise ValueError("another activity than asked for")
    return activity
