"""Everything that the first version keeps"""

import sqlalchemy as sa
from alembic import op

from adductor.store.types import BigId, Json, UtcDateTime

revision = "0001"
down_revision = None

_WAITING = sa.text("state IN ('waiting', 'claimed')")
_TIME = UtcDateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "athletes",
        sa.Column("id", BigId, nullable=False),
        sa.Column("platform", sa.String(length=20), nullable=False),
        sa.Column("platform_athlete_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("units", sa.String(length=10), nullable=False),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("scopes", sa.String(length=200), nullable=False),
        sa.Column("connected_at", _TIME, nullable=False),
        sa.Column("disconnected_at", _TIME, nullable=True),
        sa.Column("confirmed_at", _TIME, nullable=True),
        sa.Column("target_sessions_per_week", sa.Integer(), server_default=sa.text("2"), nullable=False),
        sa.Column("placements", Json, nullable=False),
        sa.Column("channels", Json, nullable=False),
        sa.Column("rest_day_prompt_local", sa.String(length=5), nullable=False),
        sa.Column("quiet_from_local", sa.String(length=5), nullable=False),
        sa.Column("quiet_until_local", sa.String(length=5), nullable=False),
        sa.Column("equipment", Json, nullable=True),
        sa.Column("minutes_available", sa.Integer(), nullable=True),
        sa.Column("usual_runs", Json, nullable=False),
        sa.Column("paused_until", sa.Date(), nullable=True),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("email_confirmed_at", _TIME, nullable=True),
        sa.Column("email_bounced_at", _TIME, nullable=True),
        sa.Column("unsubscribed_at", _TIME, nullable=True),
        sa.Column("calendar_key", sa.String(length=32), nullable=True),
        sa.Column("screening_completed_at", _TIME, nullable=True),
        sa.Column("clearance_needed", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("age_years", sa.Integer(), nullable=True),
        sa.Column("illness", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("hold_since", _TIME, nullable=True),
        sa.Column("hold_reason", sa.String(length=40), nullable=True),
        sa.Column("hold_cleared_at", _TIME, nullable=True),
        sa.Column("programme_stage", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("programme_started_on", sa.Date(), nullable=True),
        sa.Column("stage_since", sa.Date(), nullable=True),
        sa.Column("plyometrics_cleared", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("sessions_completed_total", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("sessions_at_stage", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("last_completed_on", sa.Date(), nullable=True),
        sa.Column("progress", Json, nullable=False),
        sa.Column("next_due_at", _TIME, nullable=True),
        sa.Column("last_prompted_on", sa.Date(), nullable=True),
        sa.Column("last_warm_up_on", sa.Date(), nullable=True),
        sa.Column("history_gap_from", _TIME, nullable=True),
        sa.Column("history_read_at", _TIME, nullable=True),
        sa.Column("private_note_seen_at", _TIME, nullable=True),
        sa.Column("private_note_refused_at", _TIME, nullable=True),
        sa.Column("last_event_at", _TIME, nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("calendar_key"),
        sa.UniqueConstraint("platform", "platform_athlete_id", name="uq_athletes_platform_id"),
    )
    op.create_index("ix_athletes_next_due_at", "athletes", ["next_due_at"])

    op.create_table(
        "clock_runs",
        sa.Column("task", sa.String(length=40), nullable=False),
        sa.Column("period", _TIME, nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("task", "period"),
    )
    op.create_table(
        "heartbeats",
        sa.Column("part", sa.String(length=60), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("part"),
    )
    op.create_table(
        "inbox_events",
        sa.Column("id", BigId, nullable=False),
        sa.Column("platform", sa.String(length=20), nullable=False),
        sa.Column("subscription_id", sa.BigInteger(), nullable=False),
        sa.Column("object_type", sa.String(length=20), nullable=False),
        sa.Column("object_id", sa.BigInteger(), nullable=False),
        sa.Column("aspect_type", sa.String(length=20), nullable=False),
        sa.Column("event_time", _TIME, nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("updates", Json, nullable=False),
        sa.Column("received_at", _TIME, nullable=False),
        sa.Column("trace_id", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("due_at", _TIME, nullable=False),
        sa.Column("lease_until", _TIME, nullable=True),
        sa.Column("lease_holder", sa.String(length=40), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("crashes", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("outcome", sa.String(length=40), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("handled_at", _TIME, nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint(
            "platform",
            "subscription_id",
            "object_type",
            "object_id",
            "aspect_type",
            "event_time",
            name="uq_inbox_events_natural_key",
        ),
    )
    op.create_index("ix_inbox_events_object", "inbox_events", ["object_id"])
    op.create_index("ix_inbox_events_received", "inbox_events", ["received_at"])
    op.create_index(
        "ix_inbox_events_waiting", "inbox_events", ["due_at"], sqlite_where=_WAITING, postgresql_where=_WAITING
    )

    op.create_table(
        "subscriptions",
        sa.Column("platform", sa.String(length=20), nullable=False),
        sa.Column("subscription_id", sa.BigInteger(), nullable=False),
        sa.Column("callback_url", sa.String(length=255), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("platform"),
    )
    op.create_table(
        "activities",
        sa.Column("id", BigId, nullable=False),
        sa.Column("athlete_id", BigId, nullable=False),
        sa.Column("platform_id", sa.BigInteger(), nullable=False),
        sa.Column("sport", sa.String(length=40), nullable=False),
        sa.Column("start", _TIME, nullable=False),
        sa.Column("moving_s", sa.Integer(), nullable=False),
        sa.Column("elapsed_s", sa.Integer(), nullable=False),
        sa.Column("distance_m", sa.Float(), nullable=False),
        sa.Column("elevation_gain_m", sa.Float(), nullable=False),
        sa.Column("intensity", sa.String(length=10), nullable=False),
        sa.Column("workout", sa.String(length=10), nullable=True),
        sa.Column("manual", sa.Boolean(), nullable=False),
        sa.Column("time_unreliable", sa.Boolean(), nullable=False),
        sa.Column("body_part", sa.String(length=10), nullable=True),
        sa.Column("is_adductor_session", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("uploaded_at", _TIME, nullable=False),
        sa.Column("deleted_at", _TIME, nullable=True),
        sa.Column("fetched_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.ForeignKeyConstraint(["athlete_id"], ["athletes.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("athlete_id", "platform_id", name="uq_activities_platform_id"),
    )
    op.create_index("ix_activities_expires_at", "activities", ["expires_at"])

    op.create_table(
        "check_ins",
        sa.Column("id", BigId, nullable=False),
        sa.Column("athlete_id", BigId, nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("hip_groin_pain_0_10", sa.Integer(), nullable=True),
        sa.Column("squeeze_pain_0_10", sa.Integer(), nullable=True),
        sa.Column("other_pain_0_10", sa.Integer(), nullable=True),
        sa.Column("adductor_soreness_0_10", sa.Integer(), nullable=True),
        sa.Column("feeling_1_5", sa.Integer(), nullable=True),
        sa.Column("red_flags", Json, nullable=False),
        sa.ForeignKeyConstraint(["athlete_id"], ["athletes.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_check_ins_athlete_at", "check_ins", ["athlete_id", "at"])

    op.create_table(
        "decisions",
        sa.Column("id", BigId, nullable=False),
        sa.Column("athlete_id", BigId, nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=True),
        sa.Column("activity_id", sa.BigInteger(), nullable=True),
        sa.Column("trigger", sa.String(length=30), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("decision", sa.String(length=12), nullable=False),
        sa.Column("dose", sa.String(length=12), nullable=False),
        sa.Column("rule", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("considered", Json, nullable=False),
        sa.Column("asked_platform", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("trace_id", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["athlete_id"], ["athletes.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("event_id", name="uq_decisions_event"),
    )
    op.create_index("ix_decisions_athlete_at", "decisions", ["athlete_id", "at"])

    op.create_table(
        "letters",
        sa.Column("id", BigId, nullable=False),
        sa.Column("athlete_id", BigId, nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("to", sa.String(length=254), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("sent_at", _TIME, nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("outcome", sa.String(length=40), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("due_at", _TIME, nullable=False),
        sa.Column("lease_until", _TIME, nullable=True),
        sa.Column("lease_holder", sa.String(length=40), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("crashes", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("unsure_handovers", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("trace_id", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["athlete_id"], ["athletes.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("athlete_id", "kind", "key", name="uq_letters_key"),
    )
    op.create_index("ix_letters_waiting", "letters", ["due_at"], sqlite_where=_WAITING, postgresql_where=_WAITING)

    op.create_table(
        "planned_runs",
        sa.Column("id", BigId, nullable=False),
        sa.Column("athlete_id", BigId, nullable=False),
        sa.Column("start", _TIME, nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("priority", sa.String(length=1), nullable=True),
        sa.Column("distance_km", sa.Float(), nullable=True),
        sa.Column("planned_min", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.ForeignKeyConstraint(["athlete_id"], ["athletes.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_planned_runs_athlete_start", "planned_runs", ["athlete_id", "start"])

    op.create_table(
        "tokens",
        sa.Column("athlete_id", BigId, nullable=False),
        sa.Column("access_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("refresh_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.Column("lease_until", _TIME, nullable=True),
        sa.Column("lease_holder", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(["athlete_id"], ["athletes.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("athlete_id"),
    )
    op.create_table(
        "suggestions",
        sa.Column("id", BigId, nullable=False),
        sa.Column("public_id", sa.String(length=24), nullable=False),
        sa.Column("athlete_id", BigId, nullable=False),
        sa.Column("decision_id", BigId, nullable=False),
        sa.Column("activity_id", sa.BigInteger(), nullable=True),
        sa.Column("local_date", sa.Date(), nullable=False),
        sa.Column("placement", sa.String(length=12), nullable=False),
        sa.Column("dose", sa.String(length=12), nullable=False),
        sa.Column("routine", Json, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("withdrawn_because", sa.Text(), nullable=True),
        sa.Column("answered_at", _TIME, nullable=True),
        sa.Column("answer", Json, nullable=True),
        sa.Column("asks_about_activity", sa.BigInteger(), nullable=True),
        sa.Column(
            "before_answer",
            Json,
            nullable=True,
        ),
        sa.ForeignKeyConstraint(["athlete_id"], ["athletes.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["decision_id"], ["decisions.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("athlete_id", "activity_id", name="uq_suggestions_activity"),
        sa.UniqueConstraint("public_id", name="uq_suggestions_public_id"),
    )
    op.create_index("ix_suggestions_athlete_at", "suggestions", ["athlete_id", "created_at"])

    op.create_table(
        "deliveries",
        sa.Column("id", BigId, nullable=False),
        sa.Column("suggestion_id", BigId, nullable=False),
        sa.Column("channel", sa.String(length=12), nullable=False),
        sa.Column("activity_id", sa.BigInteger(), nullable=True),
        sa.Column("wanted", sa.String(length=8), nullable=False),
        sa.Column("block", sa.Text(), nullable=False),
        sa.Column("known_texts", Json, nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("outcome", sa.String(length=40), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("due_at", _TIME, nullable=False),
        sa.Column("lease_until", _TIME, nullable=True),
        sa.Column("lease_holder", sa.String(length=40), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("crashes", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("unseen_reads", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("placed_in", sa.String(length=12), nullable=True),
        sa.Column("written_text", sa.Text(), nullable=True),
        sa.Column("written_at", _TIME, nullable=True),
        sa.Column("unsure_handovers", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("trace_id", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["suggestion_id"], ["suggestions.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("suggestion_id", "channel", name="uq_deliveries_channel"),
    )
    op.create_index("ix_deliveries_waiting", "deliveries", ["due_at"], sqlite_where=_WAITING, postgresql_where=_WAITING)

    op.create_table(
        "sessions",
        sa.Column("id", BigId, nullable=False),
        sa.Column("athlete_id", BigId, nullable=False),
        sa.Column("suggestion_id", BigId, nullable=True),
        sa.Column("completed_at", _TIME, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("completed_pct", sa.Integer(), nullable=False),
        sa.Column("rpe_1_10", sa.Integer(), nullable=True),
        sa.Column("pain_during_0_10", sa.Integer(), nullable=True),
        sa.Column("stopped_for_pain", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("routine", Json, nullable=True),
        sa.Column("source", sa.String(length=12), nullable=False),
        sa.Column("platform_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["athlete_id"], ["athletes.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["suggestion_id"], ["suggestions.id"], ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("suggestion_id", name="uq_sessions_suggestion"),
    )
    op.create_index("ix_sessions_athlete_at", "sessions", ["athlete_id", "completed_at"])
