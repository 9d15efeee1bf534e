"""The calendar feed, as RFC 5545 has it."""

from __future__ import annotations

import re

from adductor.store.models import Suggestion
from tests.service.pages.conftest import Visitor
from tests.support.runners import Place

LONG = "ä€🙂" * 40


def _address(visitor: Visitor, here: Place, runner: int) -> str:
    visitor.post("/settings/calendar")
    return f"/calendar/{here.athlete(runner).calendar_key}.ics"


def test_feed_has_the_routine_of_today_and_the_days_ahead_in_valid_lines(
    visitor: Visitor, here: Place, runner: int
) -> None:
    suggestion = visitor.suggested(runner)
    with here.installation.store.write() as session:
        session.get_one(Suggestion, suggestion.id).reason = f"a, b; c\\d {LONG}"

    answer = visitor.get(_address(visitor, here, runner))

    lines = answer.data.split(b"\r\n")
    assert answer.mimetype == "text/calendar"
    assert (lines[0], lines[-2], lines[-1]) == (b"BEGIN:VCALENDAR", b"END:VCALENDAR", b"")
    assert b"\n" not in answer.data.replace(b"\r\n", b"")
    assert max(len(line) for line in lines) <= 75
    assert all(line.decode() for line in lines[:-1])  # folded between characters
    events = [
        dict(line.split(":", 1) for line in block.split("\r\n") if ":" in line)
        for block in re.findall(r"BEGIN:VEVENT\r\n(.*?)END:VEVENT", answer.text.replace("\r\n ", ""), re.DOTALL)
    ]
    assert events[0]["UID"] == f"suggestion-{suggestion.public_id}@adductor-coach"
    assert events[0]["DESCRIPTION"] == f"a\\, b\\; c\\\\d {LONG}"
    assert any(event["UID"].startswith("expected-") for event in events)
    assert all(event["DTSTART"] < event["DTEND"] for event in events)
    assert len({event["UID"] for event in events}) == len(events)
    assert all(event["SEQUENCE"].isdigit() and event["LAST-MODIFIED"] for event in events)


def test_entry_whose_routine_was_answered_has_a_later_sequence(visitor: Visitor, here: Place, runner: int) -> None:
    suggestion, address = visitor.suggested(runner), _address(visitor, here, runner)

    def sequence() -> int:
        entry = visitor.get(address).text.partition(f"UID:suggestion-{suggestion.public_id}")[2]
        return int(entry.partition("SEQUENCE:")[2].split()[0])

    before = sequence()
    here.later(minutes=10)
    here.answer(runner, "done")

    assert sequence() > before


def test_feed_with_nothing_planned_holds_a_component(visitor: Visitor, here: Place, runner: int) -> None:
    here.change(runner, hold_since=here.now, hold_reason="red_flag")

    lines = visitor.get(_address(visitor, here, runner)).text.splitlines()

    assert "BEGIN:VEVENT" not in lines
    assert (lines[-9], lines[-2], lines[-1]) == ("BEGIN:VTIMEZONE", "END:VTIMEZONE", "END:VCALENDAR")


def test_address_is_all_that_it_needs_and_ends_with_a_new_one_or_with_disconnecting(
    visitor: Visitor, here: Place, runner: int
) -> None:
    old, new = _address(visitor, here, runner), _address(visitor, here, runner)
    with visitor.http.session_transaction() as session:
        session.clear()
    assert [visitor.get(path).status_code for path in (old, new, "/calendar/none.ics")] == [404, 200, 404]

    here.change(runner, state="revoked")

    assert visitor.get(new).status_code == 404
