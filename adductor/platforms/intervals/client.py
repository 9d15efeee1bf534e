"""The adapter for intervals.icu (`base.Platform`, `KeepsCalendar`, `ConnectsByKey`): requests, and errors by kind.

A credential is an OAuth access token, or ``API_KEY:`` and the athlete's own key, which goes out as Basic. Both are for one
athlete, who is ``athlete/0`` to them: no call names another. The only POST that writes is the bulk upsert, which may be
repeated when its answer was lost.
"""

from __future__ import annotations

import hashlib
import logging
import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar
from urllib.parse import quote, urlencode

import requests
from pydantic import ValidationError

from adductor import __version__, metrics
from adductor.platforms.base import (
    CalendarEntry,
    Caller,
    Capabilities,
    ErrorKind,
    Grant,
    LoggedActivity,
    PlatformError,
    Priority,
    Tokens,
    Told,
    own_id,
    storable,
)
from adductor.platforms.budget import WindowBudget
from adductor.platforms.intervals import FACTS, calendar, errors, limits
from adductor.platforms.intervals.activities import LISTED_FIELDS, parse_activity
from adductor.platforms.intervals.fields import Answer, OptionalText, OptionalZone, OwnId
from adductor.platforms.intervals.webhooks import with_reading
from adductor.platforms.transport import PlatformSession

if TYPE_CHECKING:
    from redis import Redis

    from adductor.settings import Settings

log = logging.getLogger(__name__)

SCOPES = ("ACTIVITY:WRITE", "CALENDAR:WRITE", "WELLNESS:READ")
_KEY = "API_KEY:"  # the user name of Basic, literally
_MAX_NAME_CHARS = 200
# Without a Retry-After: from here on, spread over as much again.
_BACK_OFF_S = 30
_ENTRIES = "athlete/0/events"

T = TypeVar("T")
A = TypeVar("A", bound=Answer)


class _Athlete(Answer):
    id: OwnId
    name: OptionalText = None
    timezone: OptionalZone = None
    status: OptionalText = None
    measurement_preference: OptionalText = None


class _Granted(Answer):
    access_token: str
    scope: str = ""
    athlete: _Athlete


def make_budget(settings: Settings, *, now: Callable[[], datetime], redis: Redis | None) -> WindowBudget:
    """The budget of the application as set."""
    return _budget(settings.intervals_client_id or "default", now, redis)


def make_client(settings: Settings, *, now: Callable[[], datetime], budget: WindowBudget) -> IntervalsClient:
    """The adapter as set; without an application it takes only API keys. Raises RuntimeError without either."""
    if settings.intervals_client_id is None and settings.intervals_api_keys == "off":
        raise RuntimeError("no intervals.icu application is set, and INTERVALS_API_KEYS is off")
    secret = settings.intervals_client_secret
    return IntervalsClient(
        client_id=settings.intervals_client_id,
        client_secret=secret.get_secret_value() if secret is not None else "",
        api_url=settings.intervals_api_url,
        oauth_url=settings.intervals_oauth_url,
        public_url=settings.public_url,
        budget=budget,
        now=now,
    )


def _budget(name: str, now: Callable[[], datetime], redis: Redis | None) -> WindowBudget:
    return WindowBudget(
        redis,
        now=now,
        smallest=limits.SMALLEST_LIMITS,
        read_headers=limits.read_headers,
        key=f"adductor:intervals:budget:windows:{name}",
    )


@dataclass(kw_only=True, eq=False, repr=False)
class IntervalsClient:
    """intervals.icu. Safe for threads: each has a session of its own. ``now`` gives an aware time."""

    name: ClassVar[str] = "intervals"
    label: ClassVar[str] = FACTS.label
    capabilities: ClassVar[Capabilities] = FACTS.capabilities

    client_id: str | None
    client_secret: str
    api_url: str
    oauth_url: str
    public_url: str
    budget: WindowBudget
    now: Callable[[], datetime]
    timeout_s: float = 10
    chance: Callable[[], float] = random.random
    _of_keys: dict[str, WindowBudget] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._of_thread = threading.local()
        self._making = threading.Lock()

    # --- connecting -------------------------------------------------------------------------------------------------

    def authorize_url(self, *, redirect_uri: str, state: str, force: bool = False) -> str:
        """As `Platform.authorize_url`; every consent is asked anew. Raises RuntimeError without an application."""
        if self.client_id is None:
            raise RuntimeError("no intervals.icu application is set: INTERVALS_CLIENT_ID and INTERVALS_CLIENT_SECRET")
        query = {"client_id": self.client_id, "redirect_uri": redirect_uri, "scope": ",".join(SCOPES), "state": state}
        return f"{self.oauth_url.rstrip('/')}/oauth/authorize?{urlencode(query)}"

    def exchange_code(self, code: str) -> Grant:
        """As `Platform.exchange_code`: what was granted stands in the answer, and the athlete may have unticked some."""
        form = {"client_id": self.client_id or "", "client_secret": self.client_secret, "code": code}
        url = f"{self.oauth_url.rstrip('/')}/api/oauth/token"
        granted = self._parse(
            "connecting a runner", self._send("connecting a runner", "POST", url, data=form), _Granted
        )
        return _grant(granted.athlete, Tokens(granted.access_token), with_reading(granted.scope))

    def try_key(self, api_key: str) -> Grant:
        """As `ConnectsByKey.try_key`. Its answer tells the athlete's true id. Also REFUSED for a dormant account."""
        doing, token = "trying the API key", f"{_KEY}{api_key}"
        try:
            answer = self._api(doing, "GET", "athlete/0", Caller(token, Priority.CONNECT), needs="settings")
        except PlatformError as error:
            if error.kind is not ErrorKind.UNAUTHORIZED:
                raise
            raise PlatformError(
                ErrorKind.REFUSED, "intervals.icu doesn't take this API key.", details=("key",)
            ) from None
        athlete = self._parse(doing, answer, _Athlete)
        if athlete.status not in (None, "ACTIVE"):
            raise PlatformError(
                ErrorKind.REFUSED,
                "This account is dormant: intervals.icu processes nothing for it until its owner signs in there once.",
                details=("dormant",),
            )
        return _grant(athlete, Tokens(token), with_reading(",".join(SCOPES)), by_key=True)

    def refresh(self, refresh_token: str) -> Tokens:
        """Tokens never expire: there is nothing to refresh."""
        raise PlatformError(ErrorKind.REFUSED, "intervals.icu has no refresh tokens")

    def revoke(self, token: str) -> None:
        """As `Platform.revoke`. A key stays the athlete's: only they can end it."""
        if not token.startswith(_KEY):
            caller = Caller(token, Priority.CONNECT)
            self._api("giving a runner's access back", "DELETE", "disconnect-app", caller, needs="")

    # --- the log ----------------------------------------------------------------------------------------------------

    def get_activity(self, caller: Caller, activity_id: str) -> LoggedActivity:
        """As `Platform.get_activity`."""
        path = f"activity/{quote(own_id(activity_id))}"
        return self._activity("reading an activity", activity_id, self._api("reading an activity", "GET", path, caller))

    def list_activities(self, caller: Caller, *, after: datetime) -> list[LoggedActivity]:
        """As `Platform.list_activities`. The API goes by local days: one more is asked for, and cut off here."""
        oldest = (after - timedelta(days=1)).date().isoformat()
        query = {"oldest": oldest, "fields": ",".join(LISTED_FIELDS)}
        doing, found = "listing activities", []
        for entry in self._list(doing, self._api(doing, "GET", "athlete/0/activities", caller, params=query)):
            try:
                activity = parse_activity(entry, self.now())
            except ValueError as error:
                log.warning("an entry of an intervals.icu list was left out: %s", error)
                continue
            if activity.start >= after:
                found.append(activity)
        return sorted(found, key=lambda activity: activity.start, reverse=True)

    def update_activity(self, caller: Caller, activity_id: str, field: str, text: str) -> LoggedActivity:
        """As `Platform.update_activity`: only the field that changes goes out."""
        doing, path = "writing a description", f"activity/{quote(own_id(activity_id))}"
        return self._activity(
            doing, activity_id, self._api(doing, "PUT", path, caller, json={field: text}, needs="write activity")
        )

    # --- calendar and wellness --------------------------------------------------------------------------------------

    def read_calendar(self, caller: Caller, first: date, last: date) -> tuple[Told, Sequence[CalendarEntry]]:
        """As `KeepsCalendar.read_calendar`."""
        doing, days = "reading the calendar", {"oldest": first.isoformat(), "newest": last.isoformat()}
        answer = self._api(doing, "GET", _ENTRIES, caller, params=days, needs="calendar")
        return self._read(doing, lambda: calendar.read_calendar(answer.json()))

    def put_entry(self, caller: Caller, entry: CalendarEntry) -> CalendarEntry:
        """As `KeepsCalendar.put_entry`. A new one goes by upsert, so that a lost answer makes no second."""
        doing, fields = "writing into the calendar", calendar.fields_of(entry)
        if entry.id:
            path, changed = f"{_ENTRIES}/{quote(own_id(entry.id))}", {k: fields[k] for k in ("name", "description")}
            answer = self._api(doing, "PUT", path, caller, json=changed, needs="write calendar")
            return self._read(doing, lambda: calendar.read_entry(answer.json()))
        path = f"{_ENTRIES}/bulk"
        answer = self._api(
            doing, "POST", path, caller, params={"upsert": "true"}, json=[fields], needs="write calendar"
        )
        return self._read(doing, lambda: calendar.read_entry(self._list(doing, answer)[0]))

    def delete_entry(self, caller: Caller, entry_id: str) -> None:
        """As `KeepsCalendar.delete_entry`: one, by its number, never a range."""
        path = f"{_ENTRIES}/{quote(own_id(entry_id))}"
        self._api("removing from the calendar", "DELETE", path, caller, needs="write calendar")

    def read_wellness(self, caller: Caller, first: date, last: date) -> Told:
        """As `KeepsCalendar.read_wellness`."""
        doing, days = "reading wellness", {"oldest": first.isoformat(), "newest": last.isoformat()}
        answer = self._api(doing, "GET", "athlete/0/wellness", caller, params=days, needs="wellness")
        return self._read(doing, lambda: calendar.read_wellness(answer.json(), last))

    # --- how calls are made -----------------------------------------------------------------------------------------

    def _api(
        self, doing: str, method: str, path: str, caller: Caller, *, needs: str = "activity", **request: Any
    ) -> requests.Response:
        """One call with an athlete's credential. ``needs`` names the permission in a SCOPE_MISSING."""
        token = caller.token or ""
        by_key = token.startswith(_KEY)
        budget = self._budget_of(token) if by_key else self.budget
        try:
            budget.take(caller.priority, caller.athlete)
        except PlatformError:
            metrics.PLATFORM_CALLS.labels(self.name, doing, "held_back").inc()
            raise
        if by_key:
            request["auth"] = ("API_KEY", token.removeprefix(_KEY))
        else:
            request["headers"] = {"Authorization": f"Bearer {token}"}
        url = f"{self.api_url.rstrip('/')}/{path}"
        return self._send(doing, method, url, by="key" if by_key else "token", needs=needs, budget=budget, **request)

    def _send(
        self,
        doing: str,
        method: str,
        url: str,
        *,
        by: str = "application",
        needs: str = "",
        budget: WindowBudget | None = None,
        **request: Any,
    ) -> requests.Response:
        session = self._session()
        try:
            response = session.request(method, url, **request)
        except (requests.RequestException, ValueError) as error:
            raise errors.failure_of_exception(error, doing=doing) from None
        finally:
            status, headers = session.last_status, session.last_headers
            metrics.PLATFORM_CALLS.labels(self.name, doing, metrics.call_status(status)).inc()
            if budget is not None:
                # The limit of calls in a second answers 429 too, and without figures says nothing of the windows.
                told = limits.read_headers(headers).limits[0] > 0
                budget.learn(headers, status if told or status != 429 else 0)
        if response.status_code == 200:
            return response
        wait_s = limits.retry_after_s(headers) or _BACK_OFF_S
        retry_at = self.now() + timedelta(seconds=wait_s + _BACK_OFF_S * self.chance())
        raise errors.failure_of_answer(response, doing=doing, needs=needs, by=by, retry_at=retry_at)

    def _budget_of(self, token: str) -> WindowBudget:
        """The budget of one API key: its limits are its own."""
        with self._making:
            if token not in self._of_keys:
                name = f"key-{hashlib.sha256(token.encode()).hexdigest()[:16]}"
                self._of_keys[token] = _budget(name, self.now, self.budget.redis)
            return self._of_keys[token]

    def _session(self) -> PlatformSession:
        if not hasattr(self._of_thread, "session"):
            agent = f"AdductorCoach/{__version__} (+{self.public_url})"
            self._of_thread.session = PlatformSession(timeout_s=self.timeout_s, user_agent=agent)
        session: PlatformSession = self._of_thread.session
        return session

    def _read(self, doing: str, read: Callable[[], T]) -> T:
        try:
            return read()
        except (ValueError, IndexError, RecursionError) as error:  # requests' JSON error is a ValueError
            raise errors.failure_of_exception(error, doing=doing) from None

    def _list(self, doing: str, answer: requests.Response) -> list[Any]:
        found = self._read(doing, answer.json)
        if not isinstance(found, list):
            raise errors.failure_of_exception(ValueError("not a list"), doing=doing)
        return found

    def _parse(self, doing: str, answer: requests.Response, kind: type[A]) -> A:
        try:
            return kind.model_validate(self._read(doing, answer.json))
        except ValidationError as error:
            raise errors.failure_of_exception(error, doing=doing) from None

    def _activity(self, doing: str, activity_id: str, answer: requests.Response) -> LoggedActivity:
        activity = self._read(doing, lambda: parse_activity(answer.json(), self.now()))
        if activity.id != activity_id:
            raise errors.failure_of_exception(ValueError("another activity"), doing=doing)
        return activity


def _grant(athlete: _Athlete, tokens: Tokens, scopes: str, *, by_key: bool = False) -> Grant:
    return Grant(
        tokens=tokens,
        external_id=FACTS.athlete_id(athlete.id),
        name=storable((athlete.name or "")[:_MAX_NAME_CHARS]),
        timezone=athlete.timezone,
        units="imperial" if athlete.measurement_preference == "feet" else "metric",
        scopes=scopes,
        by_key=by_key,
    )
