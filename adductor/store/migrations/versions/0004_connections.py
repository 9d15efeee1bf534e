"""A table of connections; columns renamed to the vocabulary of docs/architecture.md"""

import sqlalchemy as sa
from alembic import op

from adductor.store.types import BigId, Json, UtcDateTime

revision = "0004"
down_revision = "0003"

_TIME = UtcDateTime(timezone=True)
_RENAMED = (
    ("inbox_events", "lease_holder", "lease_owner"),
    ("deliveries", "lease_holder", "lease_owner"),
    ("letters", "lease_holder", "lease_owner"),
    ("deliveries", "wanted", "desired_state"),
    ("deliveries", "unseen_reads", "reads_without_field"),
    ("deliveries", "unsure_handovers", "unconfirmed_writes"),
    ("letters", "unsure_handovers", "unconfirmed_writes"),
    ("revocations", "token_sealed", "token_encrypted"),
)
_MOVED = (
    "platform",
    "platform_athlete_id",
    "status",
    "scopes",
    "connected_at",
    "disconnected_at",
    "private_note_seen_at",
    "private_note_refused_at",
)


def upgrade() -> None:
    op.create_table(
        "connections",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("athlete_id", BigId, nullable=False),
        sa.Column("platform", sa.String(20), nullable=False),
        sa.Column("external_id", sa.String(64), nullable=False),
        sa.Column("scopes", sa.String(200), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("connected_at", _TIME, nullable=False),
        sa.Column("disconnected_at", _TIME),
        sa.Column("access_encrypted", sa.LargeBinary()),
        sa.Column("refresh_encrypted", sa.LargeBinary()),
        sa.Column("expires_at", _TIME),
        sa.Column("lease_until", _TIME),
        sa.Column("lease_owner", sa.String(40)),
        sa.Column("refresh_unconfirmed_since", _TIME),
        sa.Column("refused_since", _TIME),
        sa.Column("private_note_refused_at", _TIME),
        sa.Column("absent_note_is_empty", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.ForeignKeyConstraint(["athlete_id"], ["athletes.id"], ondelete="CASCADE"),
        sa.UniqueConstraint("platform", "external_id", name="uq_connections_external_id"),
    )
    op.add_column("athletes", sa.Column("leaving_at", _TIME))
    op.execute(
        """
        INSERT INTO connections (
            athlete_id, platform, external_id, scopes, state, connected_at, disconnected_at,
            access_encrypted, refresh_encrypted, expires_at, private_note_refused_at
        )
        SELECT
            athletes.id, platform, CAST(platform_athlete_id AS VARCHAR(64)), scopes,
            CASE WHEN status = 'leaving' THEN 'revoked' ELSE status END, connected_at, disconnected_at,
            access_sealed, refresh_sealed, expires_at, private_note_refused_at
        FROM athletes LEFT JOIN tokens ON tokens.athlete_id = athletes.id
        ORDER BY athletes.id
        """
    )
    op.execute("UPDATE athletes SET leaving_at = disconnected_at WHERE status = 'leaving'")
    op.create_index("ix_connections_athlete", "connections", ["athlete_id"])
    op.create_index("ix_connections_state", "connections", ["state"])
    op.drop_table("tokens")
    op.drop_index("ix_athletes_status", "athletes")
    with op.batch_alter_table("athletes") as athletes:
        athletes.drop_constraint("uq_athletes_platform_id", type_="unique")
        for column in _MOVED:
            athletes.drop_column(column)
        athletes.add_column(sa.Column("timezone_from", _TIME))
        athletes.add_column(sa.Column("history_covers_until", _TIME))
        athletes.add_column(sa.Column("history_incomplete", Json))

    op.execute(
        "UPDATE athletes SET timezone_from = (SELECT max(start) FROM activities WHERE activities.athlete_id = athletes.id)"
    )

    for table, before, after in _RENAMED:
        op.execute(f"ALTER TABLE {table} RENAME COLUMN {before} TO {after}")
    for table in ("inbox_events", "deliveries", "letters"):
        op.add_column(table, sa.Column("tried_at", _TIME))
