"""What every platform has: tokens, a log of activities, events, errors by kind.

Nothing here knows how one platform words it. Every time is an aware datetime in UTC unless its name says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # Only a name here: the webhook's process need not load the coach for it.
    from adductor.coaching.situation import Intensity


class ErrorKind(StrEnum):
    """What a failed call means for the one who made it."""

    RETRY = "retry"  # it hung, dropped, or answered nonsense: the same call may work later
    NOT_FOUND = "not_found"  # not there: gone, or so new that it can't be read yet
    RATE_LIMITED = "rate_limited"  # the budget is spent; `retry_at` says when it isn't
    REVOKED = "revoked"  # the token is no longer good; after one failed refresh: the athlete has left
    SCOPE_MISSING = "scope_missing"  # the athlete never granted this; a refresh doesn't help
    INACTIVE = "inactive"  # the platform has switched our application off; the operator has to act
    CAP = "cap"  # the application may not have more athletes; the operator has to act
    MISCONFIGURED = "misconfigured"  # our settings are wrong; the operator has to act
    REFUSED = "refused"  # understood and declined; the same call will be declined again


_PERMANENT = frozenset(
    {
        ErrorKind.REVOKED,
        ErrorKind.SCOPE_MISSING,
        ErrorKind.INACTIVE,
        ErrorKind.CAP,
        ErrorKind.MISCONFIGURED,
        ErrorKind.REFUSED,
    }
)


class PlatformError(Exception):
    """A call to a platform failed.

    ``message`` is for people and never holds a token or a secret. ``retry_at`` (UTC) is set when the platform's own
    rules tell when trying again makes sense. ``status`` is the HTTP status, None when no answer came. ``details`` are
    the platform's own short codes, for telling apart what shares a kind.
    """

    def __init__(
        self,
        kind: ErrorKind,
        message: str,
        *,
        retry_at: datetime | None = None,
        status: int | None = None,
        details: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.retry_at = retry_at
        self.status = status
        self.details = details

    @property
    def permanent(self) -> bool:
        """Whether the same call fails again until a person does something.

        NOT_FOUND is not: only the caller knows whether the activity was created a moment ago.
        """
        return self.kind in _PERMANENT

    def __repr__(self) -> str:
        return f"PlatformError({self.kind.value}, {self.message!r}, status={self.status})"


class EventError(ValueError):
    """A webhook request isn't what the platform sends. ``reason`` is short and names the field."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Priority(IntEnum):
    """What a call is for. It decides how much of the rate budget the call may use."""

    FRESH = 0  # a run that just came in, and its note
    RETRY = 1  # what failed before
    HISTORY = 2  # reconciliation and history
    CONNECT = 3  # a person is waiting in front of the screen; a part of the budget is theirs
    REPLACEABLE = 4  # a note whose place a mail can take


@dataclass(frozen=True, slots=True)
class Tokens:
    """One athlete's keys. The ``repr`` shows neither."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Grant:
    """What an athlete gave us by connecting. ``timezone`` (IANA) is None where the platform doesn't tell it."""

    tokens: Tokens
    athlete_id: int
    name: str
    timezone: str | None
    units: str  # metric or imperial


@dataclass(frozen=True, slots=True)
class LoggedActivity:
    """One activity as the platform's log holds it, in our words.

    Incomplete entries (``complete=False``) have stand-ins in what is missing: ask again later, decide nothing on them.
    """

    id: int
    athlete_id: int
    title: str
    sport: str  # the coach's words: run, trail_run, treadmill_run, virtual_run, walk, hike, ride, strength, ..., other
    sport_type: str  # the platform's own word; "" when absent
    start: datetime  # UTC; of a hidden start time only the local day means something
    start_hidden: bool
    timezone: str | None  # IANA
    utc_offset_s: float  # at the start, daylight saving included
    moving_s: int
    elapsed_s: int
    distance_m: float
    elevation_gain_m: float
    workout: str | None  # race, long or workout, where the athlete said so
    intensity: Intensity
    manual: bool
    trainer: bool
    private: bool  # only the athlete sees it
    private_note: str | None  # None = unknown, "" = empty
    description: str | None  # None = unknown (summaries don't hold it), "" = empty
    body_part: str | None  # of strength work: lower, upper, full, core; None = unknown
    is_adductor_session: bool  # the log says that this was adductor, hip or groin work
    time_unreliable: bool  # hidden start time, or a manual entry that looks like a form's default
    complete: bool  # all that a decision needs is there


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """A platform's word that something changed. Not proof of anything: what it says is asked for again by id."""

    platform: str
    subscription_id: int
    object_type: str  # activity or athlete
    object_id: int
    aspect_type: str  # create, update or delete
    event_time: datetime
    owner_id: int
    updates: dict[str, str]


def storable(text: str) -> str:
    """Text that a database takes: PostgreSQL refuses NUL, UTF-8 half a surrogate pair; JSON can spell both."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
