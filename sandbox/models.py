"""The sandbox's entities: runners, activities, connections, subscriptions, deliveries, switches.

Times are epoch seconds on the sandbox's clock, UTC. Lengths are metres and seconds.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

Visibility = Literal["everyone", "followers_only", "only_me"]


class Entity(BaseModel):
    """Stored whole under its kind and key."""

    model_config = ConfigDict(extra="forbid", validate_assignment=False)
    key_field: ClassVar[str | None] = "id"  # None: there is only one

    @property
    def key(self) -> Any:
        return "only" if self.key_field is None else getattr(self, self.key_field)


class Runner(Entity):
    id: int
    firstname: str
    lastname: str
    city: str
    country: str
    sex: Literal["F", "M"] | None = None
    timezone: str
    measurement_preference: Literal["feet", "meters"] = "meters"
    created_at: float


class Activity(Entity):
    id: int
    runner_id: int
    name: str
    sport_type: str
    start: float
    timezone: str
    moving_time_s: int
    elapsed_time_s: int
    distance_m: float
    total_elevation_gain_m: float
    workout_type: int | None = None
    trainer: bool = False
    manual: bool = False
    description: str | None = None
    private_note: str = ""
    visibility: Visibility = "everyone"
    start_hidden: bool = False
    perceived_exertion: float | None = None
    suffer_score: float | None = None
    average_heartrate: float | None = None
    device_name: str | None = None
    created_at: float
    deleted: bool = False
    reads: int = 0
    not_found_reads: int = 0
    late_fields: list[str] = Field(default_factory=list)
    late_reads: int = 0
    not_found_until: float = 0.0
    late_until: float = 0.0

    @property
    def only_me(self) -> bool:
        return self.visibility == "only_me"


class Edit(Entity):
    """One field of one activity, changed: who, when, from what to what. ``sent`` is what an application sent, where it
    was kept as something else."""

    id: int
    activity_id: int
    at: float
    author: str
    field: str
    before: Any
    after: Any
    sent: Any = None


class Token(Entity):
    token: str
    expires_at: float


class Connection(Entity):
    """The OAuth grant of one runner. Kept after a disconnect, with `connected` off."""

    key_field = "runner_id"
    runner_id: int
    scopes: list[str]
    access_tokens: list[Token] = Field(default_factory=list)
    refresh_token: str = ""
    connected: bool = True
    since: float


class Code(Entity):
    """An authorization code that was not exchanged yet; single use."""

    key_field = "code"
    code: str
    runner_id: int
    scopes: list[str]
    expires_at: float


class Subscription(Entity):
    key_field = None
    id: int
    callback_url: str
    created_at: float


class Attempt(Entity):
    at: float
    status: int | None = None
    ms: float
    error: str | None = None


class Delivery(Entity):
    """One copy of one event on its way to the callback."""

    id: int
    callback_url: str
    event: dict[str, Any]
    due: float
    state: Literal["waiting", "delivered", "failed", "dropped"] = "waiting"
    attempts: list[Attempt] = Field(default_factory=list)
    note: str = ""


class ReadSwitches(Entity):
    """Read faults of activities recorded from now on."""

    not_found_reads: int = Field(0, ge=0)
    late_fields: list[str] = Field(default_factory=list)
    late_reads: int = Field(0, ge=0)
    # The same by the sandbox's clock: for so long after the recording.
    not_found_for_s: float = Field(0.0, ge=0)
    late_for_s: float = Field(0.0, ge=0)


class PrivateNoteSwitches(Entity):
    served: bool = True
    # Whether a PUT may set it while it is served.
    taken: bool = True
    when_empty: Literal["empty", "null", "absent"] = "empty"


class TextSwitches(Entity):
    """Alterations that Strava has been seen to make to an application's text."""

    strip_links: bool = False
    strip_decimals: bool = False
    crlf: bool = False
    trim_trailing: bool = False


class TokenSwitches(Entity):
    # 6 h, and 1 h below which a refresh gives a new one: Strava's "Authentication" page.
    lifetime_s: int = Field(21_600, gt=0)
    renew_below_s: int = Field(3_600, ge=0)
    rotate: Literal["when_renewed", "always", "never"] = "when_renewed"


class DeliverySwitches(Entity):
    paused: bool = False
    copies: int = Field(1, ge=1, le=100)
    duplicate_share: float = Field(0.0, ge=0, le=1)
    drop_share: float = Field(0.0, ge=0, le=1)
    reorder_share: float = Field(0.0, ge=0, le=1)
    reorder_within_s: float = Field(30.0, ge=0)
    late_share: float = Field(0.0, ge=0, le=1)
    late_by_s: float = Field(1200.0, ge=0)
    delay_s: float = Field(0.0, ge=0)
    attempts: int = Field(3, ge=1, le=10)
    retry_after_s: float = Field(60.0, ge=0)
    # Each further wait is so many times the one before.
    retry_factor: float = Field(1.0, ge=1, le=10)
    # Real seconds: what Strava gives a callback to answer.
    timeout_s: float = Field(2.0, gt=0, le=60)
    seed: int | None = None


class Tier(Entity):
    """Athletes an application may have, and its limits as (15 minutes, day)."""

    name: str = "1 athlete"
    athletes: int | None = 1
    overall: tuple[int, int] = (200, 2_000)
    read: tuple[int, int] = (100, 1_000)


TIERS = {
    "1": Tier(),
    "10": Tier(name="10 athletes", athletes=10, overall=(400, 4_000), read=(200, 2_000)),
    # For mass tests; no tier of Strava's.
    "unlimited": Tier(name="unlimited", athletes=None, overall=(10**9, 10**9), read=(10**9, 10**9)),
}


class Switches(Entity):
    """All settings of this Strava that tests change."""

    key_field = None
    application: Literal["active", "inactive"] = "active"
    rate_headers: Literal["normal", "lower", "blank", "absent"] = "normal"
    tier: Tier = Field(default_factory=Tier)
    private_note: PrivateNoteSwitches = Field(default_factory=PrivateNoteSwitches)
    new_activity: ReadSwitches = Field(default_factory=ReadSwitches)
    text: TextSwitches = Field(default_factory=TextSwitches)
    tokens: TokenSwitches = Field(default_factory=TokenSwitches)
    delivery: DeliverySwitches = Field(default_factory=DeliverySwitches)
