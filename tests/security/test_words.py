"""Other people's words (names, titles, addresses, log values) are shown as words and never obeyed."""

from __future__ import annotations

import email
import email.policy
import json
import re
import subprocess
import sys
from datetime import timedelta
from html.parser import HTMLParser

import pytest

from adductor.jobs import letters, rounds
from adductor.mail.messages import AddressError
from adductor.store.models import DecisionRecord, PlannedRunRecord, Suggestion
from tests.security.conftest import Scene
from tests.support.runners import Place

MARKUP = "<img src=x onerror=alert(1)>\"'><script>alert(2)</script>{{ 7*7 }}&lt;b&gt;"
INJECTED = "anna@example.org\r\nBcc: others@example.org"


class _Elements(HTMLParser):
    """The elements and attributes that a browser would make of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.handlers: list[str] = []
        self.sources: dict[str, list[str]] = {"script": [], "img": []}
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.handlers += [name for name, _ in attributes if name.startswith("on")]
        if tag in self.sources:
            self.sources[tag].append(dict(attributes).get("src") or "inline")


def _harmless(html: str, path: str) -> None:
    found = _Elements(html)
    assert not found.handlers, path
    assert all(source.startswith("/static/") for source in found.sources["script"]), path
    assert "x" not in found.sources["img"], path
    assert "49&" not in html, path  # 7*7 worked out by a template


def test_markup_in_names_and_reasons_stays_text_on_every_page(scene: Scene) -> None:
    here, mine, shown = scene.here, scene.mine, 0
    here.change(mine.id, name=MARKUP, hold_reason=MARKUP[:40])
    with here.installation.store.write() as session:
        race = {"start": here.now + timedelta(days=9), "kind": "race", "priority": "A", "name": MARKUP}
        session.add(PlannedRunRecord(athlete_id=mine.id, **race))
        decision = session.query(DecisionRecord).where(DecisionRecord.athlete_id == mine.id).one()
        decision.reason = MARKUP
        decision.considered = [{"rule": MARKUP, "stopped": True, "because": MARKUP}]
        suggestion = session.query(Suggestion).where(Suggestion.athlete_id == mine.id).one()
        suggestion.status, suggestion.answered_at, suggestion.reason = "done", here.now, MARKUP
        suggestion.answer = {"said": "pain", "pain_0_10": 1, "rpe_1_10": None, "where": MARKUP}
        for delivery in suggestion.deliveries:
            delivery.block = delivery.written_text = MARKUP

    for _, path in scene.routes("GET"):
        answer_page = scene.visitor.get(path)
        if answer_page.mimetype == "text/html" and answer_page.status_code == 200:
            _harmless(answer_page.text, path)
            shown += "&lt;script&gt;alert(2)" in answer_page.text
    here.change(mine.id, confirmed_at=None)
    _harmless(scene.visitor.get("/welcome").text, "/welcome")

    assert shown >= 3


def test_markup_in_a_reason_stays_text_in_mails(here: Place) -> None:
    """And no subject or address holds anything of the athlete's."""
    runner = here.runner(channels={"post_run": "mail"}, name=f"Anna\r\nBcc: x@y.org{MARKUP}")
    here.run_done(runner)
    with here.installation.store.write() as session:
        session.get_one(Suggestion, here.suggestion(runner).id).reason = MARKUP

    rounds.work(here.installation)

    (raw,) = here.mails()
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert (message["To"], message["Bcc"]) == ("runner@example.org", None)
    assert "Anna" not in str(message["Subject"])
    html = message.get_body(("html",)).get_content()  # type: ignore[union-attr]
    assert "&lt;script&gt;alert(2)" in html
    found = _Elements(html)
    assert (found.sources["script"], found.handlers) == ([], [])
    assert all(source.startswith("cid:") for source in found.sources["img"])


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


def test_words_of_a_caller_make_no_line_of_their_own_in_the_log() -> None:
    """In text, control characters are spelled out; in JSON each event is one line."""
    text = _logged("text")
    assert not [line for line in re.split(r"[\n\r\u2028\x85]", text) if line.startswith("2026-11-18T09:00:00Z")]
    assert "\x1b" not in text
    assert "athlete connected" in text

    lines = [json.loads(line) for line in _logged("json").splitlines()]
    assert [line["level"] for line in lines] == ["warning", "warning", "warning", "error"]
    assert "\n" in lines[1]["event"]
