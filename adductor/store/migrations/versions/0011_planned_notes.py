"""The week ahead as planned NOTEs in a calendar: the choice, the next look, and the entries that stand"""

import sqlalchemy as sa
from alembic import op

from adductor.store.types import Json, UtcDateTime

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    for column in (
        sa.Column("plan_notes_wanted", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("plan_notes_at", UtcDateTime(timezone=True)),
        sa.Column("plan_notes", Json, server_default=sa.text("'{}'"), nullable=False),
    ):
        op.add_column("connections", column)
    op.create_index("ix_connections_plan_notes_at", "connections", ["plan_notes_at"])
