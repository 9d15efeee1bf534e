"""Review: everything that was decided, with its reason; answers that can be changed."""

from __future__ import annotations

import html
import re
from datetime import date, timedelta

import pytest

from adductor.platforms.base import own_id
from adductor.store.models import DecisionRecord, NoCount
from tests.service.pages.conftest import Visitor
from tests.support import commands
from tests.support.runners import Place


def test_no_is_shown_with_its_reason_and_everything_considered(visitor: Visitor, here: Place, runner: int) -> None:
    here.change(runner, paused_until=here.now.date() + timedelta(days=4))
    run = here.run_done(runner)
    (decision,) = here.decisions(runner)

    page = visitor.get("/suggestions").text

    assert "No routine" in page
    assert decision.reason.split("'")[0][1:] in page
    assert "Everything considered" in page
    assert f'href="https://www.strava.com/activities/{own_id(run)}">View on Strava' in page


def test_older_decisions_are_a_page_away_and_none_is_lost(visitor: Visitor, here: Place, runner: int) -> None:
    usual = {"trigger": "clock_tick", "decision": "none", "dose": "none", "rule": "spacing", "considered": []}
    with here.installation.store.write() as session:
        for number in range(60):
            at = here.now - timedelta(days=60 - number)
            reason = f"Reason number {number}."
            session.add(DecisionRecord(athlete_id=runner, at=at, reason=reason, trace_id="t", **usual))
    seen: list[str] = []
    path: str | None = "/suggestions"
    while path is not None:
        page = visitor.get(path).text
        seen += re.findall(r"Reason number \d+\.", page)
        earlier = re.search(r'href="(/suggestions\?before=\d+)"', page)
        path = earlier and earlier[1]

    assert sorted(seen) == sorted(f"Reason number {number}." for number in range(60))


def test_counts_of_old_decisions_stand_at_the_end(visitor: Visitor, here: Place, runner: int) -> None:
    with here.installation.store.write() as session:
        for day, count in ((1, 2), (4, 1)):
            session.add(NoCount(athlete_id=runner, day=date(2026, 8, day), rule="spacing", count=count))

    page = visitor.get("/suggestions").text

    assert "Rest since the last session: 3 times, 1 August 2026 to 4 August 2026" in page
    assert "Nothing yet" not in page
    said = commands.run("why", str(runner), ADDUCTOR_DATA_DIR=str(here.installation.settings.data_dir)).stdout
    assert "2026-08-01 to 2026-08-04  none  [spacing]: 3 times; only the count is kept" in said


@pytest.mark.parametrize("said", ["done", "too_easy", "too_hard", "not_today"])
def test_answer_is_kept_shown_and_can_be_changed(visitor: Visitor, here: Place, runner: int, said: str) -> None:
    suggestion = visitor.suggested(runner)
    path = f"/suggestions/{suggestion.public_id}"
    (delivery,) = here.deliveries(runner)
    assert html.escape(delivery.block) in visitor.get(path).text

    assert visitor.post(f"{path}/answer", said=said).status_code == 302

    kept = here.suggestion(runner).answer
    assert kept is not None
    assert kept["said"] == said
    assert "Change it" in visitor.get(path).text

    visitor.post(f"{path}/answer", said="not_today")

    assert here.athlete(runner).sessions_completed_total == 9
    assert here.suggestion(runner).status == "declined"


def test_pages_of_a_suggestion_tell_a_touch_to_the_address_of_its_runner(
    visitor: Visitor, here: Place, runner: int
) -> None:
    public_id = visitor.suggested(runner).public_id
    addresses = [
        re.findall(r'data-address="(/r/[^"]+/opened)"', visitor.get(f"/{page}/{public_id}").text)
        for page in ("suggestions", "routine")
    ]
    assert addresses[0] == addresses[1] != []
    assert visitor.get(addresses[0][0]).status_code == 405
    assert visitor.http.post(addresses[0][0].replace("/r/", "/r/x")).status_code == 404
    assert here.suggestion(runner).opened_at is None

    assert visitor.http.post(addresses[0][0]).status_code == 204
    opened_at = here.now
    here.later(hours=1)
    visitor.http.post(addresses[0][0])

    assert here.suggestion(runner).opened_at == opened_at
