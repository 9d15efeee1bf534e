"""The adapter for intervals.icu (`base.Platform`, `KeepsCalendar`, `ConnectsByKey`).

A credential is an OAuth access token, or ``API_KEY:`` and the athlete's own key, which goes out as Basic. Both are for one
athlete, who is ``athlete/0`` to them: no call names another. The only POST that writes is the bulk upsert, which may be
repeated when its answer was lost.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import requests

from adductor import metrics
from adductor.platforms.base import (
    CalendarEntry,
    Caller,
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
from adductor.platforms.client import MAX_NAME_CHARS, PlatformClient, same
from adductor.platforms.fields import Answer, OptionalText, OptionalZone, as_list
from adductor.platforms.intervals import FACTS, calendar, errors, read_headers
from adductor.platforms.intervals.activities import LISTED_FIELDS, OwnId, parse_activity
from adductor.platforms.intervals.webhooks import with_reading

SCOPES = "ACTIVITY:WRITE,CALENDAR:WRITE,WELLNESS:READ"
_KEY = "API_KEY:"  # the user name of Basic, literally
# Without a Retry-After: from here on, spread over as much again.
_BACK_OFF_S = 30
_ENTRIES = "athlete/0/events"

T = TypeVar("T")


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


@dataclass(kw_only=True, eq=False, repr=False)
class Client(PlatformClient):
    """intervals.icu."""

    label = FACTS.label
    urls = errors.URLS
    _of_keys: dict[str, WindowBudget] = field(default_factory=dict)

    # --- connecting -------------------------------------------------------------------------------------------------

    def authorize_url(self, *, redirect_uri: str, state: str, force: bool = False) -> str:
        """Every consent is asked anew. Raises RuntimeError without an application."""
        if self.client_id is None:
            raise RuntimeError("no intervals.icu application is set: INTERVALS_CLIENT_ID and INTERVALS_CLIENT_SECRET")
        query = {"client_id": self.client_id, "redirect_uri": redirect_uri, "scope": SCOPES, "state": state}
        return f"{self.oauth_url}/oauth/authorize?{urlencode(query)}"

    def exchange_code(self, code: str) -> Grant:
        """The granted scopes stand in the answer: the athlete may have unticked some."""
        form = {"client_id": self.client_id or "", "client_secret": self.client_secret, "code": code}
        url = f"{self.oauth_url}/api/oauth/token"
        granted = self.call(
            "connecting a runner", lambda: _Granted.model_validate(self.send("POST", url, data=form).json())
        )
        return _grant(granted.athlete, Tokens(granted.access_token), granted.scope)

    def try_key(self, api_key: str) -> Grant:
        """The answer tells the athlete's true id. Also REFUSED for a dormant account."""
        token = f"{_KEY}{api_key}"
        try:
            athlete = self._api(
                "trying the API key",
                ("GET", "athlete/0"),
                Caller(token, Priority.CONNECT),
                lambda answer: _Athlete.model_validate(answer.json()),
                needs="settings",
            )
        except PlatformError as error:
            if error.kind is not ErrorKind.UNAUTHORIZED:
                raise
            problem = "intervals.icu doesn't take this API key."
            raise PlatformError(ErrorKind.REFUSED, problem, details=("key",)) from None
        if athlete.status not in (None, "ACTIVE"):
            problem = (
                "This account is dormant: intervals.icu processes nothing for it until its owner signs in there once."
            )
            raise PlatformError(ErrorKind.REFUSED, problem, details=("dormant",))
        return replace(_grant(athlete, Tokens(token), SCOPES), by_key=True)

    def refresh(self, refresh_token: str) -> Tokens:
        """Tokens never expire: there is nothing to refresh."""
        raise PlatformError(ErrorKind.REFUSED, "intervals.icu has no refresh tokens")

    def revoke(self, token: str) -> None:
        """A key stays the athlete's: only they can end it."""
        if not token.startswith(_KEY):
            caller = Caller(token, Priority.CONNECT)
            self._api("giving a runner's access back", ("DELETE", "disconnect-app"), caller, _nothing)

    # --- the log ----------------------------------------------------------------------------------------------------

    def get_activity(self, caller: Caller, activity_id: str) -> LoggedActivity:
        endpoint = "GET", f"activity/{quote(own_id(activity_id))}"
        return self._api("reading an activity", endpoint, caller, self._reads(activity_id))

    def list_activities(self, caller: Caller, *, after: datetime) -> list[LoggedActivity]:
        """The API goes by local days: one more is asked for, and cut off here."""
        query = {"oldest": (after - timedelta(days=1)).date().isoformat(), "fields": LISTED_FIELDS}
        found = self._api(
            "listing activities",
            ("GET", "athlete/0/activities"),
            caller,
            lambda answer: self.listed(answer.json(), lambda entry: parse_activity(entry, self.now())),
            params=query,
        )
        return [activity for activity in found if activity.start >= after]

    def update_activity(self, caller: Caller, activity_id: str, field: str, text: str) -> LoggedActivity:
        """Only the field that changes goes out."""
        endpoint = "PUT", f"activity/{quote(own_id(activity_id))}"
        read = self._reads(activity_id)
        return self._api("writing a description", endpoint, caller, read, needs="write activity", json={field: text})

    # --- calendar and wellness --------------------------------------------------------------------------------------

    def read_calendar(self, caller: Caller, first: date, last: date) -> tuple[Told, Sequence[CalendarEntry]]:
        return self._api(
            "reading the calendar",
            ("GET", _ENTRIES),
            caller,
            lambda answer: calendar.read_calendar(answer.json()),
            needs="calendar",
            params={"oldest": first.isoformat(), "newest": last.isoformat()},
        )

    def put_entry(self, caller: Caller, entry: CalendarEntry) -> CalendarEntry:
        """A new one goes by upsert, so that a lost answer makes no second."""
        doing, needs, fields = "writing into the calendar", "write calendar", calendar.fields_of(entry)
        if entry.id:
            endpoint, changed = _entry(entry.id, "PUT"), {name: fields[name] for name in ("name", "description")}
            return self._api(
                doing, endpoint, caller, lambda answer: calendar.read_entry(answer.json()), needs=needs, json=changed
            )
        return self._api(
            doing,
            ("POST", f"{_ENTRIES}/bulk?upsert=true"),
            caller,
            lambda answer: calendar.read_entry(as_list(answer.json())[0]),
            needs=needs,
            json=[fields],
        )

    def delete_entry(self, caller: Caller, entry_id: str) -> None:
        """One, by its number, never a range."""
        self._api("removing from the calendar", _entry(entry_id, "DELETE"), caller, _nothing, needs="write calendar")

    def read_wellness(self, caller: Caller, first: date, last: date) -> Told:
        return self._api(
            "reading wellness",
            ("GET", "athlete/0/wellness"),
            caller,
            lambda answer: calendar.read_wellness(answer.json(), last),
            needs="wellness",
            params={"oldest": first.isoformat(), "newest": last.isoformat()},
        )

    # --- how calls are made -----------------------------------------------------------------------------------------

    def _api(
        self,
        doing: str,
        endpoint: tuple[str, str],
        caller: Caller,
        read: Callable[[requests.Response], T],
        *,
        needs: str = "activity",
        **request: Any,
    ) -> T:
        """One call with an athlete's credential: ``endpoint`` is its method and path."""
        token = caller.token or ""
        if _is_key(caller):
            request["auth"] = ("API_KEY", token.removeprefix(_KEY))
        else:
            request["headers"] = {"Authorization": f"Bearer {token}"}
        method, path = endpoint
        url = f"{self.api_url}/{path}"
        return self.call(doing, lambda: read(self.send(method, url, **request)), caller, needs=needs)

    def _reads(self, activity_id: str) -> Callable[[requests.Response], LoggedActivity]:
        return lambda answer: same(parse_activity(answer.json(), self.now()), activity_id)

    def _failure(self, status: int, body: bytes, doing: str, caller: Caller | None, needs: str) -> PlatformError:
        by = "application" if caller is None else "key" if _is_key(caller) else "token"
        return errors.failure_of(status, body, doing=doing, needs=needs, by=by)

    def _retry_at(self, caller: Caller | None) -> datetime:
        told = next((text for name, text in self.session.last_headers.items() if name.lower() == "retry-after"), "")
        wait_s = int(told) if re.fullmatch("[0-9]{1,6}", told.strip()) else _BACK_OFF_S
        return self.now() + timedelta(seconds=wait_s + _BACK_OFF_S * random.random())  # noqa: S311 - no secret

    def _count(self, doing: str, status: int, *, held_back: Caller | None = None) -> None:
        label = metrics.call_status(status) if held_back is None else "held_back"
        metrics.PLATFORM_CALLS.labels("intervals", doing, label).inc()

    def _learn(self, budget: WindowBudget) -> None:
        """The limit of calls in a second answers 429 too, and without figures says nothing of the windows."""
        status, headers = self.session.last_status, self.session.last_headers
        told = read_headers(headers).limits[0] > 0
        budget.learn(headers, status if told or status != 429 else 0)

    def _budget_of(self, caller: Caller) -> WindowBudget:
        """The limits of an API key are its own."""
        if not _is_key(caller):
            return self.budget
        name = hashlib.sha256((caller.token or "").encode()).hexdigest()[:16]
        return self._of_keys.setdefault(name, replace(self.budget, key=f"adductor:intervals:budget:windows:key-{name}"))


def _is_key(caller: Caller) -> bool:
    return (caller.token or "").startswith(_KEY)


def _entry(entry_id: str, method: str) -> tuple[str, str]:
    return method, f"{_ENTRIES}/{quote(own_id(entry_id))}"


def _nothing(_: requests.Response) -> None:
    """Of an answer whose body tells nothing."""


def _grant(athlete: _Athlete, tokens: Tokens, scopes: str) -> Grant:
    return Grant(
        tokens=tokens,
        external_id=FACTS.athlete_id(athlete.id),
        name=storable((athlete.name or "")[:MAX_NAME_CHARS]),
        timezone=athlete.timezone,
        units="imperial" if athlete.measurement_preference == "feet" else "metric",
        scopes=with_reading(scopes),
    )
