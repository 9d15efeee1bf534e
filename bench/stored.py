"""What a webhook costs when ten million are stored: `python -m bench.stored [--quick]`.

Two web parts as `adductor web` starts them, on one PostgreSQL and one broker: behind one an empty database, behind the other
ten million events and a million athletes (bench/filled.py). Both get the same events at the same moments, in short turns;
half of them are edits of activities all over the stored ones, so the keys that are looked up lie everywhere.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from sqlalchemy import event

from adductor.jobs import inbox
from adductor.platforms.base import WebhookEvent
from adductor.settings import load
from adductor.store import Store
from bench import alone, filled
from bench.figures import Figure, Part, ms
from bench.load import Answers, Load, Rounds, Sender, sender
from service.supervisor import Supervisor, free_port, python, start_broker

RATE = 100.0  # events a second
AT_MOST = 1.2  # times the empty database's
_WARM_S = 1.5
_UP_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True)
class _Web:
    """One web part and its database."""

    address: str
    path: str
    database: str


def measure(quick: bool = False, server: filled.Filled | None = None) -> Part:
    """p50 and p99 at 100 events a second, with the full database beside the empty one.

    ``server``: one that is filled already; by default one of our own.
    """
    rounds, round_s = (3, 1.0) if quick else (9, 2.0)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="adductor-bench-")))
        if server is None:
            server = stack.enter_context(filled.databases(folder, filled.QUICK if quick else filled.THOROUGH))
        empty, full = stack.enter_context(_webs(folder, (server.empty, server.full)))
        sending = stack.enter_context(sender())
        for web in (empty, full):
            _send(sending, web, server.sizes, 0, _WARM_S)
        rounds_of = {empty: Rounds(), full: Rounds()}
        for number in range(1, rounds + 1):
            # The first of a round finds the disk as the round before left it, so they take turns in that too.
            for web in (empty, full) if number % 2 else (full, empty):
                rounds_of[web].each.append(_send(sending, web, server.sizes, number, round_s))
        plans = {name: _plan(web.database, server.sizes) for name, web in (("empty", empty), ("full", full))}
    return Part(
        _figures(rounds_of[full], rounds_of[empty], server.sizes),
        {
            f"PostgreSQL: the insert of one event, empty and with {server.sizes.events:,} stored": "\n\n".join(
                f"{name}:\n```\n{plan}\n```" for name, plan in plans.items()
            )
        },
    )


def _send(sending: Sender, web: _Web, sizes: filled.Sizes, number: int, seconds: float) -> Answers:
    return sending.send(
        Load(
            address=web.address,
            path=web.path,
            rate=RATE,
            seconds=seconds,
            seed=number,
            subscription_id=filled.SUBSCRIPTION,
            first_activity=filled.FIRST_ACTIVITY + sizes.events + number * 100_000,
            owners=(filled.FIRST_RUNNER + 1, filled.FIRST_RUNNER + sizes.many),
            edits_among=(filled.FIRST_ACTIVITY, filled.FIRST_ACTIVITY + sizes.events // 2),
        )
    )


@contextmanager
def _webs(folder: Path, databases: tuple[str, ...]) -> Iterator[list[_Web]]:
    """A web part for each database, with settings as they come; a broker for all."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ADDUCTOR_", "STRAVA_"))}
    with (folder / "web.log").open("wb") as log:
        supervisor = Supervisor(output=log)
        try:
            broker = start_broker(supervisor, folder, environment)
            webs = []
            for number, database in enumerate(databases):
                address = f"127.0.0.1:{free_port()}"
                values = {
                    "ADDUCTOR_DATA_DIR": str(folder / f"web-{number}"),
                    "ADDUCTOR_BIND": address,
                    "ADDUCTOR_DATABASE_URL": database,
                    "ADDUCTOR_REDIS_URL": broker,
                }
                settings = load(_env_file=None, **values)
                webs.append(_Web(address, urlsplit(settings.webhook_url).path, database))
                supervisor.start(f"web-{number}", python("-m", "service.cli", "web"), {**environment, **values})
            for web in webs:
                supervisor.wait_until(_answers(web), "a web part", within_s=_UP_WITHIN_S)
            yield webs
        finally:
            supervisor.end()


def _answers(web: _Web) -> Any:
    def look() -> bool:
        try:
            return requests.get(f"http://{web.address}/readyz", timeout=5).ok
        except requests.RequestException:
            return False

    return look


def _plan(database: str, sizes: filled.Sizes) -> str:
    """How PostgreSQL stores one event, in its own words: the very statement of the inbox, rolled back."""
    store, statements = Store(database), list[tuple[str, Any]]()

    def caught(_: Any, __: Any, statement: str, values: Any, *___: Any) -> None:
        statements.append((statement, values))

    now = datetime.now(UTC)
    came = WebhookEvent("strava", filled.SUBSCRIPTION, "activity", 0, "update", now, filled.FIRST_RUNNER + 1, {})
    lines: list[str] = []
    try:
        # Of those in the middle; the first is only to have its pages at hand, as a server at work has.
        for part in (3, 2):
            with store.engine.connect() as connection:
                event.listen(connection, "before_cursor_execute", caught)
                activity = filled.FIRST_ACTIVITY + sizes.events // 2 // part
                inbox.put(connection, [replace(came, object_id=activity)], now)
                event.remove(connection, "before_cursor_execute", caught)
                connection.rollback()
                statement, values = statements[-1]
                said = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, BUFFERS) {statement}", values)
                lines = [row[0] for row in said]
                connection.rollback()
    finally:
        store.close()
    return "\n".join(lines)


def _figures(full: Rounds, empty: Rounds, sizes: filled.Sizes) -> list[Figure]:
    what = f"webhook accepted with {sizes.events:,} stored events and {sizes.many:,} athletes (PostgreSQL)"
    all_full, all_empty = full.together, empty.together
    together = (
        f"median of {len(full.each)} rounds' p99; of all rounds together {ms(all_full.p99)} beside {ms(all_empty.p99)}"
    )
    sent = f"{all_full.sent} events each at {RATE:.0f}/s, in turns, every commit synced"
    return [
        _figure(f"{what}, p50", all_full.p50, all_empty.p50, all_full, sent),
        _figure(f"{what}, p99", full.usual_p99, empty.usual_p99, all_full, together),
    ]


def _figure(what: str, ours: float, floor: float, answers: Answers, remarks: str) -> Figure:
    times = ours / floor
    return Figure(
        what,
        ms(ours),
        f"{ms(floor)} (empty)",
        f"{times:.2f} x",
        f"up to {AT_MOST} x",
        met=times <= AT_MOST and answers.all_stored,
        remarks=remarks,
    )


if __name__ == "__main__":
    sys.exit(alone.main(measure, __doc__))
