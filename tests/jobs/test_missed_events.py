"""Events that were lost on their way, over the real web, worker, clock and sandbox."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from adductor.jobs import outages
from adductor.store.models import Athlete, Heartbeat, LoggedActivity, Outage
from tests.support.live import Live, Runner

pytestmark = pytest.mark.processes


def _with_a_true_past(live: Live, **athlete: object) -> Runner:
    """A runner whose earlier run stands in the sandbox too: what is missing there counts as deleted."""
    now = live.here.installation.clock.now()
    runner = live.runner(**athlete)
    run = live.record(runner, silent=True, start=(now - timedelta(days=3)).isoformat())
    with live.store.write() as session:
        session.scalars(select(LoggedActivity).where(LoggedActivity.athlete_id == runner.id)).one().platform_id = run
    return runner


def test_after_hours_without_the_web_every_log_is_looked_at_and_a_late_event_changes_nothing(own_live: Live) -> None:
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
    live.admin("POST", "switches", {"delivery": {"drop_share": 0.0}})
    live.kill("web")
    with live.store.write() as session:
        session.get_one(Heartbeat, outages.WEB).at -= timedelta(hours=2)

    for run in runs:
        assert live.note_comes(run).startswith("Mine.\n\nAdductor routine")
    with live.store.read() as session:
        (outage,) = session.scalars(select(Outage))
        assert outage.ended_at - outage.began_at > timedelta(hours=2)
    live.until(lambda: _done(live))
    assert [call["endpoint"] for call in live.calls(activity=runs[0])] == ["activities.get", "activities.update"]
    live.admin("POST", f"activities/{runs[0]}/announce")
    live.until(lambda: len(live.events(runs[0])) == 2)
    live.settles(runs[0])

    assert sorted(event.origin for event in live.events(runs[0])) == ["reconcile", "webhook"]
    assert [len(live.written(run)) for run in runs] == [1] * 3


def _last_beat(live: Live) -> bool:
    with live.store.read() as session:
        return session.get(Heartbeat, outages.WEB) is not None


def _done(live: Live) -> bool:
    with live.store.read() as session:
        return all(outage.done_at is not None for outage in session.scalars(select(Outage)))
