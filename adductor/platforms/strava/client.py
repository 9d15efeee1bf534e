"""The calls that we make to Strava, each with its timeout, its place in the rate budget and its errors by kind.

stravalib is the client underneath, on its low level: raw JSON comes back and is read by our own code. It is imported
with the first call (0.5 s, 50 MB), not with this module: building a link to Strava doesn't need it.
"""

from __future__ import annotations

import functools
import logging
import os
import threading
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode

import requests

from adductor import counts
from adductor.platforms.base import ErrorKind, Grant, LoggedActivity, PlatformError, Priority, Tokens, storable
from adductor.platforms.budget import Budget
from adductor.platforms.strava.activities import parse_activity
from adductor.platforms.strava.errors import BY_APPLICATION, BY_TOKEN, error_for, no_answer
from adductor.platforms.strava.limits import read_headers, return_at
from adductor.platforms.strava.transport import (
    STRAVALIB_OAUTH,
    AnswerTooLargeError,
    StravaSession,
    pooled_session,
)

if TYPE_CHECKING:
    from stravalib import Client
    from stravalib.protocol import ApiV3

log = logging.getLogger(__name__)

# What we do needs all three: who it is, every run (also private ones), and writing the note.
REQUIRED_SCOPES = ("read", "activity:read_all", "activity:write")

# The most that Strava gives: https://developers.strava.com/docs/#Pagination
PAGE_SIZE = 200
# A page may be short without being the last (same source). Half a page is taken as the end: filtering leaves out a few
# entries, not a hundred, and a fortnight's log then costs one call.
_LAST_PAGE_BELOW = PAGE_SIZE // 2
# 2,000 activities: years of a runner's log, and far more than any decision looks at.
MAX_PAGES = 10
_MAX_NAME_CHARS = 200
_MAX_TOKEN_CHARS = 4_096

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Subscription:
    """The application's webhook subscription; there is one at most."""

    id: int
    callback_url: str


def missing_scopes(granted: str) -> tuple[str, ...]:
    """Which of the needed scopes the athlete left out. ``granted`` is the redirect's ``scope``, comma-separated."""
    given = set(granted.replace(",", " ").split())
    return tuple(scope for scope in REQUIRED_SCOPES if scope not in given)


class StravaClient:
    """Strava for one task. Cheap to make; not for sharing between threads, whose connections it takes from a pool.

    Every method raises PlatformError, whose ``kind`` says what to do and whose ``message`` is for people. Calls to the
    API take from ``budget`` first. OAuth calls don't: their answers carry no rate-limit headers and Strava's limits are
    on API requests. ``now`` gives an aware time. ``counted`` is told of every call, as `adductor.counts` names it.
    """

    def __init__(
        self,
        *,
        client_id: str,
        client_secret: str,
        api_url: str,
        oauth_url: str,
        budget: Budget,
        now: Callable[[], datetime],
        timeout_s: float = 10,
        counted: Callable[..., None] | None = None,
    ) -> None:
        self._client_id = client_id
        self._client_secret = client_secret
        self._api_url = api_url.rstrip("/")
        self._oauth_url = oauth_url.rstrip("/")
        self._budget = budget
        self._timeout_s = timeout_s
        self._now = now
        self._counted = counted or (lambda *_: None)

    # --- connecting -------------------------------------------------------------------------------------------------

    def authorize_url(self, *, redirect_uri: str, state: str, force: bool = False) -> str:
        """Where to send a browser so that its athlete can connect. ``force`` shows the boxes also the second time."""
        query = {
            "client_id": self._client_id,
            "redirect_uri": redirect_uri,
            "response_type": "code",
            "approval_prompt": "force" if force else "auto",
            "scope": ",".join(REQUIRED_SCOPES),
            "state": state,
        }
        return f"{self._oauth_url}/authorize?{urlencode(query)}"

    def exchange_code(self, code: str) -> Grant:
        """Trade the redirect's code for tokens, and learn the athlete's units with one more call if need be.

        Raises REFUSED for a code that was used or is too old, CAP when the application is full, MISCONFIGURED for a
        wrong client id or secret. Strava tells no time zone of an athlete: the activities do.
        """
        raw = self._token_call({"grant_type": "authorization_code", "code": code}, "connecting a runner")
        tokens = _tokens(raw, "connecting a runner")
        athlete = raw.get("athlete")
        athlete_id = athlete.get("id") if isinstance(athlete, dict) else None
        if not isinstance(athlete, dict) or type(athlete_id) is not int:
            raise no_answer("named no athlete", doing="connecting a runner")
        name = " ".join(part for key in ("firstname", "lastname") if isinstance(part := athlete.get(key), str) and part)
        return Grant(
            tokens=tokens,
            athlete_id=athlete_id,
            name=storable(name[:_MAX_NAME_CHARS]),
            timezone=None,
            units=_units(athlete) or self._units_of_profile(tokens.access_token),
        )

    def refresh(self, refresh_token: str) -> Tokens:
        """New tokens for old. The old refresh token may be dead from here on: store these before using them.

        Raises REVOKED when the refresh token isn't accepted any more.
        """
        doing = "renewing a runner's access"
        return _tokens(self._token_call({"grant_type": "refresh_token", "refresh_token": refresh_token}, doing), doing)

    def revoke(self, token: str) -> None:
        """Give a token back. Strava answers alike whether it knew the token or not."""
        doing = "giving a runner's access back"

        # stravalib has no such call, and the address it would use retires in June 2027.
        def post(session: StravaSession) -> None:
            response = session.post(
                f"{STRAVALIB_OAUTH}/revoke", auth=(self._client_id, self._client_secret), data={"token": token}
            )
            if response.status_code != 200:
                raise error_for(response.status_code, response.content, doing=doing, authenticated=BY_APPLICATION)

        self._attempt(post, doing, BY_APPLICATION)

    # --- the log ----------------------------------------------------------------------------------------------------

    def get_activity(
        self, access_token: str, activity_id: int, *, priority: Priority = Priority.FRESH
    ) -> LoggedActivity:
        """One activity with all its fields. A 404 (NOT_FOUND) right after its create event is normal and passes."""
        doing = "reading an activity"
        raw = self._api_call(
            lambda protocol: protocol.get("/activities/{id}", id=int(activity_id)), doing, priority, access_token
        )
        return _same_activity(raw, activity_id, doing)

    def list_activities(
        self,
        access_token: str,
        *,
        after: datetime,
        before: datetime | None = None,
        priority: Priority = Priority.HISTORY,
    ) -> list[LoggedActivity]:
        """The activities that started between two times, newest first; summaries: no description, no private note.

        One call for each page of 200, 2,000 activities at most. What can't be read is left out and logged.
        """
        now = self._now()
        if after >= now or (before is not None and before <= after):
            # Strava answers 400 to a future `after`; there is nothing to ask.
            return []
        window = {"after": int(after.timestamp())} | ({"before": int(before.timestamp())} if before else {})
        found: dict[int, LoggedActivity] = {}
        for page in range(1, MAX_PAGES + 1):
            query = window | {"page": page, "per_page": PAGE_SIZE}
            entries = self._api_call(
                functools.partial(_get, path="/athlete/activities", query=query),
                "listing activities",
                priority,
                access_token,
            )
            if not isinstance(entries, list):
                raise no_answer("answered something else than a list", doing="listing activities")
            for entry in entries:
                try:
                    activity = parse_activity(entry, detailed=False)
                except ValueError as error:
                    log.warning("an entry of a Strava list was left out: %s", error)
                    continue
                # By id: a run uploaded between two pages shifts them, and one entry comes twice.
                found[activity.id] = activity
            if len(entries) < _LAST_PAGE_BELOW:
                break
        else:
            log.warning("a Strava list was longer than %d pages; the rest was left out", MAX_PAGES)
        return sorted(found.values(), key=lambda activity: activity.start, reverse=True)

    def update_activity(
        self,
        access_token: str,
        activity_id: int,
        *,
        private_note: str | None = None,
        description: str | None = None,
        priority: Priority = Priority.FRESH,
    ) -> LoggedActivity:
        """Replace the private note or the description, whole; "" clears, None leaves alone.

        Returns the activity as Strava answered it. Strava may answer 200 and change nothing, or alter the text: compare
        before believing.
        """
        body = {
            key: text
            for key, text in (("private_note", private_note), ("description", description))
            if text is not None
        }
        if not body:
            raise ValueError("nothing to write: give private_note or description")
        doing = "writing a note"
        raw = self._api_call(
            # stravalib's own update_activity knows no private note.
            lambda protocol: protocol.put("/activities/{id}", id=int(activity_id), body=body),
            doing,
            priority,
            access_token,
        )
        return _same_activity(raw, activity_id, doing)

    # --- the webhook subscription -----------------------------------------------------------------------------------

    def create_subscription(self, callback_url: str, verify_token: str) -> int:
        """Subscribe and return the subscription's id.

        Strava calls ``callback_url`` before this returns: the process that answers there must not be the one that waits
        here. Raises REFUSED with Strava's codes in ``details`` when the callback fails or a subscription exists.
        """
        doing = "creating the webhook subscription"
        form = self._application() | {"callback_url": callback_url, "verify_token": verify_token}
        raw = self._api_call(lambda protocol: protocol.post("/push_subscriptions", data=form), doing, Priority.CONNECT)
        number = raw.get("id") if isinstance(raw, dict) else None
        if type(number) is not int:
            raise no_answer("named no subscription", doing=doing)
        return number

    def list_subscriptions(self) -> list[Subscription]:
        """The application's subscriptions: none or one. Here, and only here, Strava takes the secret in the address."""
        doing = "reading the webhook subscription"
        raw = self._api_call(
            functools.partial(_get, path="/push_subscriptions", query=self._application()), doing, Priority.CONNECT
        )
        if not isinstance(raw, list):
            raise no_answer("answered something else than a list", doing=doing)
        return [
            Subscription(entry["id"], str(entry.get("callback_url") or ""))
            for entry in raw
            if isinstance(entry, dict) and type(entry.get("id")) is int
        ]

    def delete_subscription(self, subscription_id: int) -> None:
        """End a subscription; one that is already gone is fine."""
        form = self._application()
        try:
            self._api_call(
                lambda protocol: protocol.delete("/push_subscriptions/{id}", id=int(subscription_id), data=form),
                "deleting the webhook subscription",
                Priority.CONNECT,
            )
        except PlatformError as error:
            if error.status != 404:
                raise

    # --- how calls are made -----------------------------------------------------------------------------------------

    def _application(self) -> dict[str, str]:
        return {"client_id": self._client_id, "client_secret": self._client_secret}

    def _units_of_profile(self, access_token: str) -> str:
        """Metric unless the athlete's profile says otherwise; nice to know, so no failure of this call counts."""
        try:
            raw = self._api_call(
                lambda protocol: protocol.get("/athlete"), "reading a profile", Priority.CONNECT, access_token
            )
        except PlatformError as error:
            log.info("a runner's units stay metric: %s", error.message)
            return "metric"
        return (_units(raw) if isinstance(raw, dict) else None) or "metric"

    def _token_call(self, form: dict[str, str], doing: str) -> dict[str, Any]:
        data = self._application() | form
        raw = self._attempt(
            lambda session: _protocol(session, None).post(f"{STRAVALIB_OAUTH}/token", data=data), doing, BY_APPLICATION
        )
        if not isinstance(raw, dict):
            raise no_answer("answered something else than tokens", doing=doing)
        return raw

    def _api_call(
        self, call: Callable[[ApiV3], T], doing: str, priority: Priority, access_token: str | None = None
    ) -> T:
        """One call that counts. Without a token it is the application that calls."""
        try:
            self._budget.take(priority)
        except PlatformError:
            self._counted(counts.HELD_BACK, priority.name.lower())
            raise
        session = self._session()
        try:
            return self._attempt(
                lambda session: call(_protocol(session, access_token)),
                doing,
                BY_TOKEN if access_token is not None else BY_APPLICATION,
                priority,
            )
        finally:
            self._budget.learn(session.last_headers, session.last_status)

    def _attempt(
        self,
        call: Callable[[StravaSession], T],
        doing: str,
        authenticated: str,
        priority: Priority = Priority.CONNECT,
    ) -> T:
        """Make a call and turn whatever goes wrong into a PlatformError that holds nothing of the original."""
        session = self._session()
        session.last_status, session.last_headers = 0, {}
        try:
            return call(session)
        except (requests.RequestException, ValueError, RecursionError) as error:
            failure = self._failure(error, session.last_status, doing, authenticated, priority)
        finally:
            self._counted(counts.CALLS, doing, str(session.last_status or "none"))
        raise failure

    def _failure(
        self, error: Exception, status: int, doing: str, authenticated: str, priority: Priority
    ) -> PlatformError:
        response = error.response if isinstance(error, requests.HTTPError) else None
        if response is not None:
            retry_at = None
            if response.status_code == 429:
                reported = read_headers(response.headers)
                retry_at = return_at(self._now(), priority, day_is_spent=reported.day_is_spent)
            return error_for(
                response.status_code, response.content, doing=doing, authenticated=authenticated, retry_at=retry_at
            )
        if 300 <= status < 400:
            # stravalib lets redirects pass and stumbles over their body.
            return error_for(status, b"", doing=doing, authenticated=authenticated)
        if isinstance(error, _NO_ADDRESS):
            return PlatformError(
                ErrorKind.MISCONFIGURED,
                "ADDUCTOR_STRAVA_API_URL or ADDUCTOR_STRAVA_OAUTH_URL isn't an address that can be called.",
            )
        for kind, reason in _REASONS:
            if isinstance(error, kind):
                return no_answer(reason, doing=doing)
        return no_answer("couldn't be reached, or the connection dropped,", doing=doing)

    def _session(self) -> StravaSession:
        return pooled_session(api_url=self._api_url, oauth_url=self._oauth_url, timeout_s=self._timeout_s)


_NO_ADDRESS = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
)
# In this order: some of them are kinds of others.
_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (requests.Timeout, "didn't answer in time"),
    (AnswerTooLargeError, "answered far more than expected"),
    (requests.exceptions.SSLError, "couldn't be reached over TLS (certificate or protocol)"),
    (ValueError, "answered something that can't be read"),
    (RecursionError, "answered something that can't be read"),
)


def preload() -> None:
    """Import stravalib now: for a process that forks workers, which then have it without each paying for it."""
    _stravalib_client()


_importing = threading.Lock()


@functools.cache
def _stravalib_client() -> type[Client]:
    """stravalib's Client, imported now and without what its import does to the process.

    It changes the warning filters and sends warnings to the log for everybody; and it reads the client secret from the
    environment to renew tokens by itself, about which it writes a line to the root logger for each client made.
    """
    with _importing, warnings.catch_warnings():
        show = warnings.showwarning
        os.environ.setdefault("SILENCE_TOKEN_WARNINGS", "true")
        from stravalib import Client

        if warnings.showwarning is not show:
            logging.captureWarnings(False)
    return Client


def _protocol(session: StravaSession, access_token: str | None) -> ApiV3:
    client = _stravalib_client()(access_token=access_token, rate_limit_requests=False, requests_session=session)
    # With these it would try to renew tokens by itself: without a lock, and without storing them.
    client.protocol.client_id = None
    client.protocol.client_secret = None
    return client.protocol


def _get(protocol: ApiV3, *, path: str, query: Mapping[str, Any]) -> Any:
    return protocol.get(path, **query)


def _same_activity(raw: Any, activity_id: int, doing: str) -> LoggedActivity:
    try:
        activity = parse_activity(raw, detailed=True)
    except ValueError:
        raise no_answer("answered something that isn't an activity", doing=doing) from None
    if activity.id != activity_id:
        raise no_answer("answered another activity than asked for", doing=doing)
    return activity


def _tokens(raw: Mapping[str, Any], doing: str) -> Tokens:
    access, renewal, expires = raw.get("access_token"), raw.get("refresh_token"), raw.get("expires_at")
    usable = all(isinstance(token, str) and 0 < len(token) <= _MAX_TOKEN_CHARS for token in (access, renewal))
    if not usable or type(expires) is not int:
        raise no_answer("answered without usable tokens", doing=doing)
    try:
        return Tokens(str(access), str(renewal), datetime.fromtimestamp(expires, UTC))
    except (ValueError, OverflowError, OSError):
        raise no_answer("answered tokens with an impossible expiry", doing=doing) from None


def _units(athlete: Mapping[str, Any]) -> str | None:
    return {"feet": "imperial", "meters": "metric"}.get(str(athlete.get("measurement_preference")))
