"""Killed at any step, the note comes, once."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest

from adductor.athletes import tokens
from adductor.installation import Installation
from adductor.notes import block
from adductor.platforms.base import ErrorKind, PlatformError
from tests.support.live import Live, Runner

pytestmark = pytest.mark.processes

# Where a worker can be when it dies: each step is held open by a slow answer while the signal comes.
STEPS = {
    "while the token is renewed": {"endpoint": "oauth.token", "delay_ms": 1500, "times": 1},
    "while the activity is read": {"endpoint": "activities.get", "delay_ms": 1500, "times": 1},
    "before the write arrives": {"endpoint": "activities.update", "delay_ms": 1500, "times": 1},
    "after the write, before its answer": {
        "endpoint": "activities.update",
        "when": "after",
        "delay_ms": 1500,
        "times": 1,
    },
}


def _is_inside(live: Live, number: int) -> bool:
    """Whether the call has reached the sandbox, which holds it."""
    return any(fault["id"] == number and fault["happened"] for fault in live.admin("GET", "faults"))


@pytest.mark.parametrize("step", STEPS)
def test_a_worker_killed_at_any_step_leaves_one_note(live: Live, step: str) -> None:
    fault = STEPS[step]
    runner = live.runner()
    if fault["endpoint"] == "oauth.token":
        live.admin("POST", f"runners/{runner.strava_id}/expire-tokens")
        # An old refresh token that still works after a lost answer: Strava rotates only sometimes.
        live.admin("POST", "switches", {"tokens": {"rotate": "never"}})
    number = live.fault(**fault)
    try:
        run = live.record(runner, private_note="Mine.")
        live.until(lambda: _is_inside(live, number))
        live.kill("worker")
        text = live.note_comes(run)
    finally:
        live.admin("DELETE", f"faults/{number}")
        live.admin("POST", "switches", {"tokens": {"rotate": "when_renewed"}})

    assert text.startswith("Mine.\n\n")
    assert text.count(block.SIGNATURE) == 1
    assert len(live.written(run)) == 1


def test_a_broker_killed_with_its_data_wiped_loses_no_note(own_live: Live) -> None:
    live = own_live
    live.stop("worker")  # so that the wake-ups are still in the broker when it dies
    runs = [live.record(live.runner()) for _ in range(5)]
    for run in runs:
        live.until(lambda run=run: bool(live.events(run)))  # type: ignore[misc]
    live.kill("broker")
    folder = live.here.settings.data_dir / "broker"
    shutil.rmtree(folder / "appendonlydir")
    live.resume("worker")

    for run in runs:
        live.note_comes(run)

    assert [len(live.written(run)) for run in runs] == [1] * 5


def test_events_are_taken_while_the_broker_is_down(own_live: Live) -> None:
    live = own_live
    runner = live.runner()
    run = live.record(runner, silent=True)
    live.kill("broker")

    answer = live.event(object_id=run, owner_id=runner.strava_id)

    assert answer.status_code == 200
    live.note_comes(run)


def test_everything_killed_at_once_comes_back_and_finishes(own_live: Live) -> None:
    live = own_live
    live.stop("worker")
    runs = [live.record(live.runner()) for _ in range(3)]
    for run in runs:
        live.until(lambda run=run: bool(live.events(run)))  # type: ignore[misc]
    for part in ("worker", "web", "broker"):
        live.kill(part)

    for run in runs:
        live.note_comes(run)

    assert [len(live.written(run)) for run in runs] == [1] * 3


def test_an_event_that_cant_be_stored_is_sent_again_by_strava(own_live: Live) -> None:
    live = own_live
    runner = live.runner()
    with live.store.write() as session:
        session.connection().exec_driver_sql("ALTER TABLE inbox_events RENAME TO away")
    run = live.record(runner)
    live.until(lambda: _attempts(live, run) >= 1)
    with live.store.write() as session:
        session.connection().exec_driver_sql("ALTER TABLE away RENAME TO inbox_events")

    live.note_comes(run)

    statuses = [attempt["status"] for attempt in _deliveries(live, run)[0]["attempts"]]
    assert statuses[0] == 503
    assert statuses[-1] == 200


def _deliveries(live: Live, run: int) -> list[dict[str, object]]:
    found: list[dict[str, object]] = live.admin("GET", "deliveries", object_id=run)["deliveries"]
    return found


def _attempts(live: Live, run: int) -> int:
    deliveries = _deliveries(live, run)
    return len(deliveries[0]["attempts"]) if deliveries else 0  # type: ignore[arg-type]


def test_two_workers_that_need_the_same_token_renew_it_once(live: Live) -> None:
    runner = live.runner()
    live.admin("POST", f"runners/{runner.strava_id}/expire-tokens")
    with live.store.write() as session:
        session.connection().exec_driver_sql(
            f"UPDATE tokens SET expires_at = '2000-01-01 00:00:00.000000' WHERE athlete_id = {runner.id}"
        )
    live.admin("POST", "switches", {"tokens": {"rotate": "always"}})
    number = live.fault(endpoint="oauth.token", delay_ms=300, times=1)
    before = len(live.calls("oauth.token"))
    try:
        with ThreadPoolExecutor(8) as pool:
            given = list(pool.map(lambda _: _token_of_its_own(live, runner), range(8)))
    finally:
        live.admin("DELETE", f"faults/{number}")
        live.admin("POST", "switches", {"tokens": {"rotate": "when_renewed"}})

    assert len(set(given)) == 1
    assert len(live.calls("oauth.token")) == before + 1
    live.note_comes(live.record(runner))


def _token_of_its_own(live: Live, runner: Runner) -> str:
    """As a worker of its own asks: with its own connections and its own name as a holder."""
    worker = Installation(live.here.installation.settings)
    try:
        while True:
            try:
                return tokens.access_token(worker, runner.id)
            except PlatformError as error:
                # On a busy machine it takes longer than a worker waits for it: the work is given back, and taken up again.
                if error.kind is not ErrorKind.RETRY:
                    raise
    finally:
        worker.close()
