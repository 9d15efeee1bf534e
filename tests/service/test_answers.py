"""The signed links of mails and notes, as a browser, a link scanner and a mail program use them.

What a forged, foreign or expired link does stands in tests/security/test_links.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from adductor.jobs import letters
from adductor.store.models import Athlete, Suggestion
from tests.support.runners import Place
from tests.support.site import site


@dataclass
class Mail:
    """A runner with an open suggestion, and a browser without a session. CSRF protection is on, as in life."""

    here: Place
    browser: FlaskClient
    runner: int

    def link(self, said: str | None) -> str:
        return _path(self.here.installation.links.answer(self.row.public_id, said, self.row.created_at))

    def give(self, linked: str, /, **fields: str) -> TestResponse:
        return self.browser.post(self.link(linked), data=fields)

    @property
    def row(self) -> Suggestion:
        return self.here.suggestion(self.runner)

    @property
    def athlete(self) -> Athlete:
        return self.here.athlete(self.runner)


def _path(link: str) -> str:
    return link.removeprefix("https://coach.example.org")


@pytest.fixture
def mail(here: Place) -> Mail:
    made = Mail(here, site(here).test_client(), here.runner())
    here.run_done(made.runner)
    return made


def test_open_link_changes_nothing_and_its_button_gives_the_answer(mail: Mail) -> None:
    for said in ("done", "too_easy", "too_hard", "not_today", "pain", None):
        for method in ("GET", "HEAD"):
            assert mail.browser.open(mail.link(said), method=method).status_code == 200, said
    assert mail.row.status == "open"

    page = mail.browser.get(mail.link("done")).text
    answer = mail.give("done", said=re.findall(r'name="said" value="(\w+)"', page)[0])

    assert answer.status_code == 200
    assert ">Done.</h1>" in answer.text
    assert mail.row.status == "done"


def test_pain_form_asks_strength_place_and_warning_signs_and_keeps_what_was_typed(mail: Mail) -> None:
    page = mail.browser.get(mail.link("pain")).text
    answer = mail.give("pain", where="left side", sign="night_pain")

    assert re.findall(r'name="pain" value="(\d+)"', page) == [str(number) for number in range(11)]
    assert 'name="where"' in page
    assert page.count('name="sign"') == 13
    assert answer.status_code == 400
    for kept in ("Choose how strong the pain was", 'value="left side"', 'value="night_pain" checked'):
        assert kept in answer.text
    assert mail.row.status == "open"


def test_strong_pain_shows_the_referral_each_time(mail: Mail) -> None:
    for _ in range(2):
        page = mail.give("pain", pain="7", where="groin").text
        assert "physiotherapist or doctor before you run or exercise" in page
    assert mail.athlete.hold_since is not None


@pytest.mark.parametrize(
    "fields", [*({"pain": pain} for pain in ("-1", "11", "seven", "²", "")), {"pain": "3", "sign": "nonsense"}]
)
def test_impossible_pain_is_refused(mail: Mail, fields: dict[str, str]) -> None:
    assert mail.give("pain", **fields).status_code == 400
    assert mail.row.status == "open"


def test_unsubscribe_is_one_click_and_can_be_taken_back(mail: Mail) -> None:
    links = mail.here.installation.links
    link = _path(links.unsubscribe(mail.runner, mail.athlete.connection.external_id, mail.here.now))

    assert mail.browser.get(link).status_code == 200
    assert mail.athlete.unsubscribed_at is None
    assert mail.browser.post(link, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    assert mail.athlete.unsubscribed_at == mail.here.now
    mail.browser.post(link, data={"again": "1"})
    assert mail.athlete.unsubscribed_at is None


@pytest.mark.parametrize(("linked", "status"), [("new@example.org", 200), ("old@example.org", 410)])
def test_address_is_confirmed_only_by_its_own_link(mail: Mail, linked: str, status: int) -> None:
    unconfirmed: dict[str, Any] = {"email": "new@example.org", "email_confirmed_at": None}
    mail.here.change(mail.runner, **unconfirmed)
    link = _path(mail.here.installation.links.confirm(mail.runner, linked, mail.here.now))

    assert linked in mail.browser.get(link).text
    assert mail.athlete.email_confirmed_at is None
    assert mail.browser.post(link).status_code == status

    assert (mail.athlete.email_confirmed_at is not None) is (status == 200)


def test_fourth_confirmation_mail_of_a_day_waits(here: Place) -> None:
    runner = here.runner(email="new@example.org", email_confirmed_at=None)
    for _ in range(4):
        with here.installation.store.write() as session:
            letters.confirm_address(here.installation, session, here.locked(session, runner))

    assert [letter.due_at - here.now for letter in here.letters(runner)] == [*[timedelta(0)] * 3, timedelta(days=1)]


@pytest.mark.parametrize(
    ("linked", "sent", "status", "said", "opened"),
    [
        ("yes", {}, 200, "Routines come as before", True),
        ("yes", {"said": "less"}, 200, "At most one routine in seven days", True),
        (None, {"said": "pause"}, 200, "Paused until", True),
        (None, {}, 400, "Choose one of them.", False),
        ("never", {}, 400, "Choose one of them.", False),
    ],
)
def test_question_whether_routines_are_useful_takes_its_reply_by_a_button(
    mail: Mail, linked: str | None, sent: dict[str, str], status: int, said: str, *, opened: bool
) -> None:
    link = _path(mail.here.installation.links.useful(mail.row.public_id, linked, mail.row.created_at))
    page = mail.browser.get(link)
    assert page.status_code == 200
    assert re.findall(r'name="said" value="(\w+)"', page.text) == ["yes", "less", "pause"]
    assert mail.row.opened_at is None

    answer = mail.browser.post(link, data=sent)

    assert (answer.status_code, said in answer.text) == (status, True)
    assert (mail.row.opened_at is not None) is opened
    assert (mail.athlete.target_sessions_per_week, mail.athlete.paused_until is not None) == (
        1 if sent.get("said") == "less" else 2,
        sent.get("said") == "pause",
    )
