"""The place of a pain: of a check-in the knee, of a session any place"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("check_ins", sa.Column("knee_pain_0_10", sa.Integer()))
    op.add_column("sessions", sa.Column("pain_place", sa.String(10), server_default="hip_groin", nullable=False))
