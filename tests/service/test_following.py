"""One id follows an event from the webhook to the note, through every part's log."""

from __future__ import annotations

import re

import pytest

from tests.support.live import Live, adductor

pytestmark = pytest.mark.processes


def _lines(live: Live, trace: str) -> list[str]:
    text = re.sub(r"\x1b\[[0-9;]*m", "", live.log.read_text(errors="replace"))
    return [line for line in text.splitlines() if f"trace={trace}" in line]


def _said(lines: list[str], what: str, part: str) -> bool:
    return any(what in line and f"part={part}" in line for line in lines)


def test_the_log_of_every_part_names_an_event_by_the_same_trace(live: Live) -> None:
    runner = live.runner()
    run = live.record(runner)
    live.note_comes(run)
    (event,), (delivery,), (decision,) = live.events(run), live.deliveries(run), live.decisions(run)

    assert event.trace_id == delivery.trace_id == decision.trace_id
    live.until(lambda: _said(_lines(live, event.trace_id), "event stored", "web"))  # said when nobody waits for it
    lines = _lines(live, event.trace_id)
    assert _said(lines, "routine due", "worker")
    assert _said(lines, "event handled", "worker")
    assert _said(lines, "delivery ended", "worker")
    assert all(f"event_id={event.id}" in line for line in lines if "event stored" in line or "event handled" in line)


def test_why_says_the_trace_to_look_for(live: Live) -> None:
    runner = live.runner()
    run = live.record(runner)
    live.note_comes(run)
    (decision,) = live.decisions(run)

    said = adductor("why", str(runner.id), **live.here.environment)

    assert said.returncode == 0
    assert f"trace {decision.trace_id}" in said.stdout


def test_an_event_that_has_to_wait_says_so_under_its_trace(live: Live) -> None:
    runner = live.runner()
    live.fault(endpoint="activities.get", status=503, times=1, runner_id=runner.strava_id)
    run = live.record(runner)
    live.note_comes(run)
    (event,) = live.events(run)

    lines = _lines(live, event.trace_id)

    assert _said(lines, "retry scheduled", "worker")
    assert _said(lines, "delivery ended", "worker")


def test_no_line_holds_a_title_a_note_or_a_key(live: Live) -> None:
    run = live.record(live.runner(), title="Sunrise over the made-up quarry", private_note="my left hip again")
    live.note_comes(run)

    text = live.log.read_text(errors="replace")

    assert "made-up quarry" not in text
    assert "left hip" not in text
    assert live.here.installation.settings.webhook_key not in text
