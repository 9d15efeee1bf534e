"""The figures for those who look after it are right, and cost no more when millions of rows are kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, insert, text

from adductor.jobs import backlog
from adductor.store import Store
from adductor.store.models import (
    Athlete,
    Connection,
    DecisionRecord,
    Delivery,
    Heartbeat,
    InboxEvent,
    Letter,
    LoggedActivity,
    Revocation,
    Suggestion,
)
from service.ops import failures

NOW = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
HANDLED = 4000


def _states() -> list[tuple[str, datetime]]:
    """Many that are done, three that are due, two that wait for their time, and one that was given up."""
    due = [("waiting", NOW - timedelta(minutes=minutes)) for minutes in (1, 7)]
    later = [("waiting", NOW + timedelta(minutes=minutes)) for minutes in (5, 60)]
    claimed = [("claimed", NOW - timedelta(seconds=1))]
    done = [("done", NOW - timedelta(hours=1))] * HANDLED
    return [*due, *claimed, *later, ("failed", NOW - timedelta(days=2)), *done]


@pytest.fixture
def full(store: Store) -> Store:
    """A store with a past."""
    numbered = list(enumerate(_states(), start=1))
    athletes = [
        {"id": 1, "next_due_at": NOW - timedelta(minutes=3), "reconcile_at": NOW - timedelta(hours=3)},
        {"id": 2, "next_due_at": None, "reconcile_at": None},
    ]
    account = {"platform": "strava", "connected_at": NOW}
    accounts = [
        {**account, "athlete_id": number, "external_id": str(number), "state": state}
        for number, state in ((1, "connected"), (2, "revoked"))
    ]
    received = {"platform": "strava", "subscription_id": 1, "object_type": "activity", "aspect_type": "create"}
    decided = {"athlete_id": 1, "trigger": "t", "at": NOW, "decision": "post_run", "dose": "full", "rule": "post_run"}
    suggested = {"athlete_id": 1, "local_date": NOW.date(), "placement": "post_run", "dose": "full", "routine": {}}
    letter = {"athlete_id": 1, "kind": "refer", "to": "a@example.org", "created_at": NOW}
    run = {"sport": "run", "start": NOW, "moving_s": 1, "elapsed_s": 1, "distance_m": 1, "elevation_gain_m": 0}
    more = {"intensity": "easy", "manual": False, "time_unreliable": False, "uploaded_at": NOW, "expires_at": NOW}
    tables: dict[Any, list[dict[str, Any]]] = {
        Athlete: athletes,
        Connection: accounts,
        InboxEvent: [{**received, "object_id": n, "event_time": NOW, "owner_id": 7} for n, _ in numbered],
        DecisionRecord: [{**decided, "id": n, "reason": "", "considered": []} for n, _ in numbered],
        Suggestion: [
            {**suggested, "id": n, "public_id": str(n), "decision_id": n, "reason": "", "created_at": NOW}
            for n, _ in numbered
        ],
        Delivery: [{"suggestion_id": n, "channel": "mail", "block": ""} for n, _ in numbered],
        Letter: [{**letter, "key": str(n)} for n, _ in numbered],
        LoggedActivity: [
            {"athlete_id": 1, "platform_id": n, **run, **more, "fetched_at": NOW - timedelta(seconds=n)}
            for n, _ in numbered
        ],
        Revocation: [
            {"platform": "strava", "token_encrypted": b"", "created_at": NOW, "due_at": NOW + timedelta(hours=1)}
        ],
    }
    for table in (InboxEvent, Delivery, Letter):
        for row, (_, (state, due_at)) in zip(tables[table], numbered, strict=True):
            row |= {"state": state, "due_at": due_at, "trace_id": "t"}
    for number, row in enumerate(tables[InboxEvent], start=1):
        row["received_at"] = NOW - timedelta(days=3, seconds=number)
    for row in tables[DecisionRecord]:
        row["trace_id"] = "t"
    with store.write() as session:
        for table, rows in tables.items():
            session.execute(insert(table), rows)
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    return store


def test_what_waits_what_is_for_later_and_what_was_given_up(full: Store) -> None:
    with full.read() as session:
        found = {queue.name: queue for queue in backlog.queues(session, NOW)}

    for name in ("events", "deliveries", "letters"):
        queue = found[name]
        assert (queue.due, queue.later, queue.given_up) == (3, 2, 1), name
        assert queue.age_s(NOW) == 7 * 60
        assert queue.next_due_at == NOW + timedelta(minutes=5)
    assert (found["prompts"].due, found["prompts"].age_s(NOW)) == (1, 180)
    assert (found["reconciliations"].due, found["revocations"].later) == (1, 1)


def test_what_is_due_for_long_is_late_unless_it_is_in_no_hurry() -> None:
    since = NOW - timedelta(minutes=16)

    assert backlog.Queue("events", 1, 0, 0, since, None).is_late(NOW)
    assert not backlog.Queue("reconciliations", 1, 0, 0, since, None).is_late(NOW)
    assert not backlog.Queue("events", 1, 0, 0, NOW - timedelta(minutes=14), None).is_late(NOW)


def test_an_empty_installation_has_nothing_waiting(store: Store) -> None:
    with store.read() as session:
        found = backlog.queues(session, NOW)
        oldest = backlog.oldest_strava_data(session)

    assert {(queue.due, queue.later, queue.given_up, queue.age_s(NOW)) for queue in found} == {(0, 0, 0, 0.0)}
    assert {row.at for row in oldest} == {None}


def test_the_oldest_rows_with_stravas_data_are_known(full: Store) -> None:
    with full.read() as session:
        found = {row.table: row.at for row in backlog.oldest_strava_data(session)}

    last = len(_states())
    assert found == {
        "activities": NOW - timedelta(seconds=last),
        "inbox_events": NOW - timedelta(days=3, seconds=last),
    }


def test_a_worker_that_has_just_started_counts_as_seen(store: Store) -> None:
    with store.write() as session:
        session.add(Heartbeat(part="clock", at=NOW - timedelta(hours=1)))
        session.add(Heartbeat(part="worker", at=NOW))

    with store.read() as session:
        assert backlog.heartbeats(session) == {"worker": NOW}


@contextmanager
def _statements(store: Store) -> Iterator[list[tuple[str, Any]]]:
    """What is asked of the database meanwhile."""
    asked: list[tuple[str, Any]] = []

    def remember(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        asked.append((statement, parameters))

    event.listen(store.engine, "before_cursor_execute", remember)
    yield asked
    event.remove(store.engine, "before_cursor_execute", remember)


def _plan(store: Store, statement: str, parameters: Any) -> list[str]:
    with store.engine.connect() as connection:
        explain = "EXPLAIN QUERY PLAN" if store.is_sqlite else "EXPLAIN"
        rows = connection.exec_driver_sql(f"{explain} {statement}", parameters).all()
    return [str(row[-1]).strip() for row in rows]


def _reads_everything(step: str) -> bool:
    """Whether this step of a plan goes through a whole table, or a whole index that grows with the years."""
    if step.startswith("SCAN "):
        return not (
            "_waiting" in step
            or "_given_up" in step
            or "athletes" in step
            or "ix_connections_state" in step
            or "heartbeats" in step
            or "ix_revocations" in step
            or "ix_inbox_events_received" in step  # in its order, to the first row that counts
        )
    return any(f"Seq Scan on {table}" in step for table in ("inbox_events", "deliveries", "letters", "activities"))


def test_no_figure_reads_a_table_from_end_to_end(full: Store) -> None:
    with _statements(full) as asked, full.read() as session:
        backlog.queues(session, NOW)
        backlog.oldest_strava_data(session)
        backlog.connections_by_state(session)
        backlog.heartbeats(session)
        backlog.subscription(session)
        assert len(failures.given_up(session)) == 3
        assert failures.waiting_after_failure(session) == []

    plans = {statement: _plan(full, statement, parameters) for statement, parameters in asked if "SELECT" in statement}
    assert len(plans) >= 20
    bad = {statement: plan for statement, plan in plans.items() if any(_reads_everything(step) for step in plan)}
    assert not bad, bad
