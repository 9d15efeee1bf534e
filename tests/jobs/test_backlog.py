"""The figures for those who look after it are right, and cost no more when millions of rows are kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, insert, inspect, text

from adductor.jobs import backlog, retention
from adductor.store import Store
from adductor.store.models import DecisionRecord, Delivery, Heartbeat, InboxEvent, Letter, Revocation, Suggestion
from service.ops import failures
from tests.support.athletes import new_athlete, run_of

NOW = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)


# Three that are due, two that wait for their time, one that was given up, and many that are done.
STATES = [
    ("waiting", NOW - timedelta(minutes=1)),
    ("waiting", NOW - timedelta(minutes=7)),
    ("claimed", NOW - timedelta(seconds=1)),
    ("waiting", NOW + timedelta(minutes=5)),
    ("waiting", NOW + timedelta(minutes=60)),
    ("failed", NOW - timedelta(days=2)),
    *[("done", NOW - timedelta(hours=1))] * 4000,
]


@pytest.fixture
def full(store: Store) -> Store:
    """A store with a past."""
    queued = [{"state": state, "due_at": due_at, "trace_id": "t"} for state, due_at in STATES]
    numbered = list(enumerate(queued, start=1))
    of_1, trace = {"athlete_id": 1, "dose": "full", "reason": ""}, {"trace_id": "t"}
    event = {"platform": "strava", "subscription_id": 1, "object_type": "activity", "aspect_type": "create"}
    decision = {**of_1, **trace, "trigger": "t", "at": NOW, "decision": "post_run", "rule": "r", "considered": []}
    suggestion = {**of_1, "local_date": NOW.date(), "placement": "post_run", "routine": {}, "created_at": NOW}
    letter = {"athlete_id": 1, "kind": "refer", "to": "a@example.org", "created_at": NOW}
    revocation = {"platform": "strava", "token_encrypted": b"", "created_at": NOW}
    rows: dict[Any, list[dict[str, Any]]] = {
        InboxEvent: [
            {**event, **row, "object_id": n, "event_time": NOW, "owner_id": 7, "received_at": _ago(n, days=3)}
            for n, row in numbered
        ],
        DecisionRecord: [{**decision, "id": n} for n, _ in numbered],
        Suggestion: [{**suggestion, "id": n, "public_id": str(n), "decision_id": n} for n, _ in numbered],
        Delivery: [{**row, "suggestion_id": n, "channel": "mail", "block": ""} for n, row in numbered],
        Letter: [{**letter, **row, "key": str(n)} for n, row in numbered],
        Revocation: [{**revocation, "due_at": NOW + timedelta(hours=1)}],
    }
    due = {"next_due_at": NOW - timedelta(minutes=3), "reconcile_at": NOW - timedelta(hours=3)}
    with store.write() as session:
        session.add(new_athlete(external_id=1, id=1, connected_at=NOW, **due))
        session.add(new_athlete(external_id=2, id=2, connected_at=NOW, state="revoked"))
        session.flush()
        session.add_all(run_of(1, f"strava:{n}", NOW, fetched_at=_ago(n)) for n, _ in numbered)
        for table, values in rows.items():
            session.execute(insert(table), values)
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    return store


def _ago(number: int, *, days: int = 0) -> datetime:
    return NOW - timedelta(days=days, seconds=number)


def test_figures_are_right_and_read_no_table_from_end_to_end(full: Store) -> None:
    with _statements(full) as asked, full.read() as session:
        queues = {queue.name: queue for queue in backlog.queues(session, NOW)}
        oldest = retention.oldest(session)
        assert backlog.connections_by_state(session) == {"connected": 1, "revoked": 1}
        backlog.heartbeats(session)
        assert len(failures.failed(session)) == 3

    for name in ("events", "deliveries", "letters"):
        queue = queues[name]
        assert (queue.due, queue.later, queue.given_up) == (3, 2, 1), name
        assert queue.age_s(NOW) == 7 * 60
        assert queue.next_due_at == NOW + timedelta(minutes=5)
    assert (queues["prompts"].due, queues["prompts"].age_s(NOW)) == (1, 180)
    assert (queues["reconciliations"].due, queues["revocations"].later) == (1, 1)
    assert oldest == {"activities": _ago(len(STATES)), "inbox_events": _ago(len(STATES), days=3)}
    plans = {statement: _plan(full, statement, parameters) for statement, parameters in asked if "SELECT" in statement}
    assert len(plans) >= 20
    bad = {statement: plan for statement, plan in plans.items() if any(_reads_everything(step) for step in plan)}
    assert not bad, bad


@pytest.mark.parametrize(
    ("name", "minutes", "late"), [("events", 16, True), ("events", 14, False), ("reconciliations", 16, False)]
)
def test_queue_due_for_long_is_late_unless_it_is_in_no_hurry(name: str, minutes: int, *, late: bool) -> None:
    assert backlog.Queue(name, 1, 0, 0, NOW - timedelta(minutes=minutes), None).is_late(NOW) is late


def test_athletes_that_are_due_are_found_by_an_index(store: Store) -> None:
    indexed = {index["column_names"][0] for index in inspect(store.engine).get_indexes("athletes")}
    assert indexed >= {"next_due_at", "reconcile_at"}


def test_new_installation_has_nothing_waiting_and_a_worker_that_has_just_started_counts_as_seen(store: Store) -> None:
    with store.write() as session:
        session.add(Heartbeat(part="clock", at=NOW - timedelta(hours=1)))
        session.add(Heartbeat(part="worker", at=NOW))

    with store.read() as session:
        found = {(each.due, each.later, each.given_up, each.age_s(NOW)) for each in backlog.queues(session, NOW)}
        assert (found, set(retention.oldest(session).values())) == ({(0, 0, 0, 0.0)}, {None})
        assert backlog.heartbeats(session) == {"worker": NOW}


@contextmanager
def _statements(store: Store) -> Iterator[list[tuple[str, Any]]]:
    """The statements that the database gets meanwhile, with their parameters."""
    asked: list[tuple[str, Any]] = []

    def remember(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        asked.append((statement, parameters))

    event.listen(store.engine, "before_cursor_execute", remember)
    yield asked
    event.remove(store.engine, "before_cursor_execute", remember)


def _plan(store: Store, statement: str, parameters: Any) -> list[str]:
    explain = "EXPLAIN QUERY PLAN" if store.is_sqlite else "EXPLAIN"
    with store.engine.connect() as connection:
        return [str(row[-1]) for row in connection.exec_driver_sql(f"{explain} {statement}", parameters)]


# Indexes that grow with the backlog, tables that stay small, and an index that is read in its order to the first that counts.
_SMALL = (
    *("_waiting", "_given_up", "athletes", "ix_connections_state", "heartbeats", "ix_revocations", "events_received"),
)


def _reads_everything(step: str) -> bool:
    """Whether this step of a plan goes through a whole table, or a whole index that grows with the years."""
    if step.startswith("SCAN "):
        return not any(name in step for name in _SMALL)
    return any(f"Seq Scan on {table}" in step for table in ("inbox_events", "deliveries", "letters", "activities"))
