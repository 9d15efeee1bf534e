"""The tables of the first version"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from adductor.store.types import BigId, Json, UtcDateTime

revision = "0001"
down_revision = None

_TIME = UtcDateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "athletes",
        _id(),
        *_required(platform=sa.String(20), platform_athlete_id=sa.BigInteger(), name=sa.String(200)),
        *_required(units=sa.String(10), timezone=sa.String(64), status=sa.String(20), scopes=sa.String(200)),
        *_required(connected_at=_TIME),
        *_optional(disconnected_at=_TIME, confirmed_at=_TIME),
        *_counters(target_sessions_per_week=2),
        *_required(placements=Json, channels=Json, rest_day_prompt_local=sa.String(5), quiet_from_local=sa.String(5)),
        *_required(quiet_until_local=sa.String(5)),
        *_optional(equipment=Json, minutes_available=sa.Integer()),
        *_required(usual_runs=Json),
        *_optional(paused_until=sa.Date(), email=sa.String(254), email_confirmed_at=_TIME, email_bounced_at=_TIME),
        *_optional(unsubscribed_at=_TIME, calendar_key=sa.String(32), screening_completed_at=_TIME),
        *_flags(clearance_needed=sa.false()),
        *_optional(age_years=sa.Integer()),
        *_flags(illness=sa.false()),
        *_optional(hold_since=_TIME, hold_reason=sa.String(40), hold_cleared_at=_TIME),
        *_counters(programme_stage=1),
        *_optional(programme_started_on=sa.Date(), stage_since=sa.Date()),
        *_flags(plyometrics_cleared=sa.false()),
        *_counters(sessions_completed_total=0, sessions_at_stage=0),
        *_optional(last_completed_on=sa.Date()),
        *_required(progress=Json),
        *_optional(next_due_at=_TIME, last_prompted_on=sa.Date(), last_warm_up_on=sa.Date(), history_gap_from=_TIME),
        *_optional(history_read_at=_TIME, private_note_seen_at=_TIME, private_note_refused_at=_TIME),
        *_optional(last_event_at=_TIME),
        sa.UniqueConstraint("calendar_key"),
        sa.UniqueConstraint("platform", "platform_athlete_id", name="uq_athletes_platform_id"),
    )
    op.create_index("ix_athletes_next_due_at", "athletes", ["next_due_at"])

    op.create_table(
        "clock_runs",
        *_required(task=sa.String(40), period=_TIME, at=_TIME),
        sa.PrimaryKeyConstraint("task", "period"),
    )
    op.create_table(
        "heartbeats",
        sa.Column("part", sa.String(60), primary_key=True),
        *_required(at=_TIME),
        *_optional(note=sa.Text()),
    )
    natural_key = ["platform", "subscription_id", "object_type", "object_id", "aspect_type", "event_time"]
    op.create_table(
        "inbox_events",
        _id(),
        *_required(platform=sa.String(20), subscription_id=sa.BigInteger(), object_type=sa.String(20)),
        *_required(object_id=sa.BigInteger(), aspect_type=sa.String(20), event_time=_TIME, owner_id=sa.BigInteger()),
        *_required(updates=Json, received_at=_TIME, trace_id=sa.String(32), state=sa.String(10), due_at=_TIME),
        *_optional(lease_until=_TIME, lease_holder=sa.String(40)),
        *_counters(attempts=0, crashes=0),
        *_optional(outcome=sa.String(40), problem=sa.Text(), handled_at=_TIME),
        sa.UniqueConstraint(*natural_key, name="uq_inbox_events_natural_key"),
    )
    op.create_index("ix_inbox_events_object", "inbox_events", ["object_id"])

    op.create_index("ix_inbox_events_received", "inbox_events", ["received_at"])

    _index_waiting("inbox_events")

    op.create_table(
        "subscriptions",
        sa.Column("platform", sa.String(20), primary_key=True),
        *_required(subscription_id=sa.BigInteger(), callback_url=sa.String(255), created_at=_TIME),
    )
    op.create_table(
        "activities",
        _id(),
        *_reference("athletes", "athlete_id"),
        *_required(platform_id=sa.BigInteger(), sport=sa.String(40), start=_TIME, moving_s=sa.Integer()),
        *_required(elapsed_s=sa.Integer(), distance_m=sa.Float(), elevation_gain_m=sa.Float(), intensity=sa.String(10)),
        *_optional(workout=sa.String(10)),
        *_required(manual=sa.Boolean(), time_unreliable=sa.Boolean()),
        *_optional(body_part=sa.String(10)),
        *_flags(is_adductor_session=sa.false()),
        *_required(uploaded_at=_TIME),
        *_optional(deleted_at=_TIME),
        *_required(fetched_at=_TIME, expires_at=_TIME),
        sa.UniqueConstraint("athlete_id", "platform_id", name="uq_activities_platform_id"),
    )
    op.create_index("ix_activities_expires_at", "activities", ["expires_at"])

    op.create_table(
        "check_ins",
        _id(),
        *_reference("athletes", "athlete_id"),
        *_required(at=_TIME),
        *_optional(hip_groin_pain_0_10=sa.Integer(), squeeze_pain_0_10=sa.Integer(), other_pain_0_10=sa.Integer()),
        *_optional(adductor_soreness_0_10=sa.Integer(), feeling_1_5=sa.Integer()),
        *_required(red_flags=Json),
    )
    op.create_index("ix_check_ins_athlete_at", "check_ins", ["athlete_id", "at"])

    op.create_table(
        "decisions",
        _id(),
        *_reference("athletes", "athlete_id"),
        *_optional(event_id=sa.BigInteger(), activity_id=sa.BigInteger()),
        *_required(trigger=sa.String(30), at=_TIME, decision=sa.String(12), dose=sa.String(12), rule=sa.String(40)),
        *_required(reason=sa.Text(), considered=Json),
        *_flags(asked_platform=sa.true()),
        *_required(trace_id=sa.String(32)),
        sa.UniqueConstraint("event_id", name="uq_decisions_event"),
    )
    op.create_index("ix_decisions_athlete_at", "decisions", ["athlete_id", "at"])

    op.create_table(
        "letters",
        _id(),
        *_reference("athletes", "athlete_id"),
        *_required(kind=sa.String(12), key=sa.String(80), to=sa.String(254), words=sa.Text(), created_at=_TIME),
        *_optional(sent_at=_TIME),
        *_required(state=sa.String(10)),
        *_optional(outcome=sa.String(40), problem=sa.Text()),
        *_required(due_at=_TIME),
        *_optional(lease_until=_TIME, lease_holder=sa.String(40)),
        *_counters(attempts=0, crashes=0, unsure_handovers=0),
        *_required(trace_id=sa.String(32)),
        sa.UniqueConstraint("athlete_id", "kind", "key", name="uq_letters_key"),
    )
    _index_waiting("letters")

    op.create_table(
        "planned_runs",
        _id(),
        *_reference("athletes", "athlete_id"),
        *_required(start=_TIME, kind=sa.String(12)),
        *_optional(priority=sa.String(1), distance_km=sa.Float(), planned_min=sa.Integer()),
        *_required(name=sa.String(120)),
    )
    op.create_index("ix_planned_runs_athlete_start", "planned_runs", ["athlete_id", "start"])

    op.create_table(
        "tokens",
        *_reference("athletes", "athlete_id", primary_key=True),
        *_required(access_sealed=sa.LargeBinary(), refresh_sealed=sa.LargeBinary(), expires_at=_TIME),
        *_optional(lease_until=_TIME, lease_holder=sa.String(40)),
    )
    op.create_table(
        "suggestions",
        _id(),
        *_required(public_id=sa.String(24)),
        *_reference("athletes", "athlete_id"),
        *_reference("decisions", "decision_id"),
        *_optional(activity_id=sa.BigInteger()),
        *_required(local_date=sa.Date(), placement=sa.String(12), dose=sa.String(12), routine=Json, reason=sa.Text()),
        *_required(created_at=_TIME, status=sa.String(12)),
        *_optional(withdrawn_because=sa.Text(), answered_at=_TIME, answer=Json, asks_about_activity=sa.BigInteger()),
        *_optional(before_answer=Json),
        sa.UniqueConstraint("athlete_id", "activity_id", name="uq_suggestions_activity"),
        sa.UniqueConstraint("public_id", name="uq_suggestions_public_id"),
    )
    op.create_index("ix_suggestions_athlete_at", "suggestions", ["athlete_id", "created_at"])

    op.create_table(
        "deliveries",
        _id(),
        *_reference("suggestions", "suggestion_id"),
        *_required(channel=sa.String(12)),
        *_optional(activity_id=sa.BigInteger()),
        *_required(wanted=sa.String(8), block=sa.Text(), known_texts=Json, state=sa.String(10)),
        *_optional(outcome=sa.String(40), problem=sa.Text()),
        *_required(due_at=_TIME),
        *_optional(lease_until=_TIME, lease_holder=sa.String(40)),
        *_counters(attempts=0, crashes=0, unseen_reads=0),
        *_optional(placed_in=sa.String(12), written_text=sa.Text(), written_at=_TIME),
        *_counters(unsure_handovers=0),
        *_required(trace_id=sa.String(32)),
        sa.UniqueConstraint("suggestion_id", "channel", name="uq_deliveries_channel"),
    )
    _index_waiting("deliveries")

    op.create_table(
        "sessions",
        _id(),
        *_reference("athletes", "athlete_id"),
        *_reference("suggestions", "suggestion_id", ondelete="SET NULL"),
        *_required(completed_at=_TIME, kind=sa.String(20), completed_pct=sa.Integer()),
        *_optional(rpe_1_10=sa.Integer(), pain_during_0_10=sa.Integer()),
        *_flags(stopped_for_pain=sa.false()),
        *_optional(routine=Json),
        *_required(source=sa.String(12)),
        *_optional(platform_id=sa.BigInteger()),
        sa.UniqueConstraint("suggestion_id", name="uq_sessions_suggestion"),
    )
    op.create_index("ix_sessions_athlete_at", "sessions", ["athlete_id", "completed_at"])


def _required(**kinds: Any) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind, nullable=False) for name, kind in kinds.items()]


def _optional(**kinds: Any) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind, nullable=True) for name, kind in kinds.items()]


def _counters(**defaults: int) -> list[sa.Column[Any]]:
    return [
        sa.Column(name, sa.Integer(), server_default=sa.text(str(default)), nullable=False)
        for name, default in defaults.items()
    ]


def _flags(**defaults: Any) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.Boolean(), server_default=default, nullable=False) for name, default in defaults.items()]


def _id() -> sa.Column[Any]:
    return sa.Column("id", BigId, primary_key=True)


def _reference(table: str, name: str, *, ondelete: str = "CASCADE", **options: Any) -> tuple[Any, Any]:
    constraint = sa.ForeignKeyConstraint([name], [f"{table}.id"], ondelete=ondelete)
    return sa.Column(name, BigId, nullable=ondelete == "SET NULL", **options), constraint


def _index_waiting(table: str) -> None:
    waiting = sa.text("state IN ('waiting', 'claimed')")
    op.create_index(f"ix_{table}_waiting", table, ["due_at"], sqlite_where=waiting, postgresql_where=waiting)
