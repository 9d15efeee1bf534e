"""The made-up club's books: every call is counted once, under what it was made for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from adductor.notes import block
from adductor.store.models import Delivery, InboxEvent
from bench.club import Club, Tally
from bench.club_year import Counted, _per_event, _per_note


@pytest.fixture
def club(tmp_path: Path) -> Iterator[Club]:
    made = Club(tmp_path, [0, 2])
    yield made
    made.close()


def test_a_week_of_two_runners_leads_to_notes_and_every_call_is_booked(club: Club) -> None:
    gone_out = 0
    update, get, listed = club.log.update_activity, club.log.get_activity, club.log.list_activities

    def counting(call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **named: Any) -> Any:
            nonlocal gone_out
            gone_out += 1
            return call(*arguments, **named)

        return counted

    for name, call in (("update_activity", update), ("get_activity", get), ("list_activities", listed)):
        setattr(club.log, name, counting(call))

    club.week(0)

    tally = club.take_tally()
    with club.installation.store.read() as session:
        events = session.scalar(select(func.count(InboxEvent.id)))
        written = session.scalar(
            select(func.count(Delivery.id)).where(Delivery.written_at.is_not(None), Delivery.channel != "mail")
        )
    assert sum(tally.events.values()) == events
    assert sum(tally.note_costs.values()) == written
    assert written
    assert tally.in_all() == gone_out == sum(tally.quarters.values())
    assert tally.failed == 0
    assert any(
        block.SIGNATURE in (entry.private_note or entry.description or "") for entry in club.log.activities.values()
    )


def test_what_is_left_out_of_an_answer_costs_another_look(tmp_path: Path) -> None:
    club = Club(tmp_path, [0, 2, 4], leaves_empty_note_out=True)
    try:
        club.week(0)
        costs = Counted(3, 1, club.take_tally()).costs
    finally:
        club.close()

    assert costs[3]


def test_one_note_with_three_calls_misses_the_target() -> None:
    tally = Tally()
    tally.events["create"] = 10
    tally.calls["notes after an event", "get"] = 6
    tally.calls["notes after an event", "put"] = 5
    tally.note_costs["an event", 2] = 4
    tally.note_costs["an event", 3] = 1
    counted = Counted(10, 1, tally)

    assert not _per_note(counted).met
    assert not _per_event(counted).met
    assert _per_event(counted).value == "1.10"
