"""The port to a running log: one Protocol with declared capabilities, errors by kind, and the records it returns.

This module names no platform. Every time is an aware datetime in UTC unless its name says otherwise.
`registry` makes the adapter of a platform by its name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import date, datetime, timedelta
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    # Only names here: the web process need not load the coach for them.
    from adductor.coaching.situation import Intensity


class ErrorKind(StrEnum):
    """The meaning of a failed call for its caller."""

    RETRY = "retry"  # no answer, or a server's failure: the same call may work later
    NOT_FOUND = "not_found"  # deleted, or too new to be read yet
    RATE_LIMITED = "rate_limited"  # the budget is spent; `retry_at` says until when
    UNAUTHORIZED = "unauthorized"  # the access token was refused (401): proves nothing, refresh and call again
    REVOKED = "revoked"  # the refresh token was refused: the athlete has disconnected. Only `refresh` raises it
    SCOPE_MISSING = "scope_missing"  # the athlete didn't grant this; a refresh doesn't help
    INACTIVE = "inactive"  # the platform has switched our application off; the operator has to act
    CAP = "cap"  # the application may not have more athletes; the operator has to act
    MISCONFIGURED = "misconfigured"  # our settings are wrong; the operator has to act
    REFUSED = "refused"  # a setup call was understood and declined; `details` say why
    PERMANENT = "permanent"  # the same call never works: not tried again
    UNEXPECTED = "unexpected"  # any other 4xx: retry with backoff, then dead-letter


@dataclass(eq=False)
class PlatformError(Exception):
    """A call to a platform failed. ``message`` is for people and never holds a token or a secret.

    ``retry_at`` (UTC) is set when the platform's own rules tell when the next try makes sense; ``status`` is None when no
    answer came; ``details`` are the platform's own short codes.
    """

    kind: ErrorKind
    message: str
    retry_at: datetime | None = field(default=None, kw_only=True)
    status: int | None = field(default=None, kw_only=True)
    details: tuple[str, ...] = field(default=(), kw_only=True)

    def __str__(self) -> str:
        return self.message


class EventError(ValueError):
    """A webhook request doesn't have the platform's shape. The message is short and names the field."""


class Priority(IntEnum):
    """The purpose of a call. It decides which share of the rate budget the call may use."""

    FRESH = 0  # a run that just came in, and its note
    RETRY = 1  # a call that failed before
    HISTORY = 2  # reconciliation and history
    CONNECT = 3  # a person is waiting in front of the screen; a part of the budget is reserved for this
    SPARE = 4  # a run that brings no routine, for the athlete's own overview: only while hardly a call was made


@dataclass(frozen=True, slots=True)
class Caller:
    """One call's access token and its place in the budget (see `WindowBudget.take`).

    ``token`` is None where the application itself calls; the ``repr`` doesn't show it.
    """

    token: str | None = field(repr=False)
    priority: Priority
    athlete: str | None = None


class Figures(NamedTuple):
    """Calls for each bucket and window of a rate limit. A platform with one bucket repeats it."""

    overall_quarter: int
    overall_day: int
    read_quarter: int
    read_day: int


@dataclass(frozen=True, slots=True)
class BudgetState:
    """Limits and calls counted in the running windows. ``shared``: Redis holds them for all processes."""

    limits: Figures
    used: Figures
    shared: bool


# The sport of an activity that the platform may not hand on.
UNKNOWN_SPORT = "unknown"


@dataclass(frozen=True, slots=True)
class Tokens:
    """One athlete's OAuth tokens, or their API key as the access token. The ``repr`` shows neither.

    Without ``refresh_token`` the access token never expires.
    """

    access_token: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """The result of connecting. ``timezone`` (IANA) is None where the platform doesn't tell it."""

    tokens: Tokens
    external_id: str  # the athlete's id at the platform: not every platform has numbers
    name: str
    timezone: str | None
    units: str  # metric or imperial
    scopes: str | None = None  # as granted, comma-separated; None: they stand in the redirect
    by_key: bool = False


@dataclass(frozen=True, slots=True)
class LoggedActivity:
    """One activity of the platform's log, in the coach's words.

    Incomplete entries (``complete=False``) have stand-ins for missing fields: read them again, decide nothing on them.
    """

    id: str  # "strava:123": see `id_of`
    athlete_id: str  # the platform's own
    title: str
    # The coach's words: run, trail_run, treadmill_run, virtual_run, walk, hike, ride, strength, ..., other.
    # UNKNOWN_SPORT: the platform may not hand it on, and neither sport nor length is known.
    sport: str
    start: datetime  # UTC; of a hidden start time only the local day means something
    timezone: str | None  # IANA; None = unknown, or of a virtual place where the athlete isn't
    moving_s: int
    elapsed_s: int
    distance_m: float
    elevation_gain_m: float
    workout: str | None  # race, long or workout, where the athlete said so
    intensity: Intensity
    manual: bool
    private_note: str | None  # None = unknown, "" = empty
    description: str | None  # None = unknown (summaries don't hold it), "" = empty
    body_part: str | None  # of strength work: lower, upper, full, core; None = unknown
    is_adductor_session: bool  # the log says that this was adductor, hip or groin work
    time_unreliable: bool  # hidden start time, or a manual entry that looks like a form's default
    complete: bool  # everything that a decision needs is there


@dataclass(frozen=True, slots=True)
class CalendarEntry:
    """A text of ours in a calendar, on a local day. ``id``: see `id_of`; "" before it was written."""

    id: str
    key: str  # ours: the same key is the same entry
    day: date
    name: str
    text: str

    @property
    def whole(self) -> str:
        """Name and text as one text: its first line is the name."""
        return f"{self.name}\n{self.text}" if self.text else self.name


@dataclass(frozen=True, slots=True)
class Told:
    """What a platform says beside activities, as plain values for JSON. Days are local dates, ends exclusive.

    ``plan``: runs to come as day, at, kind, priority, distance_km, planned_min, name. ``pauses``: kind (injured, sick, away),
    first, end. ``wellness``: by day, soreness and injury from 1 (good) to 4. None: not read.
    """

    plan: list[dict[str, Any]] | None = None
    pauses: list[dict[str, str]] | None = None
    wellness: dict[str, dict[str, int]] | None = None


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """A platform's hint that something changed. It proves nothing: the object is read again by its id."""

    platform: str
    subscription_id: int
    object_type: str  # activity or athlete
    object_id: str
    aspect_type: str  # create, update or delete
    event_time: datetime
    owner_id: str
    updates: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The fixed facts of a platform, readable without its libraries: ``FACTS`` in its folder."""

    label: str  # for people: "Strava"
    # Of webhooks, private_note, description, calendar, plan, wellness, own_keys (an athlete's own API key connects),
    # refresh_tokens. Callers ask these, never the platform's name.
    capabilities: frozenset[str]
    read_scopes: frozenset[str]  # without these nothing can be seen
    # By delivery channel the scope that writes it, and for "plan" and "wellness" the scope that reads them.
    scopes: Mapping[str, str]
    scope_words: Mapping[str, str] = field(default_factory=dict)  # by scope: what doesn't work without it
    keep: timedelta  # its data is deleted this long after it was read
    # Every log is listed this often, because events are missing by rule; one by key as its setting _POLL_S says.
    catch_up: timedelta | None = None
    athlete_prefix: str = ""  # an athlete's id means the same with and without it

    def athlete_id(self, text: str) -> str:
        """An athlete's id in the form that is stored."""
        return text.removeprefix(self.athlete_prefix)


class Platform(Protocol):
    """One running log. Cheap to make, safe for threads; every method raises PlatformError and nothing else.

    Calls take from ``budget`` first.
    """

    label: ClassVar[str]  # for people: "Strava"

    def authorize_url(self, *, redirect_uri: str, state: str, force: bool = False) -> str:
        """The address that starts OAuth in a browser. ``force`` asks again for scopes that were decided before."""

    def exchange_code(self, code: str) -> Grant:
        """Trade the redirect's code for tokens. Raises REFUSED for a code that was used or is too old."""

    def refresh(self, refresh_token: str) -> Tokens:
        """Renew the tokens. The old refresh token may be dead from here on: store the new ones before any use.

        Raises REVOKED when the platform doesn't accept the refresh token.
        """

    def revoke(self, token: str) -> None:
        """Return a token to the platform. An unknown one is fine."""

    def get_activity(self, caller: Caller, activity_id: str) -> LoggedActivity:
        """Read one activity with all its fields. Raises NOT_FOUND, also right after its create event."""

    def list_activities(self, caller: Caller, *, after: datetime) -> list[LoggedActivity]:
        """List the activities that started after a time, newest first. Texts may be unknown (None)."""

    def update_activity(self, caller: Caller, activity_id: str, field: str, text: str) -> LoggedActivity:
        """Replace one text of an activity, whole: ``field`` is private_note or description, "" clears it.

        Returns the activity as the platform answered it. Compare: an answer of 200 doesn't prove the change.
        """


@runtime_checkable
class KeepsCalendar(Protocol):
    """The optional part of a platform with a calendar."""

    def read_calendar(self, caller: Caller, first: date, last: date) -> tuple[Told, Sequence[CalendarEntry]]:
        """Read the local days from first to last: the plan, and the entries with a key."""

    def put_entry(self, caller: Caller, entry: CalendarEntry) -> CalendarEntry:
        """Write an entry: one without an id is made, or found by its key. Returns it as the platform answered.

        Raises NOT_FOUND when an entry with that id is gone.
        """

    def delete_entry(self, caller: Caller, entry_id: str) -> None:
        """Delete an entry. Raises NOT_FOUND when it is gone."""

    def read_wellness(self, caller: Caller, first: date, last: date) -> Told:
        """Read the wellness of the local days from first to last."""


@runtime_checkable
class ConnectsByKey(Protocol):
    """The optional part of a platform where an athlete may connect with an API key of their own."""

    def try_key(self, api_key: str) -> Grant:
        """Call with the key once. Raises REFUSED for one that the platform doesn't take."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """A webhook subscription as the platform holds it."""

    id: int
    callback_url: str = ""


@runtime_checkable
class SubscribesByApi(Protocol):
    """The optional part of a platform whose webhook subscription is made by API (`isinstance` asks for it)."""

    def create_subscription(self, callback_url: str, verify_token: str) -> int:
        """Make the platform send events there; returns the subscription's id. The platform calls the address meanwhile.

        Raises REFUSED with the platform's codes in ``details`` when the callback fails or a subscription exists.
        """

    def list_subscriptions(self) -> list[Subscription]: ...

    def delete_subscription(self, subscription_id: int) -> None:
        """Delete a subscription. One that is already gone is fine."""


def id_of(platform: str, own: object) -> str:
    """The id of an activity or calendar entry, unique over all platforms: ``strava:123``."""
    return f"{platform}:{own}"


def platform_of(object_id: str) -> str:
    """The platform in an id of `id_of`."""
    return object_id.partition(":")[0]


def own_id(object_id: str) -> str:
    """The platform's own part of an id of `id_of`."""
    return object_id.partition(":")[2]


_CARRIED = "activity"  # in `WebhookEvent.updates`


def carry(activity: LoggedActivity) -> dict[str, Any]:
    """The updates of an event that brings its activity along, as JSON. Texts of the athlete are left out, but the title."""
    values = asdict(activity) | {"start": activity.start.isoformat(), "private_note": None, "description": None}
    # SQLite merges updates with `json_patch`, which takes a null for a deletion: a duplicate would look changed.
    return {_CARRIED: {name: value for name, value in values.items() if value is not None}}


def carried(updates: Mapping[str, Any]) -> LoggedActivity | None:
    """The activity that an event brought along."""
    from adductor.coaching.situation import Intensity

    values = updates.get(_CARRIED)
    if values is None:
        return None
    start, intensity = datetime.fromisoformat(values["start"]), Intensity(values["intensity"])
    absent = dict.fromkeys(each.name for each in fields(LoggedActivity))
    return LoggedActivity(**{**absent, **values, "start": start, "intensity": intensity})


def storable(text: str) -> str:
    """Text that a database stores: PostgreSQL refuses NUL, UTF-8 half a surrogate pair. JSON can spell both."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
