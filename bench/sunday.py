"""A club and a federation on PostgreSQL and Redis: a Sunday morning of 10, 1,000 and 100,000 made-up runners.

The installation is `adductor up` with one web process and one worker. Some runners are connected by OAuth, and each sends a
run that is due a routine; the crowd around them are their rows, copied. The runs come all at once, so that the rate is the
highest of this machine. The whole morning follows from the measured costs.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median

from sqlalchemy import create_engine, text

from adductor.installation import Installation
from adductor.jobs import prompts
from adductor.platforms.strava import SMALLEST_LIMITS
from adductor.queue import timers
from adductor.settings import Settings
from bench.figures import Figure, ms, percentile
from bench.notes import Run, athletes_with_a_run, learn_limits, send_paced, wait_for_writes
from bench.rows import Rows
from bench.servers import Up, adductor_up, free_port, started
from tests.support import postgres

# Runners, and how many of them send a run.
POPULATIONS, QUICK_POPULATIONS = {10: 10, 1_000: 100, 100_000: 150}, {1_000: 20, 5_000: 20}
REFUSED, QUICK_REFUSED = 400, 50  # events that end in a "no"
AT_ONCE = 1_000  # a second: as quickly as they can be sent
CLOCK_GROWTH, BYTES_A_YEAR = 1.3, 60_000
TICKS = 15
# Of a Sunday morning, 8 to 12: so many run, and of these so many are due a routine. Judgement.
RUN, DUE, HOURS = 0.4, 1 / 3, 4
# Rows of a runner after a year with the shipped settings: three runs and two routines a week; a "no" is kept for 60 days,
# an event and what is read from Strava for seven.
YEARS_ROWS = {
    "athletes": 1,
    "connections": 1,
    "activities": 3,
    "inbox_events": 5,
    "decisions": 104 + 60,
    "no_counts": 305,
    "suggestions": 104,
    "deliveries": 104,
    "sessions": 104,
}
_ROW_POINTER = 4  # bytes in the row's page
_CROWD_FROM = 1_000_000_000  # Strava's id of a copied runner is this and our own id


def measure(quick: bool = False) -> list[Figure]:
    """Figures of each population, of the clock, of the rows, and of the whole morning."""
    figures, clock, notes_s = [], {}, 0.0
    with ExitStack() as stack:
        up, settings = stack.enter_context(_installation())
        installation = Installation(settings)
        stack.callback(installation.close)
        pattern = learn_limits(up)
        for size, events in (QUICK_POPULATIONS if quick else POPULATIONS).items():
            runs = athletes_with_a_run(up, events)
            grow(settings.database, size, pattern)
            calls = len(up.sandbox.calls())
            took, notes_s = _rush(up, runs)
            calls = len(up.sandbox.calls()) - calls
            clock[size] = _tick_s(installation, settings.database)
            figures.append(_of_the_rush(size, took, notes_s, calls))
        refused_s = _refused(up, settings.database, QUICK_REFUSED if quick else REFUSED)
        per_row = bytes_a_row(settings.database)
    bytes_a_year = sum(per_row[table] * rows for table, rows in YEARS_ROWS.items())
    return [
        *figures,
        Figure(f'events that end in a "no" among {size:,} runners', f"{refused_s:.0f}/s", "-", "-", "-", met=None),
        _of_the_clock(clock),
        Figure(
            "database of a runner after a year",
            f"{bytes_a_year / 1000:.1f} kB",
            "-",
            f"{bytes_a_year / BYTES_A_YEAR:.2f} x target",
            f"at most {BYTES_A_YEAR / 1000:.0f} kB",
            met=bytes_a_year <= BYTES_A_YEAR,
            remarks=", ".join(f"{table} {per_row[table] * rows / 1000:.1f}" for table, rows in YEARS_ROWS.items()),
        ),
        _of_the_morning(size, notes_s, refused_s),
    ]


@contextmanager
def _installation() -> Iterator[tuple[Up, Settings]]:
    """PostgreSQL, which syncs its commits, Redis and `adductor up` with the sandbox."""
    with tempfile.TemporaryDirectory(prefix="adductor-bench-") as name, ExitStack() as stack:
        folder, redis = Path(name), free_port()
        base = stack.enter_context(postgres.server(folder / "postgres", options=()))
        values = {
            "ADDUCTOR_DATABASE_URL": postgres.new_database(base, "sunday"),
            "ADDUCTOR_REDIS_URL": f"redis://127.0.0.1:{redis}/0",
        }
        (folder / "redis").mkdir()
        stack.enter_context(started(["redis-server", "--port", str(redis), "--save", ""], {}, folder / "redis"))
        up = stack.enter_context(adductor_up(folder / "up", **values))
        settings = Settings(ADDUCTOR_DATA_DIR=str(folder / "up" / "data"), **values)
        yield replace(up, database=values["ADDUCTOR_DATABASE_URL"]), settings


def grow(database: str, size: int, pattern: Run) -> None:
    """Copy the runner of ``pattern``, on hold and with a day's time, until there are ``size`` runners."""
    with create_engine(database).begin() as connection:

        def columns(table: str, *but: str) -> str:
            found = connection.execute(
                text(
                    "SELECT column_name FROM information_schema.columns WHERE table_name = :table "
                    "AND is_generated = 'NEVER' AND column_name <> ALL(:but)"
                ),
                {"table": table, "but": ["id", *but]},
            ).scalars()
            return ", ".join(f'"{name}"' for name in found)

        def insert(table: str, copied: str, other: str, chosen: str, **values: object) -> None:
            """Insert rows with the same values as the pattern's but for ``other`` columns."""
            into = f"INSERT INTO {table} ({copied}, {other}) SELECT {copied}, {chosen}"
            connection.execute(text(into), {"pattern": original, **values})

        original = connection.execute(
            text("SELECT athlete_id FROM connections WHERE external_id = :id"), {"id": str(pattern.athlete)}
        ).scalar_one()
        missing = size - connection.execute(text("SELECT count(*) FROM athletes")).scalar_one()
        copied = columns("athletes", "next_due_at", "hold_since", "hold_reason")
        later = "now() + random() * interval '1 day' + interval '1 hour'"
        insert(
            "athletes",
            copied,
            "next_due_at, hold_since, hold_reason",
            f"{later}, now(), 'pain' FROM athletes, generate_series(1, :missing) WHERE id = :pattern",
            missing=missing,
        )
        connection.execute(
            text(
                "CREATE TEMPORARY TABLE crowd ON COMMIT DROP AS SELECT id FROM athletes a "
                "WHERE NOT EXISTS (SELECT FROM connections c WHERE c.athlete_id = a.id)"
            )
        )
        insert(
            "connections",
            columns("connections", "athlete_id", "external_id"),
            "athlete_id, external_id",
            f"crowd.id, ({_CROWD_FROM} + crowd.id)::text FROM crowd, connections WHERE athlete_id = :pattern",
        )
        insert(
            "activities",
            columns("activities", "athlete_id", "platform_id"),
            "athlete_id, platform_id",
            "crowd.id, 'strava:' || activities.id || '0' || crowd.id FROM crowd, activities WHERE athlete_id = :pattern "
            "AND start > now() - interval '9 days'",
        )
        connection.execute(text("INSERT INTO no_counts SELECT id, CURRENT_DATE, 'weekly_target', 1 FROM crowd"))
    with create_engine(database, isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text("ANALYZE"))


def _rush(up: Up, runs: Sequence[Run]) -> tuple[list[float], float]:
    """Seconds from each event to its write, and notes a second of all."""
    sent = send_paced(up, list(runs), AT_ONCE)
    written = wait_for_writes(up, list(runs))
    lasted = max(written.values()) - min(one.at for one in sent.values())
    return [written[run.activity] - sent[run.activity].at for run in runs], len(runs) / lasted


def _refused(up: Up, database: str, count: int) -> float:
    """Events a second of runners of the crowd: a "no" without a call."""
    with create_engine(database).connect() as connection:
        ids = connection.execute(text("SELECT id FROM athletes WHERE hold_since IS NOT NULL LIMIT :n"), {"n": count})
        runs = [Run(_CROWD_FROM + number, 10**15 + number) for number in ids.scalars()]
    rows, began = Rows(database), time.monotonic()
    send_paced(up, runs, AT_ONCE)
    while rows.unfinished():
        time.sleep(0.02)  # another process: there is nothing to wait on
    lasted = time.monotonic() - began
    rows.close()
    return len(runs) / lasted


def _tick_s(installation: Installation, database: str) -> float:
    """Seconds in which the clock looks at one batch of due runners among all."""
    took = []
    with create_engine(database).connect() as connection:
        for _ in range(TICKS):
            connection.execute(
                text(
                    "UPDATE athletes SET next_due_at = now() - interval '1 minute' WHERE id IN "
                    "(SELECT id FROM athletes WHERE hold_since IS NOT NULL ORDER BY id LIMIT :batch)"
                ),
                {"batch": timers.BATCH},
            )
            connection.commit()
            began = time.perf_counter()
            timers.tick(installation, prompts.TIMER)
            took.append(time.perf_counter() - began)
    return median(took)


def bytes_a_row(database: str) -> dict[str, float]:
    """The bytes of a row in each table: its values, its head and its part of the indexes. Makes a session of each routine."""
    found = {}
    with create_engine(database).begin() as connection:
        connection.execute(
            text(
                "INSERT INTO sessions (athlete_id, completed_at, kind, completed_pct, stopped_for_pain, source, routine) "
                "SELECT athlete_id, created_at, 'strength_full', 100, false, 'page', routine FROM suggestions"
            )
        )
        for table in YEARS_ROWS:
            values, indexes, rows = connection.execute(
                text(f"SELECT avg(pg_column_size(t.*)), pg_indexes_size('{table}'), count(*) FROM {table} t")  # noqa: S608
            ).one()
            found[table] = float(values or 0) + _ROW_POINTER + indexes / max(rows, 1)
    return found


def _of_the_rush(size: int, took: list[float], notes_s: float, calls: int) -> Figure:
    return Figure(
        f"{size:,} runners on PostgreSQL: {len(took)} runs at once",
        f"{notes_s:.1f} notes/s",
        "-",
        "-",
        "-",
        met=None,
        remarks=f"from event to write p50 {ms(median(took))}, p99 {ms(percentile(took, 0.99))}; "
        f"{calls / len(took):.2f} calls a note",
    )


def _of_the_clock(clock: dict[int, float]) -> Figure:
    (few, quick_s), (many, slow_s) = list(clock.items())[-2:]
    return Figure(
        f"clock: {timers.BATCH} due among {many:,} runners",
        ms(slow_s),
        f"{few:,}: {ms(quick_s)}",
        f"{slow_s / quick_s:.2f} x",
        f"at most {CLOCK_GROWTH} x",
        met=slow_s <= CLOCK_GROWTH * quick_s,
    )


def _of_the_morning(size: int, notes_s: float, refused_s: float) -> Figure:
    """The share of this machine that the whole morning takes, and Strava's calls for it."""
    events = size * RUN
    share = events * (DUE / notes_s + (1 - DUE) / refused_s) / (HOURS * 3600)
    reads, days = events * DUE, events * DUE / SMALLEST_LIMITS.read_day
    return Figure(
        f"a Sunday morning of {size:,} runners, by these costs",
        f"{share:.0%} of this machine",
        "-",
        "-",
        "-",
        met=None,
        remarks=f"{events:,.0f} runs in {HOURS} h, a third of them due; {2 * reads:,.0f} calls; "
        f"{days:.0f} times the reads of Strava's smallest tier a day",
    )
