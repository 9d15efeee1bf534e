"""The links of mails and notes, as a browser, a link scanner and a mail program use them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from adductor.jobs import letters
from tests.support.runners import Place, place
from tests.support.site import site


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Place]:
    with place(tmp_path) as made:
        yield made


@pytest.fixture
def browser(here: Place) -> FlaskClient:
    """A browser on our site, without a session of any kind. CSRF protection is on, as in life."""
    return site(here).test_client()


def _link(here: Place, runner: int, said: str | None) -> str:
    row = here.suggestion(runner)
    return here.installation.links.answer(row.public_id, said, row.created_at).removeprefix("https://coach.example.org")


def test_opening_a_link_changes_nothing_however_often(here: Place, browser: FlaskClient) -> None:
    runner = here.runner()
    here.run_done(runner)

    for said in ("done", "too_easy", "too_hard", "not_today", "pain", None):
        for method in ("GET", "HEAD"):
            answer = browser.open(_link(here, runner, said), method=method)
            assert answer.status_code == 200, said

    assert here.suggestion(runner).status == "open"


def test_one_tap_and_one_confirm(here: Place, browser: FlaskClient) -> None:
    runner = here.runner()
    here.run_done(runner)
    link = _link(here, runner, "done")
    page = browser.get(link).text
    assert "Yes: done" in page

    answer = browser.post(link, data={"said": re.findall(r'name="said" value="(\w+)"', page)[0]})

    assert answer.status_code == 200
    assert "Noted: done." in answer.text
    assert here.suggestion(runner).status == "done"


def test_used_twice_it_does_no_harm(here: Place, browser: FlaskClient) -> None:
    runner = here.runner()
    here.run_done(runner)

    first, second = (browser.post(_link(here, runner, "done")) for _ in range(2))

    assert (first.status_code, second.status_code) == (200, 200)
    assert here.athlete(runner).sessions_completed_total == 10


def test_the_last_answer_counts(here: Place, browser: FlaskClient) -> None:
    runner = here.runner()
    here.run_done(runner)

    browser.post(_link(here, runner, "done"))
    browser.post(_link(here, runner, "not_today"))

    assert here.suggestion(runner).status == "declined"
    assert here.athlete(runner).sessions_completed_total == 9


def test_pain_asks_how_strong_where_and_about_warning_signs(here: Place, browser: FlaskClient) -> None:
    runner = here.runner()
    here.run_done(runner)

    page = browser.get(_link(here, runner, "pain")).text

    assert re.findall(r'name="pain" value="(\d+)"', page) == [str(number) for number in range(11)]
    assert 'name="where"' in page
    assert "Pain when hopping" in page
    assert page.count('name="sign"') == 13


def test_pain_without_a_number_is_asked_again_and_nothing_is_lost(here: Place, browser: FlaskClient) -> None:
    runner = here.runner()
    here.run_done(runner)

    answer = browser.post(_link(here, runner, "pain"), data={"where": "left side", "sign": "night_pain"})

    assert answer.status_code == 400
    assert "Choose how strong the pain was" in answer.text
    assert 'value="left side"' in answer.text
    assert re.search(r'value="night_pain" checked', answer.text)
    assert here.suggestion(runner).status == "open"


def test_strong_pain_shows_the_referral_also_the_second_time(here: Place, browser: FlaskClient) -> None:
    runner = here.runner()
    here.run_done(runner)

    pages = [browser.post(_link(here, runner, "pain"), data={"pain": "7", "where": "groin"}).text for _ in range(2)]

    for page in pages:
        assert "physiotherapist or doctor before you run or exercise" in page
    assert here.athlete(runner).hold_since is not None


@pytest.mark.parametrize("pain", ["-1", "11", "seven", "²", ""])
def test_nonsense_for_a_number_is_refused(here: Place, browser: FlaskClient, pain: str) -> None:
    runner = here.runner()
    here.run_done(runner)

    assert browser.post(_link(here, runner, "pain"), data={"pain": pain}).status_code == 400
    assert browser.post(_link(here, runner, "pain"), data={"pain": "3", "sign": "nonsense"}).status_code == 400
    assert here.suggestion(runner).status == "open"


def test_an_old_link_says_so(here: Place, browser: FlaskClient) -> None:
    runner = here.runner()
    here.run_done(runner)
    link = _link(here, runner, "done")
    here.later(days=30, seconds=1)

    assert browser.get(link).status_code == 410
    assert browser.post(link).status_code == 410
    assert here.suggestion(runner).status == "open"


def test_a_forged_link_and_one_of_another_purpose_are_none(here: Place, browser: FlaskClient) -> None:
    runner = here.runner()
    here.run_done(runner)
    link = _link(here, runner, "done")
    unsubscribe = here.installation.links.unsubscribe(runner, here.owner(runner), here.now).rpartition("/")[2]

    for wrong in (
        f"{link[:-2]}xx",
        link.replace("/a/", "/a/x"),
        f"/a/{unsubscribe}",
        "/a/ü",
        f"/unsubscribe/{link[3:]}",
    ):
        assert browser.get(wrong).status_code == 404, wrong
        assert browser.post(wrong).status_code == 404, wrong
    assert here.suggestion(runner).status == "open"
    assert here.athlete(runner).unsubscribed_at is None


@pytest.mark.parametrize("junk", ["=", "==", "!", "%20", ".."])
def test_a_link_has_one_spelling(here: Place, browser: FlaskClient, junk: str) -> None:
    runner = here.runner()
    here.run_done(runner)
    link = _link(here, runner, "done")

    for wrong in (f"{link}{junk}", f"{link[:-3]}{junk}{link[-3:]}"):
        assert browser.post(wrong).status_code == 404, wrong
    assert here.suggestion(runner).status == "open"


def test_unsubscribing_is_one_click_of_the_mail_program(here: Place, browser: FlaskClient) -> None:
    runner = here.runner()
    link = here.installation.links.unsubscribe(runner, here.owner(runner), here.now).removeprefix(
        "https://coach.example.org"
    )

    assert browser.get(link).status_code == 200
    assert here.athlete(runner).unsubscribed_at is None
    answer = browser.post(link, data={"List-Unsubscribe": "One-Click"})

    assert answer.status_code == 200
    assert here.athlete(runner).unsubscribed_at == here.now
    browser.post(link, data={"again": "1"})
    assert here.athlete(runner).unsubscribed_at is None


def test_an_address_is_used_only_after_its_link_was_confirmed(here: Place, browser: FlaskClient) -> None:
    runner = here.runner(email="new@example.org", email_confirmed_at=None, channels={"post_run": "mail"})
    link = here.installation.links.confirm(runner, "new@example.org", here.now).removeprefix(
        "https://coach.example.org"
    )
    here.run_done(runner)
    assert [row.channel for row in here.deliveries(runner)] == ["pages"]

    assert "new@example.org" in browser.get(link).text
    assert here.athlete(runner).email_confirmed_at is None
    assert browser.post(link).status_code == 200

    assert here.athlete(runner).email_confirmed_at == here.now


def test_the_link_of_an_address_that_was_changed_since_confirms_nothing(here: Place, browser: FlaskClient) -> None:
    runner = here.runner(email="new@example.org", email_confirmed_at=None)
    link = here.installation.links.confirm(runner, "old@example.org", here.now).removeprefix(
        "https://coach.example.org"
    )

    assert browser.post(link).status_code == 410
    assert here.athlete(runner).email_confirmed_at is None


def test_a_confirmation_link_ends_after_three_days(here: Place, browser: FlaskClient) -> None:
    runner = here.runner(email="new@example.org", email_confirmed_at=None)
    link = here.installation.links.confirm(runner, "new@example.org", here.now).removeprefix(
        "https://coach.example.org"
    )
    here.later(days=3, minutes=1)

    assert browser.post(link).status_code == 410


def test_the_fourth_confirmation_mail_of_a_day_waits(here: Place) -> None:
    runner = here.runner(email="new@example.org", email_confirmed_at=None)
    for _ in range(4):
        with here.installation.store.write() as session:
            letters.confirm_address(here.installation, session, here.locked(session, runner))

    due = [letter.due_at for letter in here.letters(runner)]

    assert due == [here.now, here.now, here.now, here.now + timedelta(days=1)]
