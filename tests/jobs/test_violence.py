"""Killed at any step, the note comes, once. A row of a killed worker returns when its lease of 30 s has run out."""

from __future__ import annotations

import shutil

import pytest

from adductor.notes import block
from tests.support.live import Live

pytestmark = pytest.mark.processes

# Where a worker can be when it dies: each step is held open by a slow answer while the signal comes.
STEPS = {
    "token": {"endpoint": "oauth.token", "delay_ms": 4000, "times": 1},
    "read": {"endpoint": "activities.get", "delay_ms": 4000, "times": 1},
    "write": {"endpoint": "activities.update", "delay_ms": 4000, "times": 1},
    "answer": {"endpoint": "activities.update", "when": "after", "delay_ms": 4000, "times": 1},
}
LEASE_AND_MORE_S = 75.0


def _happened(live: Live, numbers: list[int]) -> bool:
    """Whether each of these calls has reached the sandbox, which holds it."""
    return all(fault["happened"] for fault in live.admin("GET", "faults") if fault["id"] in numbers)


def test_worker_killed_at_each_step_leaves_one_note_in_each_run(own_live: Live) -> None:
    """The runs stand side by side, so that one kill finds a worker thread at each step."""
    live = own_live
    # An old refresh token that still works after a lost answer: Strava rotates only sometimes.
    live.admin("POST", "switches", {"tokens": {"rotate": "never"}})
    runners = {step: live.runner() for step in STEPS}
    live.admin("POST", f"runners/{runners['token'].strava_id}/expire-tokens")
    faults = [
        live.fault(**fault, **({} if step == "token" else {"runner_id": runners[step].strava_id}))
        for step, fault in STEPS.items()
    ]
    runs = [live.record(runner, private_note="Mine.") for runner in runners.values()]
    live.until(lambda: _happened(live, faults))
    live.kill("worker")

    def all_written() -> bool:
        return all(block.SIGNATURE in (live.truth(run)["private_note"] or "") for run in runs)

    live.until(all_written, within_s=LEASE_AND_MORE_S)
    for run in runs:
        live.until(lambda run=run: [row.state for row in live.deliveries(run)] == ["done"], within_s=LEASE_AND_MORE_S)  # type: ignore[misc]
        text = live.truth(run)["private_note"]
        assert text.startswith("Mine.\n\n")
        assert text.count(block.SIGNATURE) == 1
        assert len(live.written(run)) == 1


def test_broker_killed_with_its_data_wiped_loses_no_note(own_live: Live) -> None:
    live = own_live
    live.stop("worker")  # so that the wake-ups are still in the broker when it dies
    runs = [live.record(live.runner()) for _ in range(5)]
    for run in runs:
        live.until(lambda run=run: bool(live.events(run)))  # type: ignore[misc]
    live.kill("broker")
    folder = live.here.settings.data_dir / "broker"
    shutil.rmtree(folder / "appendonlydir")
    runner = live.runner()
    late = live.record(runner, silent=True)
    answer = live.event(object_id=late, owner_id=runner.strava_id)
    live.resume("worker")

    assert answer.status_code == 200, "events are taken without a broker"
    live.until(lambda: all(live.written(run) for run in (*runs, late)), within_s=LEASE_AND_MORE_S)
    assert [len(live.written(run)) for run in (*runs, late)] == [1] * 6


def test_everything_killed_at_once_comes_back_and_finishes(own_live: Live) -> None:
    live = own_live
    live.stop("worker")
    runs = [live.record(live.runner()) for _ in range(3)]
    for run in runs:
        live.until(lambda run=run: bool(live.events(run)))  # type: ignore[misc]
    for part in [part.name for part in live.here.supervisor.parts if part.name != "sandbox"]:
        live.kill(part)

    live.until(lambda: all(live.written(run) for run in runs), within_s=LEASE_AND_MORE_S)

    assert [len(live.written(run)) for run in runs] == [1] * 3


def test_event_that_cant_be_stored_is_sent_again_by_strava(own_live: Live) -> None:
    live = own_live
    runner = live.runner()
    with live.store.write() as session:
        session.connection().exec_driver_sql("ALTER TABLE inbox_events RENAME TO away")
    run = live.record(runner)
    live.until(lambda: _statuses(live, run))
    with live.store.write() as session:
        session.connection().exec_driver_sql("ALTER TABLE away RENAME TO inbox_events")

    live.note_comes(run)

    statuses = _statuses(live, run)
    assert (statuses[0], statuses[-1]) == (503, 200)


def _statuses(live: Live, run: int) -> list[int]:
    """Our answers to this run's event."""
    deliveries = live.admin("GET", "deliveries", object_id=run)["deliveries"]
    return [attempt["status"] for delivery in deliveries for attempt in delivery["attempts"]]
