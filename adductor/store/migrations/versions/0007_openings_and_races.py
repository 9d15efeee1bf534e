"""When a suggestion was opened, and whether it asks if routines are still useful; the latest race of a runner"""

import sqlalchemy as sa
from alembic import op

from adductor.store.types import UtcDateTime

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("suggestions", sa.Column("opened_at", UtcDateTime(timezone=True)))
    op.add_column("suggestions", sa.Column("asks_if_useful", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("athletes", sa.Column("raced_on", sa.Date()))
    op.add_column("athletes", sa.Column("race_free_days", sa.Integer()))
    # Openings were not kept before: unknown is no silence.
    op.execute("UPDATE suggestions SET opened_at = created_at")
