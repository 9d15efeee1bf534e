"""Ids of activities and events as text with their platform; connections by key, polls and what a platform tells beside"""

import sqlalchemy as sa
from alembic import op

from adductor.store.types import Json, UtcDateTime

revision = "0009"
down_revision = "0008"

# Until here every row is Strava's.
_IDS = {
    "inbox_events": ("object_id",),
    "activities": ("platform_id",),
    "decisions": ("activity_id",),
    "suggestions": ("activity_id", "asks_about_activity"),
    "deliveries": ("activity_id",),
    "sessions": ("platform_id",),
}

_BACKLOG = "CASE WHEN state IN ('waiting', 'claimed') THEN 'open' WHEN state = 'failed' THEN 'failed' END"
_QUEUE_INDEXES = {"waiting": "open", "given_up": "failed"}


def upgrade() -> None:
    for table, columns in _IDS.items():
        more = (("owner_id", sa.String(64)),) if table == "inbox_events" else ()
        _change_types(table, (*((column, sa.String(80)) for column in columns), *more))
        for column in columns:
            ids = sa.table(table, sa.column(column, sa.String))
            with_platform = sa.literal("strava:") + ids.c[column]
            op.execute(ids.update().where(ids.c[column].is_not(None)).values({column: with_platform}))
    athletes = sa.table("athletes", sa.column("id", sa.BigInteger), sa.column("history_incomplete", Json))
    incomplete = sa.select(athletes).where(athletes.c.history_incomplete.is_not(None))
    for athlete_id, ids in op.get_bind().execute(incomplete).all():
        if isinstance(ids, list) and ids:
            named = {"history_incomplete": [f"strava:{each}" for each in ids]}
            op.execute(athletes.update().where(athletes.c.id == athlete_id).values(named))
    op.add_column("connections", sa.Column("by_key", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("connections", sa.Column("poll_at", UtcDateTime(timezone=True)))
    op.add_column("connections", sa.Column("told", Json, server_default=sa.text("'{}'"), nullable=False))
    op.create_index("ix_connections_poll_at", "connections", ["poll_at"])


def _change_types(table: str, columns: tuple[tuple[str, sa.String], ...]) -> None:
    if op.get_bind().dialect.name == "postgresql":
        for column, kind in columns:
            op.alter_column(table, column, type_=kind, postgresql_using=f"CAST({column} AS VARCHAR)")
        return
    # SQLite copies the table, and a generated column can't be copied.
    queued = table in ("inbox_events", "deliveries")
    for name in _QUEUE_INDEXES if queued else ():
        op.drop_index(f"ix_{table}_{name}", table)
    with op.batch_alter_table(table) as batch:
        for column, kind in columns:
            batch.alter_column(column, existing_type=sa.BigInteger(), type_=kind)
        if queued:
            batch.drop_column("backlog")
    if queued:
        op.add_column(table, sa.Column("backlog", sa.String(6), sa.Computed(_BACKLOG, persisted=False)))
    for name, backlog in _QUEUE_INDEXES.items() if queued else ():
        op.create_index(f"ix_{table}_{name}", table, ["due_at"], sqlite_where=sa.text(f"backlog = '{backlog}'"))
