"""PostgreSQL as it stands after years beside one as it stands on the first day: three databases of one real server.

They are filled as fast as it goes (nothing synced, nothing logged, indexes made at the end). Then the server is started again
as it comes, syncing every commit, and only then is anything measured.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from adductor.store import Store, migrate
from tests.support import postgres

# In the order of their numbers; the platform counts its own from here.
FIRST_RUNNER = 1_000_000
FIRST_ACTIVITY = 10_000_000_000
SUBSCRIPTION = 1

_AT_ONCE = 2  # connections that fill; more are of no use to a small machine
_FILLING = (
    *("-F", "-c", "full_page_writes=off", "-c", "synchronous_commit=off", "-c", "autovacuum=off"),
    # A table that is emptied and filled in one transaction is not written to the log then.
    *("-c", "wal_level=minimal", "-c", "max_wal_senders=0", "-c", "max_wal_size=16GB"),
    *("-c", "shared_buffers=512MB", "-c", "maintenance_work_mem=768MB", "-c", "max_parallel_maintenance_workers=0"),
)
# Every activity was recorded and its title edited once. Seven days of them: no event is kept longer.
_EVENTS = """
    INSERT INTO inbox_events (id, platform, subscription_id, object_type, object_id, aspect_type, event_time, owner_id,
                              updates, received_at, trace_id, state, due_at, attempts, outcome, handled_at)
    SELECT n, 'strava', %(subscription)s, 'activity', %(first)s + n / 2,
           CASE n %% 2 WHEN 0 THEN 'create' ELSE 'update' END, date_trunc('second', at),
           %(runner)s + (n / 2) * 7919::bigint %% %(runners)s,
           CASE n %% 2 WHEN 0 THEN '{}'::jsonb ELSE '{"title": "Evening Run"}'::jsonb END, at,
           lpad(to_hex(n), 16, '0'), 'done', at, 1, CASE n %% 2 WHEN 0 THEN 'spacing' ELSE 'nothing_to_do' END, at
    FROM (SELECT n, now() - interval '7 days' * ((%(events)s - n)::float8 / %(events)s) AS at
          FROM generate_series(1, %(events)s) AS n) AS made
"""
# Whom the clock looks at next some time in the coming day, each in their own evening.
_ATHLETES = """
    INSERT INTO athletes (id, platform, platform_athlete_id, name, units, timezone, status, scopes, connected_at,
                          confirmed_at, placements, channels, rest_day_prompt_local, quiet_from_local, quiet_until_local,
                          usual_runs, email, email_confirmed_at, calendar_key, screening_completed_at, programme_stage,
                          sessions_completed_total, last_completed_on, progress, next_due_at, history_read_at,
                          last_event_at, reconcile_at, reconciled_at)
    SELECT n, 'strava', %(runner)s + n, 'Runner ' || n, 'metric', 'UTC', 'connected',
           'read,activity:read_all,activity:write', now() - interval '1 year', now() - interval '1 year',
           '["post_run", "rest_day"]', '{}', '17:30', '22:30', '05:00', '[]', 'runner' || n || '@example.org',
           now() - interval '1 year', md5(n::text), now() - interval '1 year', 2, 9, current_date - 5, '[]',
           now() + interval '1 hour' + interval '1 day' * ((n * 7919::bigint %% 86400)::float8 / 86400),
           now() - interval '1 day', now() - interval '1 day', now() + interval '1 day', now() - interval '1 day'
    FROM generate_series(1, %(runners)s) AS n
"""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many rows."""

    events: int
    many: int  # athletes, beside the events
    few: int  # athletes, in a database without events


@dataclass(frozen=True, slots=True)
class Filled:
    """The server's databases, as SQLAlchemy URLs."""

    sizes: Sizes
    empty: str
    few: str
    full: str


THOROUGH = Sizes(events=10_000_000, many=1_000_000, few=10_000)
QUICK = Sizes(events=200_000, many=100_000, few=10_000)


@contextmanager
def databases(folder: Path, sizes: Sizes) -> Iterator[Filled]:
    """Fill them and serve them durably, in ``folder``."""
    cluster = folder / "postgres"
    with postgres.server(cluster, _FILLING, keep=True) as base:
        for name in ("empty", "few", "full"):
            store = Store(postgres.new_database(base, name))
            migrate.upgrade(store)
            store.close()
        fill(f"{base}/few", runners=sizes.few)
        fill(f"{base}/full", runners=sizes.many, events=sizes.events)
    os.sync()  # or the system would write it out while something is measured
    with postgres.server(cluster, ()) as base:
        yield Filled(sizes, f"{base}/empty", f"{base}/few", f"{base}/full")


def fill(url: str, *, runners: int, events: int = 0) -> None:
    """Fill a migrated database of a server that is being filled."""
    numbers = {
        "runners": runners,
        "events": events,
        "runner": FIRST_RUNNER,
        "first": FIRST_ACTIVITY,
        "subscription": SUBSCRIPTION,
    }
    with ThreadPoolExecutor(_AT_ONCE) as side_by_side:
        tables = {"athletes": _ATHLETES} | ({"inbox_events": _EVENTS} if events else {})
        made = [side_by_side.submit(_fill_table, url, table, rows, numbers) for table, rows in tables.items()]
        indexes = [step for one in made for step in one.result()]
        for built in [side_by_side.submit(step) for step in indexes]:
            built.result()
    with psycopg.connect(_plain(url), autocommit=True) as connection:
        for table in tables:
            connection.execute(
                sql.SQL("SELECT setval(pg_get_serial_sequence({}, 'id'), (SELECT max(id) FROM {}))").format(
                    sql.Literal(table), sql.Identifier(table)
                )
            )
        # What the server would do by itself in the hours after, and not in the middle of a measurement.
        connection.execute("VACUUM (ANALYZE)")


def _fill_table(url: str, table: str, rows: str, numbers: dict[str, int]) -> list[Callable[[], None]]:
    """Fill a table whose indexes are away; returns what makes each of them again, just as the migrations made it.

    Partial ones stay: what is filled in isn't in them.
    """
    with psycopg.connect(_plain(url)) as connection:
        constraints = connection.execute(
            "SELECT c.conname, c.contype::text, pg_get_indexdef(c.conindid) FROM pg_constraint c "
            "WHERE c.conrelid = %s::regclass AND c.contype = 'u'",
            (table,),
        ).fetchall()
        named = {name for name, _, _ in constraints}
        plain = connection.execute(
            "SELECT i.indexname, i.indexdef FROM pg_indexes i JOIN pg_class c ON c.relname = i.indexname "
            "JOIN pg_index x ON x.indexrelid = c.oid WHERE i.tablename = %s "
            "AND NOT x.indisprimary AND x.indpred IS NULL",
            (table,),
        ).fetchall()
        for name, _, _ in constraints:
            connection.execute(sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(*map(sql.Identifier, (table, name))))
        for name, _ in plain:
            if name not in named:
                connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
        connection.execute(sql.SQL("TRUNCATE {} CASCADE").format(sql.Identifier(table)))
        connection.execute(rows.encode(), numbers)

    def made_again(name: str, definition: str) -> Callable[[], None]:
        def make() -> None:
            with psycopg.connect(_plain(url), autocommit=True) as connection:
                connection.execute(definition.encode())
                if name in named:
                    connection.execute(
                        sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} UNIQUE USING INDEX {}").format(
                            *map(sql.Identifier, (table, name, name))
                        )
                    )

        return make

    return [made_again(name, definition) for name, definition in plain]


def _plain(url: str) -> str:
    return url.replace("+psycopg", "")


def disk_used(folder: Path) -> str:
    """In words, how much the folder holds."""
    return subprocess.run(["du", "-sh", str(folder)], capture_output=True, text=True, check=True).stdout.split()[0]
