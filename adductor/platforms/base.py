"""The port to a running log: one Protocol with declared capabilities, errors by kind, and the records it returns.

This module names no platform. Every time is an aware datetime in UTC unless its name says otherwise.
`registry` makes the adapter of a platform by its name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    # Only names here: the web process need not load the coach for them.
    from adductor.coaching.situation import Intensity
    from adductor.platforms.budget import WindowBudget


# --- errors ---------------------------------------------------------------------------------------------------------


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
    UNEXPECTED = "unexpected"  # any other 4xx: retry with backoff, then dead-letter


@dataclass(eq=False)
class PlatformError(Exception):
    """A call to a platform failed.

    ``message`` is for people and never holds a token or a secret. ``retry_at`` (UTC) is set when the platform's own
    rules tell when the next try makes sense. ``status`` is the HTTP status, None when no answer came. ``details`` are
    the platform's own short codes; they tell apart errors of one kind.
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


# --- the rate budget ------------------------------------------------------------------------------------------------


class Priority(IntEnum):
    """The purpose of a call. It decides which share of the rate budget the call may use."""

    FRESH = 0  # a run that just came in, and its note
    RETRY = 1  # a call that failed before
    HISTORY = 2  # reconciliation and history
    CONNECT = 3  # a person is waiting in front of the screen; a part of the budget is reserved for this
    REPLACEABLE = 4  # a note that mail can replace
    SPARE = 5  # a run that brings no routine, for the athlete's own overview: only while hardly a call was made


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


# --- records --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tokens:
    """One athlete's OAuth tokens. The ``repr`` shows neither."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Grant:
    """The result of connecting. ``timezone`` (IANA) is None where the platform doesn't tell it."""

    tokens: Tokens
    external_id: str  # the athlete's id at the platform: not every platform has numbers
    name: str
    timezone: str | None
    units: str  # metric or imperial


@dataclass(frozen=True, slots=True)
class LoggedActivity:
    """One activity of the platform's log, in the coach's words.

    Incomplete entries (``complete=False``) have stand-ins for missing fields: read them again, decide nothing on them.
    """

    id: str  # "strava:123": see `id_of`
    athlete_id: str  # the platform's own
    title: str
    sport: str  # the coach's words: run, trail_run, treadmill_run, virtual_run, walk, hike, ride, strength, ..., other
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
class WebhookEvent:
    """A platform's hint that something changed. It proves nothing: the object is read again by its id."""

    platform: str
    subscription_id: int
    object_type: str  # activity or athlete
    object_id: str
    aspect_type: str  # create, update or delete
    event_time: datetime
    owner_id: str
    updates: dict[str, str]


# --- the adapter ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """The features of a platform. Callers ask these, never the platform's name."""

    webhooks: bool = False  # it sends events
    polling: bool = False  # its list of activities can be asked for new ones
    private_note: bool = False  # an activity has a text that only its owner sees
    description: bool = False  # an activity has a text that others may see
    calendar: bool = False  # entries can be written into a calendar
    plan: bool = False  # planned workouts and races can be read
    wellness: bool = False  # soreness, injury and the like can be read
    refresh_tokens: bool = False  # access tokens expire and are refreshed


class Platform(Protocol):
    """One running log. Cheap to make, safe for threads; every method raises PlatformError and nothing else.

    Calls take from ``budget`` first.
    """

    name: ClassVar[str]  # in the database and in addresses: "strava"
    label: ClassVar[str]  # for people: "Strava"
    capabilities: ClassVar[Capabilities]
    budget: WindowBudget

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


@dataclass(frozen=True, slots=True)
class Subscription:
    """A webhook subscription as the platform holds it."""

    id: int
    callback_url: str = ""


@dataclass(frozen=True, slots=True)
class SubscriptionOutcome:
    """The subscription after `ensure_subscription`. ``former_callback_url`` is that of the one it replaced."""

    action: Literal["kept", "created", "replaced"]
    subscription_id: int
    former_callback_url: str | None = None


@runtime_checkable
class SubscribesByApi(Protocol):
    """The optional part of a platform whose webhook subscription is made by API (`isinstance` asks for it)."""

    def ensure_subscription(
        self, callback_url: str, verify_token: str, *, before_replacing: Callable[[str], None] | None = None
    ) -> SubscriptionOutcome:
        """Make the platform send events to ``callback_url``. Idempotent; repairs a subscription for another address.

        ``before_replacing`` gets that address without its path and may raise PlatformError to keep it.
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


def storable(text: str) -> str:
    """Text that a database stores: PostgreSQL refuses NUL, UTF-8 half a surrogate pair. JSON can spell both."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
