"""What the clock's look at a thousand runners costs among a million, and among ten thousand: `python -m bench.clock_tick`.

On PostgreSQL, every commit synced: `adductor.jobs.prompts.tick` until nobody is due any more, tick by tick in turns with
the same thousand in the small database. It is an evening like others: half of them ran today, four in ten did a routine
yesterday, one in ten gets a rest day's routine, by a mail that goes to the folder which keeps mails without a mail server.
The floor is the query by the index that finds the runners of one tick.
"""

from __future__ import annotations

import logging
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from sqlalchemy import delete, func, insert, select, text, update

from adductor import logs
from adductor.installation import Installation
from adductor.jobs import prompts
from adductor.settings import load
from adductor.store.models import Athlete, DecisionRecord, Delivery, LoggedActivity, SessionRecord, Suggestion
from bench import alone, filled
from bench.figures import Figure, Part, ms
from service.supervisor import Supervisor, start_broker

GROWTH_AT_MOST = 1.3
_EVENING_HOUR = 18  # local, of those who are due: their prompt was at 17:30
_WARM = 40  # runners
_TURNS_WITHIN_S = 30.0  # another repetition begins as long as it would end within this; one there always is
_ALIVE = timedelta(days=5)  # what is put in lives longer than this runs


@dataclass
class _Side:
    """One database with the runners who are due in it."""

    installation: Installation
    due: list[int]
    ticks_s: list[float] = field(default_factory=list)
    queries_s: list[float] = field(default_factory=list)
    totals_s: list[float] = field(default_factory=list)
    rules: Counter[str] = field(default_factory=Counter)
    mails: int = 0


def measure(quick: bool = False, server: filled.Filled | None = None) -> Part:
    """The time for all who are due, and its growth from the small database to the large one.

    ``server``: one that is filled already; by default one of our own, without events.
    """
    due, within_s = (200, 0.0) if quick else (1_000, _TURNS_WITHIN_S)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="adductor-bench-")))
        if server is None:
            sizes = filled.QUICK if quick else filled.THOROUGH
            server = stack.enter_context(filled.databases(folder, filled.Sizes(0, sizes.many, sizes.few)))
        stack.enter_context(_logged(folder / "ticks.log"))
        broker = Supervisor()
        stack.callback(broker.end)
        redis = start_broker(broker, folder, {})
        sides = []
        for name, database, runners in (
            ("few", server.few, server.sizes.few),
            ("full", server.full, server.sizes.many),
        ):
            side = _Side(_installation(folder / name, database, redis), [n * runners // due for n in range(1, due + 1)])
            stack.callback(side.installation.close)
            _lives(side)
            sides.append(side)
        few, many = sides
        for side in sides:
            _make_due(side, _WARM)
        _turns(few, many)  # statements are built, wordings and pictures read
        for side in sides:
            side.ticks_s, side.queries_s, side.totals_s = [], [], []
        until = time.monotonic() + within_s
        while not many.totals_s or time.monotonic() + 2 * sum(many.totals_s) / len(many.totals_s) < until:
            for side in sides:
                _make_due(side)
            _turns(few, many)
            for side in sides:
                _account(side)
        _make_due(many)
        plan = _plan(many)
    return Part(
        _figures(few, many, server.sizes, plan), {"The clock: how those who are due are found": f"```\n{plan}\n```"}
    )


def _turns(few: _Side, many: _Side) -> None:
    """Tick by tick, first one and then the other, until nobody is due in either."""
    began = len(few.ticks_s)
    left = {id(few): True, id(many): True}
    number = 0
    while any(left.values()):
        number += 1
        for side in (few, many) if number % 2 else (many, few):
            if not left[id(side)]:
                continue
            at = time.perf_counter()
            found = _find(side)
            queried_s = time.perf_counter() - at
            if not found:
                left[id(side)] = False
                continue
            side.queries_s.append(queried_s)
            at = time.perf_counter()
            looked_at = prompts.tick(side.installation)
            side.ticks_s.append(time.perf_counter() - at)
            if looked_at != found:
                raise RuntimeError(f"{found} runners were due and {looked_at} were looked at")
    for side in (few, many):
        side.totals_s.append(sum(side.ticks_s[began:]))


def _find(side: _Side) -> int:
    """The bare query of one tick."""
    now = side.installation.clock.now()
    due = select(Athlete.id).where(Athlete.next_due_at <= now).order_by(Athlete.next_due_at, Athlete.id)
    with side.installation.store.read() as session:
        return len(session.scalars(due.limit(prompts.BATCH)).all())


def _account(side: _Side) -> None:
    """Every runner who was due was decided on once, and every routine went out."""
    with side.installation.store.read() as session:
        rules = session.execute(select(DecisionRecord.rule, func.count()).group_by(DecisionRecord.rule))
        side.rules = Counter(dict(rules.all()))
        side.mails = session.scalar(select(func.count()).where(Delivery.outcome == "sent")) or 0
    if side.rules.total() != len(side.due) or side.mails != side.rules["rest_day"] or not side.mails:
        raise RuntimeError(
            f"{len(side.due)} runners were due; decided was {dict(side.rules)}, {side.mails} mails went out"
        )


# --- the runners ----------------------------------------------------------------------------------------------------


def _installation(folder: Path, database: str, redis: str) -> Installation:
    folder.mkdir()
    values = {"ADDUCTOR_DATA_DIR": str(folder), "ADDUCTOR_DATABASE_URL": database, "ADDUCTOR_REDIS_URL": redis}
    return Installation(load(_env_file=None, **values))


def _lives(side: _Side) -> None:
    """What the last days of those who will be due were like, seen from their evening."""
    now = side.installation.clock.now()
    runs, sessions = [], []
    for number, athlete in enumerate(side.due):
        ran_today = number % 10 < 5
        days_ago = (0.2, 2, 4) if ran_today else (2, 4, 6)
        runs += [_run(athlete, ago, now - timedelta(days=days)) for ago, days in enumerate(days_ago)]
        if 5 <= number % 10 < 9:
            at = now - timedelta(days=1)
            sessions.append({"athlete_id": athlete, "completed_at": at, "kind": "strength_full", "source": "page"})
    with side.installation.store.write() as session:
        session.execute(delete(LoggedActivity).where(LoggedActivity.athlete_id.in_(side.due)))
        session.execute(delete(SessionRecord).where(SessionRecord.athlete_id.in_(side.due)))
        session.execute(insert(LoggedActivity), runs)
        session.execute(insert(SessionRecord), sessions)


def _run(athlete: int, number: int, start: datetime) -> dict[str, object]:
    return {
        "athlete_id": athlete,
        "platform_id": filled.FIRST_ACTIVITY * 2 + athlete * 10 + number,
        "sport": "run",
        "start": start,
        "moving_s": 2700,
        "elapsed_s": 2760,
        "distance_m": 8000.0,
        "elevation_gain_m": 40.0,
        "intensity": "easy",
        "manual": False,
        "time_unreliable": False,
        "uploaded_at": start + timedelta(minutes=50),
        "fetched_at": start + timedelta(minutes=50),
        "expires_at": datetime.now(UTC) + _ALIVE,
    }


def _make_due(side: _Side, most: int | None = None) -> None:
    """It is their prompt time, and nothing was said today. ``most``: of so many only."""
    now = side.installation.clock.now()
    with side.installation.store.write() as session:
        session.execute(delete(Delivery))
        session.execute(delete(Suggestion))
        session.execute(delete(DecisionRecord))
        session.execute(
            update(Athlete)
            .where(Athlete.id.in_(side.due[:most]))
            .values(
                timezone=_evening(now),
                next_due_at=now - timedelta(seconds=30),
                last_prompted_on=None,
                history_read_at=now - timedelta(hours=3),
                history_gap_from=None,
            )
        )


def _evening(now: datetime) -> str:
    """A time zone where it is early evening now, whenever this runs. Their names count westwards."""
    east = (_EVENING_HOUR - now.hour + 11) % 24 - 11
    return f"Etc/GMT{-east:+d}" if east else "Etc/GMT"


@contextmanager
def _logged(file: Path) -> Iterator[None]:
    """Lines as a worker writes them, into a file."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    with file.open("w") as stream:
        logs.configure("json", "worker")
        root.handlers[0].setStream(stream)  # type: ignore[attr-defined]
        try:
            yield
        finally:
            root.handlers[:] = before
            root.setLevel(level)


# --- in words -------------------------------------------------------------------------------------------------------


def _plan(side: _Side) -> str:
    with side.installation.store.engine.connect() as connection:
        rows = connection.execute(
            text(
                "EXPLAIN (ANALYZE, BUFFERS) SELECT id FROM athletes WHERE next_due_at <= now() "
                "ORDER BY next_due_at, id LIMIT :batch"
            ),
            {"batch": prompts.BATCH},
        )
        return "\n".join(row[0] for row in rows)


def _figures(few: _Side, many: _Side, sizes: filled.Sizes, plan: str) -> list[Figure]:
    due = len(many.due)
    tick, query = median(many.ticks_s), median(many.queries_s)
    growth = tick / median(few.ticks_s)
    decided = ", ".join(f"{count} x {rule}" for rule, count in many.rules.most_common())
    found_by = "by its index" if "ix_athletes_next_due_at" in plan else "NOT by its index"
    return [
        Figure(
            f"the clock's tick, {due:,} due among {sizes.many:,} athletes (PostgreSQL)",
            f"{median(many.totals_s):.1f} s, {ms(tick / prompts.BATCH)} a runner",
            f"{ms(query)} a tick of {prompts.BATCH}: the bare query",
            f"{tick / query:.0f} x",
            "-",
            met="ix_athletes_next_due_at" in plan,
            remarks=f"found {found_by}; {decided}; {many.mails} mails",
        ),
        Figure(
            f"its growth from {sizes.few:,} to {sizes.many:,} athletes, the same {due:,} due",
            f"{ms(tick)} a tick of {prompts.BATCH}",
            f"{ms(median(few.ticks_s))} among {sizes.few:,}",
            f"{growth:.2f} x",
            f"up to {GROWTH_AT_MOST} x",
            met=growth <= GROWTH_AT_MOST,
            remarks=f"median of {len(many.ticks_s)} ticks each, in turns, all due {len(many.totals_s)} times; "
            f"the bare query's growth {query / median(few.queries_s):.2f} x",
        ),
    ]


if __name__ == "__main__":
    sys.exit(alone.main(measure, __doc__))
