"""Review: everything that was decided, with its reason; answers that can be changed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from adductor.store.models import DecisionRecord
from tests.service.pages.conftest import Visitor
from tests.support.runners import Place


def test_a_no_is_shown_with_its_reason_and_everything_considered(visitor: Visitor, here: Place, runner: int) -> None:
    here.change(runner, paused_until=here.now.date() + timedelta(days=4))
    here.run_done(runner)
    (decision,) = here.decisions(runner)

    page = visitor.get("/suggestions").text

    assert "No routine" in page
    assert decision.reason.split("'")[0][1:] in page
    assert "Everything considered" in page
    assert "View on Strava" in page


def test_older_decisions_are_a_page_away_and_none_is_lost(visitor: Visitor, here: Place, runner: int) -> None:
    with here.installation.store.write() as session:
        for number in range(60):
            session.add(
                DecisionRecord(
                    athlete_id=runner,
                    trigger="clock_tick",
                    at=here.now - timedelta(days=60 - number),
                    decision="none",
                    dose="none",
                    rule="spacing",
                    reason=f"Reason number {number}.",
                    considered=[],
                    trace_id="t",
                )
            )
    seen: list[str] = []
    path: str | None = "/suggestions"
    while path is not None:
        page = visitor.get(path).text
        seen += [f"Reason number {number}." for number in range(60) if f"Reason number {number}." in page]
        path = page.split('href="/suggestions?before=')[1].split('"')[0] if "?before=" in page else None
        path = f"/suggestions?before={path}" if path else None

    assert len(seen) == 60
    assert len(set(seen)) == 60


@pytest.mark.parametrize("said", ["done", "too_easy", "too_hard", "not_today"])
def test_an_answer_is_kept_and_shown(visitor: Visitor, here: Place, runner: int, said: str) -> None:
    suggestion = visitor.suggested(runner)

    answer = visitor.post(f"/suggestions/{suggestion.public_id}/answer", said=said)

    assert answer.status_code == 302
    kept = here.suggestion(runner).answer
    assert kept is not None
    assert kept["said"] == said
    assert "Change it" in visitor.get(f"/suggestions/{suggestion.public_id}").text


def test_a_changed_answer_replaces_the_first(visitor: Visitor, here: Place, runner: int) -> None:
    suggestion = visitor.suggested(runner)
    path = f"/suggestions/{suggestion.public_id}/answer"

    visitor.post(path, said="done")
    visitor.post(path, said="not_today")

    assert here.athlete(runner).sessions_completed_total == 9
    assert here.suggestion(runner).status == "declined"
