"""Daily counts of old decisions; queue indexes that let PostgreSQL update claims in place; default prompts spread"""

import sqlalchemy as sa
from alembic import op

from adductor.store.types import BigId

revision = "0005"
down_revision = "0004"

_BACKLOG = "CASE WHEN state IN ('waiting', 'claimed') THEN 'open' WHEN state = 'failed' THEN 'failed' END"
_NO = sa.text("decision = 'none'")
# Room in each page for the versions of a row between its claim and its end (deliveries stay, and are five times as large);
# a vacuum per 2 % of dead rows.
_STORED = {
    "inbox_events": "fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02",
    "deliveries": "fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02",
    "decisions": "autovacuum_vacuum_scale_factor = 0.02",
}


def upgrade() -> None:
    is_postgres = op.get_bind().dialect.name == "postgresql"
    for table, parameters in _STORED.items() if is_postgres else ():
        op.execute(f"ALTER TABLE {table} SET ({parameters})")
    for table in ("inbox_events", "deliveries", "letters"):
        # After the fillfactor: PostgreSQL rewrites the table for a stored column. SQLite adds none of that kind.
        op.add_column(table, sa.Column("backlog", sa.String(6), sa.Computed(_BACKLOG, persisted=is_postgres)))
        for name, backlog in (("waiting", "open"), ("given_up", "failed")):
            condition = sa.text(f"backlog = '{backlog}'")
            op.drop_index(f"ix_{table}_{name}", table)
            op.create_index(f"ix_{table}_{name}", table, ["due_at"], sqlite_where=condition, postgresql_where=condition)
    op.create_table(
        "no_counts",
        sa.Column("athlete_id", BigId, sa.ForeignKey("athletes.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("day", sa.Date(), primary_key=True),
        sa.Column("rule", sa.String(40), primary_key=True),
        sa.Column("count", sa.Integer(), nullable=False),
    )
    op.create_index("ix_decisions_no", "decisions", ["at"], sqlite_where=_NO, postgresql_where=_NO)
    op.create_index("ix_suggestions_decision", "suggestions", ["decision_id"])
    # Times that were saved once are the athlete's own: all three at the defaults never were, or mean the same.
    op.execute(
        "UPDATE athletes SET rest_day_prompt_local = '17:' || substr(CAST(100 + id % 60 AS VARCHAR(3)), 2) "
        "WHERE rest_day_prompt_local = '17:30' AND quiet_from_local = '22:30' AND quiet_until_local = '05:00'"
    )
