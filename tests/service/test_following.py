"""One trace id follows an event from the webhook to the note, through every part's log."""

from __future__ import annotations

import pytest

from tests.support import commands
from tests.support.live import Live

pytestmark = pytest.mark.processes


def _lines(live: Live, trace: str) -> list[str]:
    return [line for line in live.log.read_text(errors="replace").splitlines() if f"trace {trace}" in line]


def _said(lines: list[str], event: str, part: str) -> bool:
    return any(event in line and f" {part}: " in line for line in lines)


def test_trace_of_an_event_stands_in_every_log_line_and_row_and_no_word_of_the_runner(live: Live) -> None:
    runner = live.runner()
    live.fault(endpoint="activities.get", status=503, times=1, runner_id=runner.strava_id)
    run = live.record(runner, title="Sunrise over the made-up quarry", private_note="my left hip again")
    live.note_comes(run)
    (event,), (delivery,), (decision,) = live.events(run), live.deliveries(run), live.decisions(run)

    assert event.trace_id == delivery.trace_id == decision.trace_id
    live.until(lambda: _said(_lines(live, event.trace_id), "event stored", "web"))  # logged after the answer
    lines = _lines(live, event.trace_id)
    for logged in ("retry scheduled", "routine due", "event handled", "delivery ended"):
        assert _said(lines, logged, "worker"), logged
    assert all(f"event_id {event.id}" in line for line in lines if "event stored" in line or "event handled" in line)
    why = commands.run("why", str(runner.id), **live.here.environment)
    assert f"trace {event.trace_id}" in why.stdout
    text = live.log.read_text(errors="replace")
    for private in ("made-up quarry", "left hip", live.here.installation.settings.webhook_key):
        assert private not in text
