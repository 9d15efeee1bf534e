"""Events that Strava sent and nobody got, over the real web, worker, clock and sandbox."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from adductor.jobs import outages
from adductor.platforms.base import Priority
from adductor.platforms.budget import SHARES
from adductor.store.models import Athlete, Heartbeat, LoggedActivity, Outage
from tests.support.live import Live, Runner, installation

pytestmark = pytest.mark.processes


def _with_a_true_past(live: Live, **athlete: object) -> Runner:
    """A runner whose earlier run stands in the sandbox too: what is missing there counts as deleted."""
    now = live.here.installation.clock.now()
    runner = live.runner(**athlete)
    run = live.record(runner, silent=True, start=(now - timedelta(days=3)).isoformat())
    with live.store.write() as session:
        session.scalars(select(LoggedActivity).where(LoggedActivity.athlete_id == runner.id)).one().platform_id = run
    return runner


def _silent(live: Live, runner: Runner, days: float) -> None:
    now = live.here.installation.clock.now()
    with live.store.write() as session:
        athlete = session.get_one(Athlete, runner.id)
        athlete.connection.connected_at = now - timedelta(days=60)
        athlete.confirmed_at = now - timedelta(days=60)
        athlete.last_event_at = now - timedelta(days=days)
        athlete.reconcile_at = now


def test_a_run_whose_event_was_lost_gets_its_note_and_a_late_event_changes_nothing(live: Live) -> None:
    runner = _with_a_true_past(live)
    live.admin("POST", "switches", {"delivery": {"drop_share": 1.0}})
    try:
        run = live.record(runner, private_note="Mine.")
    finally:
        live.admin("POST", "switches", {"delivery": {"drop_share": 0.0}})
    assert live.events(run) == []

    _silent(live, runner, 6)
    text = live.note_comes(run)
    live.admin("POST", f"activities/{run}/announce")
    live.until(lambda: len(live.events(run)) == 2)
    live.settles(run)

    assert text.startswith("Mine.\n\nAdductor routine")
    assert len(live.written(run)) == 1
    assert sorted(event.origin for event in live.events(run)) == ["reconcile", "webhook"]
    assert [call["endpoint"] for call in live.calls(activity=run)] == ["activities.get", "activities.update"]


def test_after_hours_without_the_web_every_log_is_looked_at(own_live: Live) -> None:
    """The web's last sign of life is put two hours back, as if the machine had slept so long."""
    live = own_live
    live.until(lambda: _last_beat(live))
    runners = [_with_a_true_past(live) for _ in range(3)]
    live.admin("POST", "switches", {"delivery": {"drop_share": 1.0}})
    now = live.here.installation.clock.now()
    with live.store.write() as session:
        for runner in runners:
            athlete = session.get_one(Athlete, runner.id)
            athlete.connection.connected_at = athlete.confirmed_at = now - timedelta(days=60)
            athlete.last_event_at = now  # heard of just now: only the outage is a reason to look
            athlete.reconcile_at = now + timedelta(days=3)
    runs = [live.record(runner, private_note="Mine.") for runner in runners]
    live.kill("web")
    with live.store.write() as session:
        session.get_one(Heartbeat, outages.WEB).at -= timedelta(hours=2)

    for run in runs:
        live.note_comes(run)

    assert [len(live.written(run)) for run in runs] == [1] * 3
    with live.store.read() as session:
        (outage,) = session.scalars(select(Outage))
        assert outage.ended_at - outage.began_at > timedelta(hours=2)
    live.until(lambda: _done(live))


def test_looking_for_missed_events_keeps_to_its_share_of_the_budget(tmp_path: Path) -> None:
    """Twenty reads a quarter of an hour, of which half may go to this: whoever comes later waits for the next one."""
    with installation(tmp_path, speed=60) as live:
        live.admin("POST", "tier", {"overall": [20, 100_000], "read": [20, 100_000]})
        runners = [_with_a_true_past(live) for _ in range(16)]
        for runner in runners:
            _silent(live, runner, 6)
        looked = [Athlete.reconciled_at.is_not(None)]

        def all_looked_at() -> bool:
            with live.store.read() as session:
                return len(session.scalars(select(Athlete.id).where(*looked)).all()) == len(runners)

        live.until(all_looked_at, within_s=120)

        per_quarter: dict[int, int] = {}
        for call in live.calls("activities.list"):
            quarter = int(call["at"] // 900)
            per_quarter[quarter] = per_quarter.get(quarter, 0) + 1
        most = 20 * SHARES[Priority.HISTORY].quarter_pct // 100
        assert len(per_quarter) >= 2
        assert max(per_quarter.values()) <= most
        assert live.admin("GET", "calls")["limits"]["over_limit"] == 0


def _last_beat(live: Live) -> bool:
    with live.store.read() as session:
        return session.get(Heartbeat, outages.WEB) is not None


def _done(live: Live) -> bool:
    with live.store.read() as session:
        return all(outage.done_at is not None for outage in session.scalars(select(Outage)))
