"""Partial indexes of dead-lettered rows, for the operator's queries"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_GIVEN_UP = sa.text("state = 'failed'")


def upgrade() -> None:
    for table in ("inbox_events", "deliveries", "letters"):
        op.create_index(f"ix_{table}_given_up", table, ["due_at"], sqlite_where=_GIVEN_UP, postgresql_where=_GIVEN_UP)
    op.create_index("ix_athletes_status", "athletes", ["status"])
