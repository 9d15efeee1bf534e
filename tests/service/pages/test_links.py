"""The links of notes, mails and calendars in a browser without a session: short keys of routines, and signed answers.

What a forged, foreign or expired link does stands in tests/security/test_sessions.py.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from adductor.athletes import decisions
from adductor.jobs import letters
from adductor.mail.links import Links
from adductor.notes import block, plan
from tests.service.pages.conftest import SITE, Visitor
from tests.support.runners import Place

MOST_KEY_CHARS = 24


@pytest.fixture
def mail(visitor: Visitor) -> Visitor:
    """A runner with an open suggestion, and a browser that never signed in."""
    visitor.runner = visitor.here.runner(name="Anna Surname")
    visitor.suggested()
    return visitor


def _key(mail: Visitor) -> str:
    return mail.here.installation.links.runner_routine(mail.suggestion.public_id).removeprefix(SITE)


def _answer(mail: Visitor, said: str | None) -> str:
    row = mail.suggestion
    return mail.here.installation.links.answer(row.public_id, said, row.created_at).removeprefix(SITE)


def test_open_answer_link_changes_nothing_and_its_button_gives_the_answer(mail: Visitor) -> None:
    for said in ("done", "too_easy", "too_hard", "not_today", "pain", None):
        for method in ("GET", "HEAD"):
            assert mail.http.open(_answer(mail, said), method=method).status_code == 200, said
    assert mail.suggestion.status == "open"

    link = _answer(mail, "done")
    answer = mail.http.post(link, data={"said": re.findall(r'name="said" value="(\w+)"', mail.page(link))[0]})

    assert (answer.status_code, ">Done.</h1>" in answer.text) == (200, True)
    assert mail.suggestion.status == "done"


def test_pain_form_asks_strength_place_and_warning_signs_and_shows_the_referral_each_time(mail: Visitor) -> None:
    link = _answer(mail, "pain")
    page = mail.page(link)
    assert re.findall(r'name="pain" value="(\d+)"', page) == [str(number) for number in range(11)]
    assert 'name="where"' in page
    assert page.count('name="sign"') == 13

    for wrong in (*({"pain": pain} for pain in ("-1", "11", "seven", "²", "")), {"pain": "3", "sign": "nonsense"}):
        assert mail.http.post(link, data=wrong).status_code == 400, wrong
    kept = mail.http.post(link, data={"where": "left side", "sign": "night_pain"})
    assert kept.status_code == 400
    for said in ("Choose how strong the pain was", 'value="left side"', 'value="night_pain" checked'):
        assert said in kept.text
    assert mail.suggestion.status == "open"

    for _ in range(2):
        page = mail.http.post(link, data={"pain": "7", "where": "groin"}).text
        assert "physiotherapist or doctor before you run or exercise" in page
    assert mail.row.hold_since is not None


def test_unsubscribe_is_one_click_and_can_be_taken_back(mail: Visitor) -> None:
    now = mail.here.now
    link = mail.here.installation.links.unsubscribe(mail.runner, mail.here.owner(mail.runner), now).removeprefix(SITE)
    assert mail.get(link).status_code == 200
    assert mail.row.unsubscribed_at is None

    for form, since in (({"List-Unsubscribe": "One-Click"}, now), ({"again": "1"}, None)):
        assert mail.http.post(link, data=form).status_code == 200
        assert mail.row.unsubscribed_at == since


def test_address_is_confirmed_only_by_its_own_link_and_the_fourth_mail_of_a_day_waits(mail: Visitor) -> None:
    here, links = mail.here, mail.here.installation.links
    mail.change(email="new@example.org", email_confirmed_at=None)
    for address, status in (("old@example.org", 410), ("new@example.org", 200)):
        link = links.confirm(mail.runner, address, here.now).removeprefix(SITE)
        assert address in mail.page(link)
        assert mail.row.email_confirmed_at is None
        assert mail.http.post(link).status_code == status
    assert mail.row.email_confirmed_at is not None

    mail.change(email_confirmed_at=None)
    for _ in range(4):
        with here.installation.store.write() as session:
            letters.confirm_address(here.installation, session, here.locked(session, mail.runner))

    due = [letter.due_at - here.now for letter in here.letters(mail.runner)]
    assert due == [*[timedelta(0)] * 3, timedelta(days=1)]


@pytest.mark.parametrize(
    ("linked", "sent", "status", "said"),
    [
        ("yes", {}, 200, "Routines come as before"),
        ("yes", {"said": "less"}, 200, "At most one routine in seven days"),
        (None, {"said": "pause"}, 200, "Paused until"),
        (None, {}, 400, "Choose one of them."),
        ("never", {}, 400, "Choose one of them."),
    ],
)
def test_question_whether_routines_are_useful_takes_its_reply_by_a_button(
    mail: Visitor, linked: str | None, sent: dict[str, str], status: int, said: str
) -> None:
    row = mail.suggestion
    link = mail.here.installation.links.useful(row.public_id, linked, row.created_at).removeprefix(SITE)
    assert re.findall(r'name="said" value="(\w+)"', mail.page(link)) == ["yes", "less", "pause"]
    assert mail.suggestion.opened_at is None

    answer = mail.http.post(link, data=sent)

    assert (answer.status_code, said in answer.text) == (status, True)
    assert (mail.suggestion.opened_at is not None) is (status == 200)
    assert mail.row.target_sessions_per_week == (1 if sent.get("said") == "less" else 2)
    assert (mail.row.paused_until is not None) is (sent.get("said") == "pause")


def test_key_is_short_and_shows_one_routine_and_no_person(mail: Visitor) -> None:
    path = _key(mail)

    page = mail.get(path)

    assert len(path.removeprefix("/r/")) <= MOST_KEY_CHARS
    assert (page.status_code, mail.suggestion.status) == (200, "open")
    assert "Mark as done" in page.text
    for private in ("Anna", mail.suggestion.reason):
        assert private not in page.text
    assert "Set-Cookie" not in page.headers
    assert (page.headers["X-Robots-Tag"], page.headers["Referrer-Policy"]) == ("noindex, nofollow", "no-referrer")
    assert not re.search(r'(?:href|action)="/(?:home|suggestions|settings|routine)', page.text)


def test_only_the_private_text_holds_the_key_and_no_stored_text_does(mail: Visitor) -> None:
    suggestion, (delivery,) = mail.suggestion, mail.here.deliveries(mail.runner)
    links = mail.here.installation.links
    key = links.runner_routine(suggestion.public_id)

    private = decisions.with_private_link(mail.here.installation, mail.row, suggestion, delivery.block)

    assert private.count(key) == 1
    assert f"{SITE}/routine/" not in private
    for public in (delivery.block, *delivery.known_texts):
        assert key not in public
    assert links.with_proofs(links.without_proofs(private)) == private
    assert links.without_proofs(private) in delivery.known_texts
    mail.change(if_then="I do it before the shower")
    private = decisions.with_private_link(mail.here.installation, mail.row, suggestion, delivery.block)
    assert "You said: I do it before the shower" in private
    assert Links("another secret", SITE, lambda: mail.here.now).runner_routine(suggestion.public_id) != key


@pytest.mark.parametrize(
    ("form", "status", "counted", "title", "words"),
    [
        ({"said": "done"}, "done", 1, "Done.", r"1 of 2 in 7 days\. Next: "),
        ({"rpe": "7", "pain": "0", "completed_pct": "100"}, "done", 1, "Done.", r"1 of 2 in 7 days\. "),
        ({"said": "too_hard"}, "done", 1, "Done. It was too hard.", r"1 of 2 in 7 days\. "),
        ({"rpe": "7", "pain": "0", "completed_pct": "30"}, "done", 0, "Saved.", "Less than half does not count"),
        ({"said": "not_today"}, "declined", 0, "Not today: that is fine.", "Next: "),
        ({"stopped": "1", "pain": "7"}, "done", 0, "Thank you for telling us.", "before you run or exercise"),
    ],
)
def test_answer_by_key_counts_once_and_says_what_it_means(
    mail: Visitor, form: dict[str, str], status: str, counted: int, title: str, words: str
) -> None:
    before = mail.row.sessions_completed_total

    for _ in range(2):
        page = mail.http.post(_key(mail), data=form)
        assert page.status_code == 200
        assert f">{title}</h1>" in page.text
        assert re.search(words, page.text)

    assert mail.suggestion.status == status
    assert mail.row.sessions_completed_total == before + counted


def _gone(here: Place, runner: int) -> None:
    with here.installation.store.write() as session:
        session.delete(here.locked(session, runner))


_AFTER: dict[str, tuple[Any, int, str]] = {
    "expired": (lambda here, _: here.later(days=14, seconds=1), 410, "This link is too old"),
    "deleted": (_gone, 404, "This link doesn&#39;t work"),
    "leaving": (lambda here, runner: here.change(runner, leaving_at=here.now), 404, "This link doesn&#39;t work"),
    "taken back": (lambda here, runner: here.pause(runner), 200, "This routine was taken back. You asked for a break."),
}


@pytest.mark.parametrize(("change", "status", "words"), _AFTER.values(), ids=_AFTER)
def test_link_whose_routine_is_over_says_so_calmly(mail: Visitor, change: Any, status: int, words: str) -> None:
    path = _key(mail)
    change(mail.here, mail.runner)

    page = mail.get(path)

    assert page.status_code == status
    assert words in page.text
    assert "Start the timer" not in page.text
    assert mail.http.post(path, data={"said": "done"}).status_code == status


def test_runner_who_is_signed_in_as_another_answers_for_the_links_own(mail: Visitor) -> None:
    path, (mine, other) = _key(mail), (mail.runner, mail.here.runner(name="Berta"))
    mail.sign_in(other)

    assert "signed in here as another runner" in mail.page(path)
    mail.http.post(path, data={"said": "done"})

    assert mail.here.suggestion(mine).status == "done"
    assert [mail.here.athlete(runner).sessions_completed_total for runner in (mine, other)] == [10, 9]


def test_exercise_in_place_of_another_is_offered_and_counts(mail: Visitor) -> None:
    path, planned = _key(mail), mail.suggestion.routine["items"][1]
    offered = re.findall(rf'data-swap="{path}/exercise/1/(\w+)"', mail.page(path))

    assert f'data-exercise="{offered[0]}"' in mail.page(f"{path}/exercise/1/{offered[0]}")
    assert mail.get(f"{path}/exercise/1/jump_lunges").status_code == 400
    mail.http.post(path, data={"rpe": "6", "pain": "0", "swap": f"2:{offered[0]}"})

    done = mail.suggestion.routine["items"][1]
    assert (done["exercise"], done["substituted_for"]) == (offered[0], planned["exercise"])


def test_note_of_an_earlier_version_is_ours_to_update_and_to_remove(mail: Visitor) -> None:
    """It had two links: one to the steps, one that answers."""
    suggestion, (delivery,) = mail.suggestion, mail.here.deliveries(mail.runner)
    *lines, signature = delivery.block.split("\n")
    old = "\n".join([*lines, f"Afterwards, how did it go: {SITE}{_answer(mail, None)}", signature])
    new = decisions.with_private_link(mail.here.installation, mail.row, suggestion, delivery.block)
    ours = block.Identity(new, (delivery.block, old), frozenset((suggestion.public_id,)))

    for wanted, left in ((plan.PRESENT, f"Mine\n\n{new}"), (plan.ABSENT, "Mine")):
        step = plan.plan(plan.Known(wanted, plan.PRIVATE_NOTE, ours, written=True, separated=True), f"Mine\n\n{old}")
        assert isinstance(step, plan.Write | plan.Remove)
        assert step.text == left


def test_pages_of_a_suggestion_tell_a_touch_to_the_address_of_its_runner(me: Visitor) -> None:
    public_id = me.suggested().public_id
    pages = [me.page(f"/{page}/{public_id}") for page in ("suggestions", "routine")]
    ((address,), (same,)) = (re.findall(r'data-address="(/r/[^"]+/opened)"', page) for page in pages)
    assert address == same
    assert me.get(address).status_code == 405
    assert me.http.post(address.replace("/r/", "/r/x")).status_code == 404
    assert me.suggestion.opened_at is None

    opened_at = me.here.now
    for _ in range(2):
        assert me.http.post(address).status_code == 204
        me.here.later(hours=1)

    assert me.suggestion.opened_at == opened_at
