"""Everything that the first version keeps"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from adductor.store.types import BigId, Json, UtcDateTime

revision = "0001"
down_revision = None

_TIME = UtcDateTime(timezone=True)
_ZERO = sa.text("0")


def upgrade() -> None:
    op.create_table(
        "athletes",
        _id(),
        *_required(sa.String(20), "platform"),
        *_required(sa.BigInteger(), "platform_athlete_id"),
        *_required(sa.String(200), "name"),
        *_required(sa.String(10), "units"),
        *_required(sa.String(64), "timezone"),
        *_required(sa.String(20), "status"),
        *_required(sa.String(200), "scopes"),
        *_required(_TIME, "connected_at"),
        *_optional(_TIME, "disconnected_at", "confirmed_at"),
        *_required(sa.Integer(), "target_sessions_per_week", default=sa.text("2")),
        *_required(Json, "placements", "channels"),
        *_required(sa.String(5), "rest_day_prompt_local", "quiet_from_local", "quiet_until_local"),
        *_optional(Json, "equipment"),
        *_optional(sa.Integer(), "minutes_available"),
        *_required(Json, "usual_runs"),
        *_optional(sa.Date(), "paused_until"),
        *_optional(sa.String(254), "email"),
        *_optional(_TIME, "email_confirmed_at", "email_bounced_at", "unsubscribed_at"),
        *_optional(sa.String(32), "calendar_key"),
        *_optional(_TIME, "screening_completed_at"),
        *_required(sa.Boolean(), "clearance_needed", default=sa.false()),
        *_optional(sa.Integer(), "age_years"),
        *_required(sa.Boolean(), "illness", default=sa.false()),
        *_optional(_TIME, "hold_since"),
        *_optional(sa.String(40), "hold_reason"),
        *_optional(_TIME, "hold_cleared_at"),
        *_required(sa.Integer(), "programme_stage", default=sa.text("1")),
        *_optional(sa.Date(), "programme_started_on", "stage_since"),
        *_required(sa.Boolean(), "plyometrics_cleared", default=sa.false()),
        *_required(sa.Integer(), "sessions_completed_total", "sessions_at_stage", default=_ZERO),
        *_optional(sa.Date(), "last_completed_on"),
        *_required(Json, "progress"),
        *_optional(_TIME, "next_due_at"),
        *_optional(sa.Date(), "last_prompted_on", "last_warm_up_on"),
        *_optional(_TIME, "history_gap_from", "history_read_at", "private_note_seen_at", "private_note_refused_at"),
        *_optional(_TIME, "last_event_at"),
        sa.UniqueConstraint("calendar_key"),
        sa.UniqueConstraint("platform", "platform_athlete_id", name="uq_athletes_platform_id"),
    )
    op.create_index("ix_athletes_next_due_at", "athletes", ["next_due_at"])

    op.create_table(
        "clock_runs",
        *_required(sa.String(40), "task"),
        *_required(_TIME, "period", "at"),
        sa.PrimaryKeyConstraint("task", "period"),
    )
    op.create_table(
        "heartbeats",
        sa.Column("part", sa.String(60), primary_key=True),
        *_required(_TIME, "at"),
        *_optional(sa.Text(), "note"),
    )
    natural_key = ["platform", "subscription_id", "object_type", "object_id", "aspect_type", "event_time"]
    op.create_table(
        "inbox_events",
        _id(),
        *_required(sa.String(20), "platform"),
        *_required(sa.BigInteger(), "subscription_id"),
        *_required(sa.String(20), "object_type"),
        *_required(sa.BigInteger(), "object_id"),
        *_required(sa.String(20), "aspect_type"),
        *_required(_TIME, "event_time"),
        *_required(sa.BigInteger(), "owner_id"),
        *_required(Json, "updates"),
        *_required(_TIME, "received_at"),
        *_required(sa.String(32), "trace_id"),
        *_required(sa.String(10), "state"),
        *_leased(),
        *_optional(sa.String(40), "outcome"),
        *_optional(sa.Text(), "problem"),
        *_optional(_TIME, "handled_at"),
        sa.UniqueConstraint(*natural_key, name="uq_inbox_events_natural_key"),
    )
    op.create_index("ix_inbox_events_object", "inbox_events", ["object_id"])
    op.create_index("ix_inbox_events_received", "inbox_events", ["received_at"])
    _index_waiting("inbox_events")

    op.create_table(
        "subscriptions",
        sa.Column("platform", sa.String(20), primary_key=True),
        *_required(sa.BigInteger(), "subscription_id"),
        *_required(sa.String(255), "callback_url"),
        *_required(_TIME, "created_at"),
    )
    op.create_table(
        "activities",
        _id(),
        *_reference("athletes", "athlete_id"),
        *_required(sa.BigInteger(), "platform_id"),
        *_required(sa.String(40), "sport"),
        *_required(_TIME, "start"),
        *_required(sa.Integer(), "moving_s", "elapsed_s"),
        *_required(sa.Float(), "distance_m", "elevation_gain_m"),
        *_required(sa.String(10), "intensity"),
        *_optional(sa.String(10), "workout"),
        *_required(sa.Boolean(), "manual", "time_unreliable"),
        *_optional(sa.String(10), "body_part"),
        *_required(sa.Boolean(), "is_adductor_session", default=sa.false()),
        *_required(_TIME, "uploaded_at"),
        *_optional(_TIME, "deleted_at"),
        *_required(_TIME, "fetched_at", "expires_at"),
        sa.UniqueConstraint("athlete_id", "platform_id", name="uq_activities_platform_id"),
    )
    op.create_index("ix_activities_expires_at", "activities", ["expires_at"])

    op.create_table(
        "check_ins",
        _id(),
        *_reference("athletes", "athlete_id"),
        *_required(_TIME, "at"),
        *_optional(sa.Integer(), "hip_groin_pain_0_10", "squeeze_pain_0_10", "other_pain_0_10"),
        *_optional(sa.Integer(), "adductor_soreness_0_10", "feeling_1_5"),
        *_required(Json, "red_flags"),
    )
    op.create_index("ix_check_ins_athlete_at", "check_ins", ["athlete_id", "at"])

    op.create_table(
        "decisions",
        _id(),
        *_reference("athletes", "athlete_id"),
        *_optional(sa.BigInteger(), "event_id", "activity_id"),
        *_required(sa.String(30), "trigger"),
        *_required(_TIME, "at"),
        *_required(sa.String(12), "decision", "dose"),
        *_required(sa.String(40), "rule"),
        *_required(sa.Text(), "reason"),
        *_required(Json, "considered"),
        *_required(sa.Boolean(), "asked_platform", default=sa.true()),
        *_required(sa.String(32), "trace_id"),
        sa.UniqueConstraint("event_id", name="uq_decisions_event"),
    )
    op.create_index("ix_decisions_athlete_at", "decisions", ["athlete_id", "at"])

    op.create_table(
        "letters",
        _id(),
        *_reference("athletes", "athlete_id"),
        *_required(sa.String(12), "kind"),
        *_required(sa.String(80), "key"),
        *_required(sa.String(254), "to"),
        *_required(sa.Text(), "words"),
        *_required(_TIME, "created_at"),
        *_optional(_TIME, "sent_at"),
        *_required(sa.String(10), "state"),
        *_optional(sa.String(40), "outcome"),
        *_optional(sa.Text(), "problem"),
        *_leased(),
        *_required(sa.Integer(), "unsure_handovers", default=_ZERO),
        *_required(sa.String(32), "trace_id"),
        sa.UniqueConstraint("athlete_id", "kind", "key", name="uq_letters_key"),
    )
    _index_waiting("letters")

    op.create_table(
        "planned_runs",
        _id(),
        *_reference("athletes", "athlete_id"),
        *_required(_TIME, "start"),
        *_required(sa.String(12), "kind"),
        *_optional(sa.String(1), "priority"),
        *_optional(sa.Float(), "distance_km"),
        *_optional(sa.Integer(), "planned_min"),
        *_required(sa.String(120), "name"),
    )
    op.create_index("ix_planned_runs_athlete_start", "planned_runs", ["athlete_id", "start"])

    op.create_table(
        "tokens",
        *_reference("athletes", "athlete_id", primary_key=True),
        *_required(sa.LargeBinary(), "access_sealed", "refresh_sealed"),
        *_required(_TIME, "expires_at"),
        *_optional(_TIME, "lease_until"),
        *_optional(sa.String(40), "lease_holder"),
    )
    op.create_table(
        "suggestions",
        _id(),
        *_required(sa.String(24), "public_id"),
        *_reference("athletes", "athlete_id"),
        *_reference("decisions", "decision_id"),
        *_optional(sa.BigInteger(), "activity_id"),
        *_required(sa.Date(), "local_date"),
        *_required(sa.String(12), "placement", "dose"),
        *_required(Json, "routine"),
        *_required(sa.Text(), "reason"),
        *_required(_TIME, "created_at"),
        *_required(sa.String(12), "status"),
        *_optional(sa.Text(), "withdrawn_because"),
        *_optional(_TIME, "answered_at"),
        *_optional(Json, "answer"),
        *_optional(sa.BigInteger(), "asks_about_activity"),
        *_optional(Json, "before_answer"),
        sa.UniqueConstraint("athlete_id", "activity_id", name="uq_suggestions_activity"),
        sa.UniqueConstraint("public_id", name="uq_suggestions_public_id"),
    )
    op.create_index("ix_suggestions_athlete_at", "suggestions", ["athlete_id", "created_at"])

    op.create_table(
        "deliveries",
        _id(),
        *_reference("suggestions", "suggestion_id"),
        *_required(sa.String(12), "channel"),
        *_optional(sa.BigInteger(), "activity_id"),
        *_required(sa.String(8), "wanted"),
        *_required(sa.Text(), "block"),
        *_required(Json, "known_texts"),
        *_required(sa.String(10), "state"),
        *_optional(sa.String(40), "outcome"),
        *_optional(sa.Text(), "problem"),
        *_leased(),
        *_required(sa.Integer(), "unseen_reads", default=_ZERO),
        *_optional(sa.String(12), "placed_in"),
        *_optional(sa.Text(), "written_text"),
        *_optional(_TIME, "written_at"),
        *_required(sa.Integer(), "unsure_handovers", default=_ZERO),
        *_required(sa.String(32), "trace_id"),
        sa.UniqueConstraint("suggestion_id", "channel", name="uq_deliveries_channel"),
    )
    _index_waiting("deliveries")

    op.create_table(
        "sessions",
        _id(),
        *_reference("athletes", "athlete_id"),
        *_reference("suggestions", "suggestion_id", ondelete="SET NULL"),
        *_required(_TIME, "completed_at"),
        *_required(sa.String(20), "kind"),
        *_required(sa.Integer(), "completed_pct"),
        *_optional(sa.Integer(), "rpe_1_10", "pain_during_0_10"),
        *_required(sa.Boolean(), "stopped_for_pain", default=sa.false()),
        *_optional(Json, "routine"),
        *_required(sa.String(12), "source"),
        *_optional(sa.BigInteger(), "platform_id"),
        sa.UniqueConstraint("suggestion_id", name="uq_sessions_suggestion"),
    )
    op.create_index("ix_sessions_athlete_at", "sessions", ["athlete_id", "completed_at"])


def _required(kind: Any, *names: str, default: Any = None) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind, server_default=default, nullable=False) for name in names]


def _optional(kind: Any, *names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind, nullable=True) for name in names]


def _id() -> sa.Column[Any]:
    return sa.Column("id", BigId, primary_key=True)


def _reference(table: str, name: str, *, ondelete: str = "CASCADE", **options: Any) -> tuple[Any, Any]:
    constraint = sa.ForeignKeyConstraint([name], [f"{table}.id"], ondelete=ondelete)
    return sa.Column(name, BigId, nullable=ondelete == "SET NULL", **options), constraint


def _leased() -> list[sa.Column[Any]]:
    return [
        *_required(_TIME, "due_at"),
        *_optional(_TIME, "lease_until"),
        *_optional(sa.String(40), "lease_holder"),
        *_required(sa.Integer(), "attempts", "crashes", default=_ZERO),
    ]


def _index_waiting(table: str) -> None:
    waiting = sa.text("state IN ('waiting', 'claimed')")
    op.create_index(f"ix_{table}_waiting", table, ["due_at"], sqlite_where=waiting, postgresql_where=waiting)
