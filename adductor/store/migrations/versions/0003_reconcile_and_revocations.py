"""Reconciliation times of athletes, outages, and tokens that are still to be revoked"""

import sqlalchemy as sa
from alembic import op

from adductor.store.types import BigId, UtcDateTime

revision = "0003"
down_revision = "0002"

_TIME = UtcDateTime(timezone=True)


def upgrade() -> None:
    op.add_column("athletes", sa.Column("reconcile_at", _TIME))
    op.add_column("athletes", sa.Column("reconciled_at", _TIME))
    op.create_index("ix_athletes_reconcile_at", "athletes", ["reconcile_at"])
    # The first look only works out when a look is due.
    op.execute("UPDATE athletes SET reconcile_at = connected_at WHERE status = 'connected'")

    op.add_column("inbox_events", sa.Column("origin", sa.String(10), server_default="webhook", nullable=False))
    op.create_index("ix_inbox_events_owner", "inbox_events", ["owner_id"])
    op.create_index("ix_activities_fetched_at", "activities", ["fetched_at"])

    op.add_column("deliveries", sa.Column("separated", sa.Boolean()))
    # Until now a blank line went in front of every note but those that began their text, and no row said which.
    op.execute("UPDATE deliveries SET separated = (1 = 1) WHERE written_text IS NOT NULL")

    op.create_table(
        "outages",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("began_at", _TIME, nullable=False),
        sa.Column("ended_at", _TIME, nullable=False),
        sa.Column("reached_id", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("done_at", _TIME),
    )
    op.create_index("ix_outages_ended_at", "outages", ["ended_at"])

    op.create_table(
        "revocations",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("platform", sa.String(20), nullable=False),
        sa.Column("token_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("due_at", _TIME, nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
    )
    op.create_index("ix_revocations_due_at", "revocations", ["due_at"])
