"""The runner's own choices: exercises left out and added, minutes, the less steady side, a sentence, maintenance"""

import sqlalchemy as sa
from alembic import op

from adductor.store.types import Json

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    for column in (
        sa.Column("left_out", Json, server_default="{}", nullable=False),
        sa.Column("own_exercises", Json, server_default="[]", nullable=False),
        sa.Column("minutes_after_run", sa.Integer()),
        sa.Column("minutes_rest_day", sa.Integer()),
        sa.Column("less_steady_side", sa.String(5)),
        sa.Column("maintaining", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("if_then", sa.String(120)),
    ):
        op.add_column("athletes", column)
