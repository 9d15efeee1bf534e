"""Missed events and leaving: when to look for events that never came, and accesses still to be given back"""

import sqlalchemy as sa
from alembic import op

import adductor.store.types

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("athletes", sa.Column("reconcile_at", adductor.store.types.UtcDateTime(timezone=True), nullable=True))
    op.add_column(
        "athletes", sa.Column("reconciled_at", adductor.store.types.UtcDateTime(timezone=True), nullable=True)
    )
    op.create_index("ix_athletes_reconcile_at", "athletes", ["reconcile_at"])
    # The first look only works out when a look is due.
    op.execute("UPDATE athletes SET reconcile_at = connected_at WHERE status = 'connected'")

    op.add_column("inbox_events", sa.Column("origin", sa.String(length=10), server_default="webhook", nullable=False))
    op.create_index("ix_inbox_events_owner", "inbox_events", ["owner_id"])
    op.create_index("ix_activities_fetched_at", "activities", ["fetched_at"])

    op.add_column("deliveries", sa.Column("separated", sa.Boolean(), nullable=True))
    # Until now a blank line went in front of every note but those that began their text, and no row said which.
    op.execute("UPDATE deliveries SET separated = (1 = 1) WHERE written_text IS NOT NULL")

    op.create_table(
        "outages",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("began_at", adductor.store.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("ended_at", adductor.store.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("reached_id", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("done_at", adductor.store.types.UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_outages_ended_at", "outages", ["ended_at"])

    op.create_table(
        "revocations",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("platform", sa.String(length=20), nullable=False),
        sa.Column("token_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", adductor.store.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("due_at", adductor.store.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_revocations_due_at", "revocations", ["due_at"])
