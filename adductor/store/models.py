"""The tables.

Three kinds of rows. Our own record (athletes, decisions, suggestions, deliveries, sessions, check-ins) stays; an old "no"
shrinks to a count. A platform's data (activities, event titles) carries an expiry and is deleted after seven days (Strava
API agreement). Secrets are encrypted.

Times are UTC. `due_at` follows the athletes' clock, `lease_until` real time (see adductor.clock).
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Computed, ForeignKey, Index, UniqueConstraint, false, text, true
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.types import BigInteger, Float, LargeBinary, String, Text

from adductor.store.types import BigId, Json, UtcDateTime

# Of an event, to which Strava gives no id.
NATURAL_KEY = ("platform", "subscription_id", "object_type", "object_id", "aspect_type", "event_time")

BACKLOG = "CASE WHEN state IN ('waiting', 'claimed') THEN 'open' WHEN state = 'failed' THEN 'failed' END"
_NO = text("decision = 'none'")
# An activity or calendar entry: "strava:123", the platform and its own id (see adductor.platforms.base).
ObjectId = String(80)


class Base(DeclarativeBase):
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it from the class
        datetime: UtcDateTime,
        dict[str, Any]: Json,
        list[Any]: Json,
        float: Float,  # not the double that SQLAlchemy 2.1 would take
    }


class Queued:
    """The columns of a row in the SQL queue (see adductor.queue)."""

    __tablename__: str

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    state: Mapped[str] = mapped_column(String(10), default="waiting")  # waiting, claimed, done, failed
    outcome: Mapped[str | None] = mapped_column(String(40))
    problem: Mapped[str | None] = mapped_column(Text)
    due_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    lease_owner: Mapped[str | None] = mapped_column(String(40))
    attempts: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    tried_at: Mapped[datetime | None]  # start of the latest attempt
    crashes: Mapped[int] = mapped_column(default=0, server_default=text("0"))  # leases that ran out
    trace_id: Mapped[str] = mapped_column(String(32))
    # Which index of the queue holds the row. A claim changes `state` alone, which no index knows: PostgreSQL then updates
    # the row in place (HOT). Stored there; SQLite computes it.
    backlog: Mapped[str | None] = mapped_column(String(6), Computed(BACKLOG, persisted=True))


def _queue_indexes(table: str) -> tuple[Index, ...]:
    """Partial indexes on ``due_at``: their size follows the backlog and not the years."""
    conditions = {"waiting": text("backlog = 'open'"), "given_up": text("backlog = 'failed'")}
    return tuple(
        Index(f"ix_{table}_{name}", "due_at", sqlite_where=condition, postgresql_where=condition)
        for name, condition in conditions.items()
    )


class OfAthlete:
    """The keys of a row that belongs to one athlete and is deleted with them."""

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    athlete_id: Mapped[int] = mapped_column(ForeignKey("athletes.id", ondelete="CASCADE"))


class Athlete(Base):
    """A person who runs: their choices, and their place on the ladder. Their platforms are `Connection` rows."""

    __tablename__ = "athletes"
    __table_args__ = (
        Index("ix_athletes_next_due_at", "next_due_at"),
        Index("ix_athletes_reconcile_at", "reconcile_at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(String(200), default="")
    units: Mapped[str] = mapped_column(String(10), default="metric")
    timezone: Mapped[str] = mapped_column(String(64), default="UTC")
    # Start of the activity that set the time zone, or when the athlete gave it: an older activity never moves them.
    timezone_from: Mapped[datetime | None]
    confirmed_at: Mapped[datetime | None]  # the first page was answered: nothing is written before
    leaving_at: Mapped[datetime | None]  # everything about this athlete is being deleted since then

    target_sessions_per_week: Mapped[int] = mapped_column(default=2, server_default=text("2"))
    placements: Mapped[list[Any]] = mapped_column(default=lambda: ["post_run", "rest_day"])
    # placement -> private_note, description, mail, push or pages, or a list of them (see adductor.athletes.channels)
    channels: Mapped[dict[str, Any]] = mapped_column(default=dict)
    rest_day_prompt_local: Mapped[str] = mapped_column(String(5), default="17:30")
    quiet_from_local: Mapped[str] = mapped_column(String(5), default="22:30")
    quiet_until_local: Mapped[str] = mapped_column(String(5), default="05:00")
    equipment: Mapped[list[Any] | None]
    minutes_available: Mapped[int | None]
    minutes_after_run: Mapped[int | None]
    minutes_rest_day: Mapped[int | None]
    # exercise -> why the runner doesn't want it
    left_out: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=text("'{}'"))
    # of a physiotherapist, as the fields of adductor.coaching.situation.OwnExercise
    own_exercises: Mapped[list[Any]] = mapped_column(default=list, server_default=text("'[]'"))
    less_steady_side: Mapped[str | None] = mapped_column(String(5))
    maintaining: Mapped[bool] = mapped_column(default=False, server_default=false())
    # "When I come home on Tuesdays, I do it before the shower"
    if_then: Mapped[str | None] = mapped_column(String(120))
    # [{"weekday": 0-6, "at": "18:00", "kind": "easy"}], of a race with its "priority"
    usual_runs: Mapped[list[Any]] = mapped_column(default=list)
    paused_until: Mapped[date | None]

    email: Mapped[str | None] = mapped_column(String(254))
    email_confirmed_at: Mapped[datetime | None]
    email_bounced_at: Mapped[datetime | None]
    unsubscribed_at: Mapped[datetime | None]
    push_since: Mapped[datetime | None]  # since when a browser takes Web Push messages; None: none does
    # Stands in the address of the runner's calendar feed; a new one ends the old address.
    calendar_key: Mapped[str | None] = mapped_column(String(32), unique=True)

    screening_completed_at: Mapped[datetime | None]
    clearance_needed: Mapped[bool] = mapped_column(default=False, server_default=false())
    age_years: Mapped[int | None]
    illness: Mapped[bool] = mapped_column(default=False, server_default=false())
    hold_since: Mapped[datetime | None]
    hold_reason: Mapped[str | None] = mapped_column(String(40))
    hold_cleared_at: Mapped[datetime | None]  # check-ins before this no longer speak; two light sessions follow

    programme_stage: Mapped[int] = mapped_column(default=1, server_default=text("1"))
    programme_started_on: Mapped[date | None]
    stage_since: Mapped[date | None]
    plyometrics_cleared: Mapped[bool] = mapped_column(default=False, server_default=false())
    sessions_completed_total: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    sessions_at_stage: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    last_completed_on: Mapped[date | None]
    # Our own fact of the latest race, which outlives the log: its local day, and how many days after it stay free.
    raced_on: Mapped[date | None]
    race_free_days: Mapped[int | None]
    progress: Mapped[list[Any]] = mapped_column(default=list)

    next_due_at: Mapped[datetime | None]  # when the clock should look at this runner
    # The local day of the last look at a rest day, and of the last warm-up: one of each a day.
    last_prompted_on: Mapped[date | None]
    last_warm_up_on: Mapped[date | None]
    # From when the activity rows may have gaps (events that needed no look); None: whole.
    history_gap_from: Mapped[datetime | None]
    history_read_at: Mapped[datetime | None]
    # An event of an activity that was created before this and that the history doesn't hold is about an old activity.
    history_covers_until: Mapped[datetime | None]
    history_incomplete: Mapped[list[Any] | None]  # ids that the list held without all details
    last_event_at: Mapped[datetime | None]
    # When to look whether events were missed, and when that was last done (see adductor.jobs.reconcile).
    reconcile_at: Mapped[datetime | None]
    reconciled_at: Mapped[datetime | None]

    connections: Mapped[list[Connection]] = relationship(
        back_populates="athlete",
        cascade="all, delete-orphan",
        passive_deletes=True,
        lazy="selectin",
        order_by="Connection.id",
    )

    @property
    def connection(self) -> Connection:
        """The first connection that works, else the first."""
        return next((each for each in self.connections if each.is_usable), self.connections[0])

    def connection_at(self, platform: str) -> Connection | None:
        """The connection to a platform; there is one at most."""
        return next((each for each in self.connections if each.platform == platform), None)

    @property
    def is_connected(self) -> bool:
        """Whether a platform can be called for this athlete, who is not leaving."""
        return self.leaving_at is None and any(connection.is_usable for connection in self.connections)


class Connection(OfAthlete, Base):
    """One athlete's account at one platform, with its tokens (encrypted)."""

    __tablename__ = "connections"
    __table_args__ = (
        UniqueConstraint("platform", "external_id", name="uq_connections_external_id"),
        Index("ix_connections_athlete", "athlete_id"),
        Index("ix_connections_state", "state"),
        Index("ix_connections_poll_at", "poll_at"),
        Index("ix_connections_plan_notes_at", "plan_notes_at"),
    )

    CONNECTED = "connected"
    RESTING = "resting"  # the platform refuses calls, and proves no revocation: the data stays, the athlete is asked
    REVOKED = "revoked"  # ended by the athlete or the platform: tokens and the platform's data are deleted
    SCOPE_MISSING = "scope_missing"  # the permission to read was withdrawn
    USABLE = (CONNECTED, RESTING)

    platform: Mapped[str] = mapped_column(String(20))
    external_id: Mapped[str] = mapped_column(String(64))  # the platform's id of the athlete
    scopes: Mapped[str] = mapped_column(String(200), default="")
    state: Mapped[str] = mapped_column(String(16), default="connected")
    connected_at: Mapped[datetime]
    disconnected_at: Mapped[datetime | None]

    access_encrypted: Mapped[bytes | None] = mapped_column(LargeBinary)
    refresh_encrypted: Mapped[bytes | None] = mapped_column(LargeBinary)
    expires_at: Mapped[datetime | None]
    # The refresh lease, in real time: one process refreshes, the others wait for its result.
    lease_until: Mapped[datetime | None]
    lease_owner: Mapped[str | None] = mapped_column(String(40))
    # Since when a refresh was sent whose answer is not stored; the old refresh token may be dead (real time).
    refresh_unconfirmed_since: Mapped[datetime | None]
    # Since when the platform refuses access tokens that it has just issued.
    refused_since: Mapped[datetime | None]

    # The athlete's own API key instead of OAuth: no events come, so the log is polled.
    by_key: Mapped[bool] = mapped_column(default=False, server_default=false())
    poll_at: Mapped[datetime | None]  # when to read the log again (see adductor.jobs.poll); None: it is not polled
    # What the platform says beside activities: plan, pauses, wellness (see adductor.athletes.told).
    told: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=text("'{}'"))
    # The week ahead in this platform's calendar (see adductor.jobs.planned_notes): by choice, when to compare it with the
    # forecast again, and by local day the entry that we wrote.
    plan_notes_wanted: Mapped[bool] = mapped_column(default=False, server_default=false())
    plan_notes_at: Mapped[datetime | None]
    plan_notes: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=text("'{}'"))

    # Since when the private note is known not to work; None: it works, as far as is known.
    private_note_refused_at: Mapped[datetime | None]
    # Learned: this platform leaves an empty private note out of its answers.
    absent_note_is_empty: Mapped[bool] = mapped_column(default=False, server_default=false())

    athlete: Mapped[Athlete] = relationship(back_populates="connections")

    @property
    def is_usable(self) -> bool:
        """Whether calls to the platform may work."""
        return self.state in self.USABLE

    def allows(self, scope: str | None) -> bool:
        """Whether the connection works and the athlete granted this scope; None: there is no such scope."""
        return self.is_usable and scope in self.scopes.replace(",", " ").split()


class InboxEvent(Queued, Base):
    """A webhook event as it came, under its natural key: Strava gives events no id and may deliver one more than once."""

    __tablename__ = "inbox_events"
    __table_args__ = (
        UniqueConstraint(*NATURAL_KEY, name="uq_inbox_events_natural_key"),
        *_queue_indexes("inbox_events"),
        Index("ix_inbox_events_object", "object_id"),
        Index("ix_inbox_events_received", "received_at"),
        Index("ix_inbox_events_owner", "owner_id"),
    )

    platform: Mapped[str] = mapped_column(String(20))
    subscription_id: Mapped[int] = mapped_column(BigInteger)
    object_type: Mapped[str] = mapped_column(String(20))
    object_id: Mapped[str] = mapped_column(ObjectId)
    aspect_type: Mapped[str] = mapped_column(String(20))
    event_time: Mapped[datetime]
    owner_id: Mapped[str] = mapped_column(String(64))  # the platform's id of the athlete
    updates: Mapped[dict[str, Any]] = mapped_column(default=dict)
    received_at: Mapped[datetime]
    # webhook, or reconcile: recovered from the log
    origin: Mapped[str] = mapped_column(String(10), default="webhook", server_default="webhook")

    handled_at: Mapped[datetime | None]


class LoggedActivity(OfAthlete, Base):
    """An activity as read from the platform; it expires after seven days. No titles, notes or tracks are kept."""

    __tablename__ = "activities"
    __table_args__ = (
        UniqueConstraint("athlete_id", "platform_id", name="uq_activities_platform_id"),
        Index("ix_activities_expires_at", "expires_at"),
        Index("ix_activities_fetched_at", "fetched_at"),
    )

    platform_id: Mapped[str] = mapped_column(ObjectId)
    sport: Mapped[str] = mapped_column(String(40))
    start: Mapped[datetime]
    moving_s: Mapped[int]
    elapsed_s: Mapped[int]
    distance_m: Mapped[float]
    elevation_gain_m: Mapped[float]
    intensity: Mapped[str] = mapped_column(String(10))
    workout: Mapped[str | None] = mapped_column(String(10))
    manual: Mapped[bool]
    time_unreliable: Mapped[bool]
    body_part: Mapped[str | None] = mapped_column(String(10))
    is_adductor_session: Mapped[bool] = mapped_column(default=False, server_default=false())
    uploaded_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]
    fetched_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class DecisionRecord(OfAthlete, Base):
    """A decision of the coach, each "no" included, with its rule and reason."""

    __tablename__ = "decisions"
    __table_args__ = (
        Index("ix_decisions_athlete_at", "athlete_id", "at"),
        UniqueConstraint("event_id", name="uq_decisions_event"),
        Index("ix_decisions_no", "at", sqlite_where=_NO, postgresql_where=_NO),
    )

    event_id: Mapped[int | None] = mapped_column(BigInteger)  # null: the clock asked, or the event row is gone
    activity_id: Mapped[str | None] = mapped_column(ObjectId)
    trigger: Mapped[str] = mapped_column(String(30))
    at: Mapped[datetime]
    decision: Mapped[str] = mapped_column(String(12))
    dose: Mapped[str] = mapped_column(String(12))
    rule: Mapped[str] = mapped_column(String(40))
    reason: Mapped[str] = mapped_column(Text)
    considered: Mapped[list[Any]]
    asked_platform: Mapped[bool] = mapped_column(default=True, server_default=true())
    trace_id: Mapped[str] = mapped_column(String(32))


class NoCount(Base):
    """A daily count: how many decisions of a local day were a "no" by this rule, after their rows were deleted."""

    __tablename__ = "no_counts"

    athlete_id: Mapped[int] = mapped_column(ForeignKey("athletes.id", ondelete="CASCADE"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    rule: Mapped[str] = mapped_column(String(40), primary_key=True)
    count: Mapped[int]


class Suggestion(OfAthlete, Base):
    """A routine that is due, and the runner's answer. At most one for an activity."""

    __tablename__ = "suggestions"
    __table_args__ = (
        UniqueConstraint("athlete_id", "activity_id", name="uq_suggestions_activity"),
        UniqueConstraint("public_id", name="uq_suggestions_public_id"),
        Index("ix_suggestions_athlete_at", "athlete_id", "created_at"),
        Index("ix_suggestions_decision", "decision_id"),  # without it, deleting a decision reads the whole table
    )

    public_id: Mapped[str] = mapped_column(String(24))  # stands in links; can't be guessed
    decision_id: Mapped[int] = mapped_column(ForeignKey("decisions.id", ondelete="CASCADE"))
    activity_id: Mapped[str | None] = mapped_column(ObjectId)  # null on a rest day
    local_date: Mapped[date]
    placement: Mapped[str] = mapped_column(String(12))
    dose: Mapped[str] = mapped_column(String(12))
    routine: Mapped[dict[str, Any]]
    reason: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    opened_at: Mapped[datetime | None]  # first seen by a person: a touch on its page, not a program that fetches links
    asks_if_useful: Mapped[bool] = mapped_column(default=False, server_default=false())  # after four unanswered ones
    status: Mapped[str] = mapped_column(String(12), default="open")  # open, done, declined, withdrawn
    withdrawn_because: Mapped[str | None] = mapped_column(Text)
    answered_at: Mapped[datetime | None]
    answer: Mapped[dict[str, Any] | None]
    # Strength work of an unknown kind that was logged after it: we ask whether it was this routine.
    asks_about_activity: Mapped[str | None] = mapped_column(ObjectId)
    # Where the runner stood on the ladder before this answer, so that it can be changed.
    before_answer: Mapped[dict[str, Any] | None]

    decision: Mapped[DecisionRecord] = relationship()
    deliveries: Mapped[list[Delivery]] = relationship(back_populates="suggestion", cascade="all, delete-orphan")


class Delivery(Queued, Base):
    """One channel on which a suggestion should stand, or no longer stand (`desired_state`)."""

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("suggestion_id", "channel", name="uq_deliveries_channel"),
        *_queue_indexes("deliveries"),
    )

    suggestion_id: Mapped[int] = mapped_column(ForeignKey("suggestions.id", ondelete="CASCADE"))
    # private_note, description, calendar, mail or push; pages when nothing else reaches the runner
    channel: Mapped[str] = mapped_column(String(12))
    # Where a note stands: the activity, or the calendar entry once it was written.
    activity_id: Mapped[str | None] = mapped_column(ObjectId)
    desired_state: Mapped[str] = mapped_column(String(8), default="present")  # present or absent
    block: Mapped[str] = mapped_column(Text)  # as it should stand
    known_texts: Mapped[list[Any]] = mapped_column(default=list)  # every block of ours that may stand there
    reads_without_field: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    placed_in: Mapped[str | None] = mapped_column(String(12))  # where it was really written
    written_text: Mapped[str | None] = mapped_column(Text)
    written_at: Mapped[datetime | None]
    # Whether a blank line of ours stands between the runner's words and our block; None: nothing was written yet.
    separated: Mapped[bool | None]
    # How often a note was written or a mail handed over without a stored answer.
    unconfirmed_writes: Mapped[int] = mapped_column(default=0, server_default=text("0"))

    suggestion: Mapped[Suggestion] = relationship(back_populates="deliveries")


class Letter(Queued, Base):
    """A mail that is no routine: the confirmation of an address, or a referral. Each is sent once under its key."""

    __tablename__ = "letters"
    __table_args__ = (
        UniqueConstraint("athlete_id", "kind", "key", name="uq_letters_key"),
        *_queue_indexes("letters"),
    )

    athlete_id: Mapped[int] = mapped_column(ForeignKey("athletes.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(12))  # confirm or refer
    key: Mapped[str] = mapped_column(String(80))
    to: Mapped[str] = mapped_column(String(254))
    words: Mapped[str] = mapped_column(Text, default="")  # the coach's word, of a referral
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    unconfirmed_writes: Mapped[int] = mapped_column(default=0, server_default=text("0"))


class SessionRecord(OfAthlete, Base):
    """A routine that the runner reported as done."""

    __tablename__ = "sessions"
    __table_args__ = (
        UniqueConstraint("suggestion_id", name="uq_sessions_suggestion"),
        Index("ix_sessions_athlete_at", "athlete_id", "completed_at"),
    )

    suggestion_id: Mapped[int | None] = mapped_column(ForeignKey("suggestions.id", ondelete="SET NULL"))
    completed_at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(20))
    completed_pct: Mapped[int] = mapped_column(default=100)
    rpe_1_10: Mapped[int | None]
    pain_during_0_10: Mapped[int | None]
    pain_place: Mapped[str] = mapped_column(String(10), default="hip_groin", server_default="hip_groin")
    stopped_for_pain: Mapped[bool] = mapped_column(default=False, server_default=false())
    routine: Mapped[dict[str, Any] | None]
    source: Mapped[str] = mapped_column(String(12))  # page, mail, title or log
    platform_id: Mapped[str | None] = mapped_column(ObjectId)  # the strength activity that said so


class CheckInRecord(OfAthlete, Base):
    """A check-in: the runner's report of pain, soreness and feeling."""

    __tablename__ = "check_ins"
    __table_args__ = (Index("ix_check_ins_athlete_at", "athlete_id", "at"),)

    at: Mapped[datetime]
    hip_groin_pain_0_10: Mapped[int | None]
    squeeze_pain_0_10: Mapped[int | None]
    knee_pain_0_10: Mapped[int | None]
    other_pain_0_10: Mapped[int | None]
    adductor_soreness_0_10: Mapped[int | None]
    feeling_1_5: Mapped[int | None]
    red_flags: Mapped[list[Any]] = mapped_column(default=list)


class PlannedRunRecord(OfAthlete, Base):
    """A race or key day that the runner entered."""

    __tablename__ = "planned_runs"
    __table_args__ = (Index("ix_planned_runs_athlete_start", "athlete_id", "start"),)

    start: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(12))
    priority: Mapped[str | None] = mapped_column(String(1))
    distance_km: Mapped[float | None]
    planned_min: Mapped[int | None]
    name: Mapped[str] = mapped_column(String(120), default="")


class BrowserSubscription(OfAthlete, Base):
    """A browser that takes Web Push messages for an athlete: its address and keys (encrypted)."""

    __tablename__ = "browser_subscriptions"
    __table_args__ = (
        UniqueConstraint("endpoint_hash", name="uq_browser_subscriptions_endpoint"),
        Index("ix_browser_subscriptions_athlete", "athlete_id"),
    )

    endpoint_hash: Mapped[str] = mapped_column(String(64))  # SHA-256: finds the row without its key
    service: Mapped[str] = mapped_column(String(253))  # the push service's host
    created_at: Mapped[datetime]
    subscription_encrypted: Mapped[bytes] = mapped_column(LargeBinary)


class Subscription(Base):
    """The webhook subscription that this installation made."""

    __tablename__ = "subscriptions"

    platform: Mapped[str] = mapped_column(String(20), primary_key=True)
    subscription_id: Mapped[int] = mapped_column(BigInteger)
    callback_url: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime]


class ClockRun(Base):
    """A periodic task that ran for a period. The key makes a second beat harmless."""

    __tablename__ = "clock_runs"

    task: Mapped[str] = mapped_column(String(40), primary_key=True)
    period: Mapped[datetime] = mapped_column(primary_key=True)
    at: Mapped[datetime]


class Heartbeat(Base):
    """When a part of the installation was last seen alive, in real time."""

    __tablename__ = "heartbeats"

    part: Mapped[str] = mapped_column(String(60), primary_key=True)
    at: Mapped[datetime]
    note: Mapped[str | None] = mapped_column(Text)


class Outage(Base):
    """A stretch (athletes' time) in which no webhook event could be stored. Every log is reconciled after it."""

    __tablename__ = "outages"
    __table_args__ = (Index("ix_outages_ended_at", "ended_at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime]
    # Athletes up to this id are queued for reconciliation.
    reached_id: Mapped[int] = mapped_column(BigInteger, default=0, server_default=text("0"))
    done_at: Mapped[datetime | None]


class Revocation(Base):
    """A token to be revoked at its platform after its athlete has left. Encrypted; the row names no athlete."""

    __tablename__ = "revocations"
    __table_args__ = (Index("ix_revocations_due_at", "due_at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    platform: Mapped[str] = mapped_column(String(20))
    token_encrypted: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0, server_default=text("0"))
