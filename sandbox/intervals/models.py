"""The entities of the made-up intervals.icu, and its switches.

Activities, calendar entries and wellness days hold what the API serves, without nulls. Times are epoch seconds, UTC,
unless they are local as in the API.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from sandbox.models import DeliverySwitches, Entity

# An area with `:WRITE` implies `:READ`.
AREAS = ("ACTIVITY", "WELLNESS", "CALENDAR", "CHATS", "LIBRARY", "SETTINGS")
SCOPES = tuple(f"{area}:{right}" for area in AREAS for right in ("READ", "WRITE"))
THE_ATHLETE = "athlete"

Status = Literal["ACTIVE", "DORMANT", "ARCHIVED"]
Category = Literal[
    "WORKOUT", "RACE_A", "RACE_B", "RACE_C", "NOTE", "PLAN", "HOLIDAY", "SICK", "INJURED", "SET_EFTP", "FITNESS_DAYS",
    "SEASON_START", "TARGET", "SET_FITNESS",
]  # fmt: skip


class Athlete(Entity):
    """An account. `id` has a leading i, or none as old accounts have; `runner_id` is the same person at Strava."""

    id: str
    runner_id: int
    api_key: str
    status: Status = "ACTIVE"


class Grant(Entity):
    """The OAuth grant of one athlete. Its token never expires; kept after a disconnect, with `live` off."""

    key_field = "athlete_id"
    athlete_id: str
    scopes: list[str]
    tokens: list[str]
    live: bool = True

    def allows(self, scope: str) -> bool:
        return self.live and (scope in self.scopes or scope.replace(":READ", ":WRITE") in self.scopes)


class GrantCode(Entity):
    """An authorization code; single use."""

    key_field = "code"
    code: str
    athlete_id: str
    scopes: list[str]
    expires_at: float


class Change(Entity):
    """One edit: the changed fields before and after. `author` is "athlete", "app CLIENT_ID" or another name."""

    at: float
    author: str
    before: dict[str, Any]
    after: dict[str, Any]


class Thing(Entity):
    """An object of the API with its history."""

    id: Any
    athlete_id: str
    fields: dict[str, Any]
    deleted: bool = False
    history: list[Change] = Field(default_factory=list)


class LogActivity(Thing):
    """An activity; `analyzed_at` hides `analyzed` until then."""

    id: str
    analyzed_at: float = 0.0

    @property
    def from_strava(self) -> bool:
        return self.fields.get("source") == "STRAVA"


class CalendarEntry(Thing):
    """An event of the calendar."""

    id: int


class WellnessDay(Entity):
    athlete_id: str
    day: str
    fields: dict[str, Any]

    @property
    def key(self) -> str:
        return f"{self.athlete_id} {self.day}"


class Application(Entity):
    """What the owner of the application entered under "Manage App"."""

    key_field = None
    webhook_url: str | None = None
    secret: str = ""
    authorization: str | None = None


class IntervalsSwitches(Entity):
    """All settings that tests change. Where it isn't known how the real one behaves, a switch has each way."""

    key_field = None
    application: Literal["approved", "pending"] = "approved"
    # Which User-Agents meet the HTML challenge: those of libraries, none, all.
    challenge: Literal["libraries", "never", "all"] = "libraries"
    wrong_key_status: Literal[401, 403] = 401
    # Own writes come back as events.
    echo: bool = True
    # After so long, a deleted entry is announced as changed, though it stays deleted.
    resurrect_after_s: float | None = Field(None, ge=0)
    # False: uploads come without `analyzed`, and ACTIVITY_ANALYZED follows.
    uploaded_analyzed: bool = True
    # So many events wait for each other and share one POST.
    together: int = Field(1, ge=1, le=100)
    # Upsert by `external_id` with an API key: finds the entry, or always makes another.
    key_upsert: Literal["matches", "blind"] = "matches"
    stub_source: bool = True
    serves_timezone: bool = True
    rate_headers: Literal["absent", "normal"] = "absent"
    retry_after: bool = False
    per_second: int | None = Field(10, ge=1)
    app_limits: tuple[int, int] = (2_500, 5_000)
    key_limits: tuple[int, int] = (2_500, 5_000)
    delivery: DeliverySwitches = Field(
        default_factory=lambda: DeliverySwitches(attempts=8, retry_after_s=30.0, retry_factor=2.0, timeout_s=10.0)
    )
