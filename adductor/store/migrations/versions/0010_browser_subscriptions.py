"""Browsers that take Web Push messages"""

import sqlalchemy as sa
from alembic import op

from adductor.store.types import BigId, UtcDateTime

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("athletes", sa.Column("push_since", UtcDateTime()))
    op.create_table(
        "browser_subscriptions",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("athlete_id", BigId, sa.ForeignKey("athletes.id", ondelete="CASCADE"), nullable=False),
        sa.Column("endpoint_hash", sa.String(64), nullable=False),
        sa.Column("service", sa.String(253), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("subscription_encrypted", sa.LargeBinary(), nullable=False),
        sa.UniqueConstraint("endpoint_hash", name="uq_browser_subscriptions_endpoint"),
    )
    op.create_index("ix_browser_subscriptions_athlete", "browser_subscriptions", ["athlete_id"])
