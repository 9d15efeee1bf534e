"""Other people's words (names, titles, addresses, what a log is told) shown as words, and never obeyed."""

from __future__ import annotations

import email
import email.policy
import json
import re
import subprocess
import sys
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest

from adductor.jobs import letters, rounds
from adductor.mail.messages import AddressError
from adductor.store.models import DecisionRecord, PlannedRunRecord, Suggestion
from tests.security.conftest import path_of, person, routes
from tests.service.pages.conftest import Visitor
from tests.support.runners import Place

MARKUP = "<img src=x onerror=alert(1)>\"'><script>alert(2)</script>{{ 7*7 }}&lt;b&gt;"
INJECTED = "anna@example.org\r\nBcc: everybody@example.org"


class _Elements(HTMLParser):
    """The elements and attributes that a browser would make of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.scripts: list[str] = []
        self.handlers: list[str] = []
        self.images: list[str] = []
        self._inside = False

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = dict(attributes)
        if tag == "script":
            self.scripts.append(values.get("src") or "inline")
        if tag == "img":
            self.images.append(values.get("src") or "")
        self.handlers += [name for name in values if name.startswith("on")]


def _harmless(html: str, path: str) -> None:
    found = _Elements()
    found.feed(html)
    assert not found.handlers, path
    assert all(source.startswith("/static/") for source in found.scripts), path
    assert "x" not in found.images, path
    assert "49&" not in html, path  # 7*7 worked out by a template


def test_markup_in_names_and_reasons_stays_text_on_every_page(here: Place, visitor: Visitor) -> None:
    mine = person(here, "Anna")
    with here.installation.store.write() as session:
        row = here.locked(session, mine.id)
        row.name = row.hold_reason = MARKUP[:40]
        row.name = MARKUP
        session.add(
            PlannedRunRecord(
                athlete_id=mine.id, start=here.now + timedelta(days=9), kind="race", priority="A", name=MARKUP
            )
        )
        for decision in session.query(DecisionRecord).where(DecisionRecord.athlete_id == mine.id):
            decision.reason = MARKUP
            decision.considered = [{"rule": MARKUP, "stopped": True, "because": MARKUP}]
        for suggestion in session.query(Suggestion).where(Suggestion.athlete_id == mine.id):
            suggestion.reason = MARKUP
            suggestion.answer = {
                "said": "pain", "pain_0_10": 1, "rpe_1_10": None, "where": MARKUP, "completed_pct": 1, "red_flags": []
            }  # fmt: skip
            suggestion.answered_at = here.now
            suggestion.status = "done"
            for delivery in suggestion.deliveries:
                delivery.block = delivery.written_text = MARKUP
    visitor.sign_in(mine.id)
    app = visitor.http.application
    shown = 0

    for rule in routes(app, "GET"):
        path = path_of(app, rule, public_id=mine.public_id)
        answer = visitor.get(path)
        if answer.mimetype == "text/html" and answer.status_code == 200:
            _harmless(answer.text, path)
            shown += "&lt;script&gt;alert(2)" in answer.text
    here.change(mine.id, confirmed_at=None)
    _harmless(visitor.get("/welcome").text, "/welcome")

    assert shown >= 3


def test_markup_typed_into_forms_comes_back_as_text(here: Place, visitor: Visitor) -> None:
    mine = person(here, "Anna")
    visitor.sign_in(mine.id)
    link = here.installation.links.answer(mine.public_id, "pain", here.now).removeprefix("http://coach.example.org")

    _harmless(visitor.http.post(link, data={"where": MARKUP, "sign": MARKUP}).text, link)
    for section in ("email", "you", "times", "races/add"):
        fields = dict.fromkeys(("email", "timezone", "age", "prompt", "day", "at", "distance", "name", "kind"), MARKUP)
        answer = visitor.post(f"/settings/{section}", **fields)
        assert answer.status_code == 400, section
        _harmless(answer.text, section)
    answer = visitor.post("/check-in", sign=MARKUP)
    assert "&lt;script&gt;" in answer.text
    _harmless(answer.text, "/check-in")


def test_markup_in_a_reason_stays_text_in_mails(here: Place) -> None:
    runner = here.runner(channels={"post_run": "mail"}, name=MARKUP)
    here.run_done(runner)
    with here.installation.store.write() as session:
        suggestion = session.get_one(Suggestion, here.suggestion(runner).id)
        suggestion.reason = MARKUP

    rounds.work(here.installation)

    (raw,) = here.mails()
    html = email.message_from_bytes(raw, policy=email.policy.default).get_body(("html",)).get_content()  # type: ignore[union-attr]
    assert "&lt;script&gt;alert(2)" in html
    found = _Elements()
    found.feed(html)
    assert (found.scripts, found.handlers) == ([], [])
    assert all(source.startswith("cid:") for source in found.images)


@pytest.mark.parametrize(
    "address",
    [
        INJECTED,
        "anna@example.org\nSubject: won",
        "anna@example.org, everybody@example.org",
        "Anna <anna@example.org>",
        '"anna\r\nBcc: x@y.org"@example.org',
        "anna@example.org\u2028Bcc: x@y.org",
        "anna@[127.0.0.1]",
        "anna@example.org%0aBcc:x@y.org",
    ],
)
def test_an_address_that_holds_more_than_one_is_refused(here: Place, visitor: Visitor, address: str) -> None:
    mine = person(here, "Anna")
    visitor.sign_in(mine.id)

    answer = visitor.post("/settings/email", email=address)

    assert answer.status_code == 400
    assert here.athlete(mine.id).email == "anna@private.example"
    assert here.letters(mine.id) == []


def test_a_header_that_got_into_the_database_all_the_same_reaches_no_mail_server(here: Place) -> None:
    runner = here.runner(email=INJECTED, channels={"post_run": "mail"}, name=INJECTED)
    here.run_done(runner)
    rounds.work(here.installation)
    here.change(runner, email_confirmed_at=None)
    with here.installation.store.write() as session, pytest.raises(AddressError):
        letters.confirm_address(here.installation, session, here.locked(session, runner))
    rounds.work(here.installation)

    assert here.mails() == []
    assert [delivery.written_at for delivery in here.deliveries(runner)] == [None]
    assert here.letters(runner) == []


def test_no_subject_or_sender_holds_anything_of_a_runners(here: Place) -> None:
    runner = here.runner(channels={"post_run": "mail"}, name="Anna\r\nBcc: x@y.org")
    here.run_done(runner)

    rounds.work(here.installation)

    (raw,) = here.mails()
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert message["To"] == "runner@example.org"
    assert message["Bcc"] is None
    assert "Anna" not in str(message["Subject"])


def test_a_calendar_line_can_hold_no_second_one(here: Place, visitor: Visitor) -> None:
    mine = person(here, "Anna")
    with here.installation.store.write() as session:
        suggestion = session.get_one(Suggestion, here.suggestion(mine.id).id)
        suggestion.reason = "fine\r\nEND:VEVENT\r\nBEGIN:VALARM\rX:1\nATTACH:https://evil.example"

    feed = visitor.get(f"/calendar/{mine.calendar_key}.ics").data

    lines = re.split(rb"\r\n|\r|\n", feed)
    assert not [line for line in lines if line.startswith((b"BEGIN:VALARM", b"ATTACH", b"X:1"))]
    assert lines.count(b"END:VEVENT") == lines.count(b"BEGIN:VEVENT")


_LOGGED = """
import logging, sys
from adductor import logs
logs.configure(sys.argv[1], "web")
evil = sys.argv[2].encode().decode("unicode_escape")
logs.get("ours").warning("handshake refused", reason=evil, path=evil)
logs.get("ours").warning("handshake refused " + evil)
logging.getLogger("uvicorn.error").warning("Invalid request from ip=%s: %s", "203.0.113.9", evil)
try:
    raise ValueError(evil)
except ValueError:
    logs.get("ours").exception("failed")
"""
_FORGED = r"x\n2026-11-18T09:00:00Z [info     ] athlete connected athlete=1 part=web\r\x1b[2K\x1b[31m\u2028\x85end"


def _logged(how: str) -> str:
    ended = subprocess.run([sys.executable, "-c", _LOGGED, how, _FORGED], capture_output=True, check=True)
    return ended.stderr.decode()


def test_nobody_writes_a_line_of_their_own_into_the_log() -> None:
    text = _logged("text")

    assert not [line for line in re.split(r"[\n\r\u2028\x85]", text) if line.startswith("2026-11-18T09:00:00Z")]
    assert "\x1b" not in text
    assert "athlete connected" in text  # it is told, as what it is


def test_in_json_each_event_is_one_line() -> None:
    lines: list[dict[str, Any]] = [json.loads(line) for line in _logged("json").splitlines()]

    assert [line["level"] for line in lines] == ["warning", "warning", "warning", "error"]
    assert "\n" in lines[1]["event"]


def test_a_webhooks_words_do_not_reach_the_log(here: Place) -> None:
    """The reason for refusing an event is ours; the event's own words stay out of it."""
    from adductor.platforms.base import EventError
    from adductor.platforms.strava import webhooks

    for body in (b'{"object_type": "x\\nforged"}', b'{"updates": {"x\\nforged": 1}}', b"\xff\nforged", b'"forged\\n"'):
        with pytest.raises(EventError) as refused:
            webhooks.parse_event(body)
        assert "forged" not in refused.value.reason
