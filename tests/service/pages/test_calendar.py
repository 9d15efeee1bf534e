"""The calendar feed, as RFC 5545 has it."""

from __future__ import annotations

import re

from service.pages.calendar import _escaped, _folded
from tests.service.pages.conftest import Visitor
from tests.support.runners import Place


def _address(visitor: Visitor, here: Place, runner: int) -> str:
    visitor.post("/settings/calendar")
    return f"/calendar/{here.athlete(runner).calendar_key}.ics"


def _events(text: str) -> list[dict[str, str]]:
    unfolded = text.replace("\r\n ", "")
    return [
        dict(line.split(":", 1) for line in block.split("\r\n") if ":" in line)
        for block in re.findall(r"BEGIN:VEVENT\r\n(.*?)END:VEVENT", unfolded, re.DOTALL)
    ]


def test_the_feed_has_the_routine_of_today_and_what_is_to_be_expected(
    visitor: Visitor, here: Place, runner: int
) -> None:
    suggestion = visitor.suggested(runner)

    answer = visitor.get(_address(visitor, here, runner))

    events = _events(answer.text)
    assert answer.mimetype == "text/calendar"
    assert events[0]["UID"] == f"suggestion-{suggestion.public_id}@adductor-coach"
    assert any(event["UID"].startswith("expected-") for event in events)
    assert all(event["DTSTART"] < event["DTEND"] for event in events)
    assert len({event["UID"] for event in events}) == len(events)


def test_every_line_ends_as_it_must_and_none_is_too_long(visitor: Visitor, here: Place, runner: int) -> None:
    visitor.suggested(runner)

    body = visitor.get(_address(visitor, here, runner)).data

    lines = body.split(b"\r\n")
    assert lines[-1] == b""
    assert b"\n" not in body.replace(b"\r\n", b"")
    assert max(len(line) for line in lines) <= 75
    assert (lines[0], lines[-2]) == (b"BEGIN:VCALENDAR", b"END:VCALENDAR")


def test_it_needs_no_session_but_the_address(visitor: Visitor, here: Place, runner: int) -> None:
    address = _address(visitor, here, runner)
    with visitor.http.session_transaction() as session:
        session.clear()

    assert visitor.get(address).status_code == 200
    assert visitor.get("/calendar/none.ics").status_code == 404


def test_a_new_address_ends_the_old_one_and_so_does_disconnecting(visitor: Visitor, here: Place, runner: int) -> None:
    old = _address(visitor, here, runner)
    new = _address(visitor, here, runner)
    assert (visitor.get(old).status_code, visitor.get(new).status_code) == (404, 200)

    here.change(runner, state="revoked")

    assert visitor.get(new).status_code == 404


def test_special_characters_are_escaped() -> None:
    assert _escaped("a, b; c\\d\ne") == "a\\, b\\; c\\\\d\\ne"


def test_long_lines_are_folded_between_characters() -> None:
    line = "DESCRIPTION:" + "ä€🙂" * 40

    folded = _folded(line)

    assert max(len(part.encode()) for part in folded.split("\r\n")) <= 75
    assert folded.replace("\r\n ", "") == line
