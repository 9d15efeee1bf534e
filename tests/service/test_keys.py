"""The short link of notes, mails and calendars: one routine for its runner, without signing in."""

from __future__ import annotations

import re
from typing import Any

import pytest

from adductor.athletes import decisions
from adductor.mail.links import Links
from adductor.notes import block, plan
from tests.service.pages.conftest import SITE, Visitor
from tests.service.pages.conftest import app as app
from tests.service.pages.conftest import here as here
from tests.service.pages.conftest import visitor as visitor
from tests.support.runners import Place

MOST_KEY_CHARS = 24


@pytest.fixture
def runner(here: Place) -> int:
    made = here.runner(name="Anna Surname")
    here.run_done(made)
    return made


def _path(here: Place, runner: int) -> str:
    return here.installation.links.runner_routine(here.suggestion(runner).public_id).removeprefix(SITE)


def test_link_is_short_and_shows_one_routine_and_no_person(visitor: Visitor, here: Place, runner: int) -> None:
    path, before = _path(here, runner), here.suggestion(runner).status

    page = visitor.get(path)

    assert len(path.removeprefix("/r/")) <= MOST_KEY_CHARS
    assert (page.status_code, before, here.suggestion(runner).status) == (200, "open", "open")
    assert "Mark as done" in page.text
    assert "Anna" not in page.text
    assert here.suggestion(runner).reason not in page.text
    assert "Set-Cookie" not in page.headers
    assert (page.headers["X-Robots-Tag"], page.headers["Referrer-Policy"]) == ("noindex, nofollow", "no-referrer")
    assert not re.search(r'(?:href|action)="/(?:home|suggestions|settings|routine)', page.text)


def test_only_the_private_text_holds_the_key_and_no_stored_text_does(here: Place, runner: int) -> None:
    suggestion, (delivery,) = here.suggestion(runner), here.deliveries(runner)
    links = here.installation.links
    key = links.runner_routine(suggestion.public_id)

    private = decisions.with_private_link(here.installation, here.athlete(runner), suggestion, delivery.block)

    assert private.count(key) == 1
    assert f"{SITE}/routine/" not in private
    for public in (delivery.block, *delivery.known_texts):
        assert key not in public
    assert links.with_proofs(links.without_proofs(private)) == private
    assert links.without_proofs(private) in delivery.known_texts
    assert Links("another secret", SITE, lambda: here.now).runner_routine(suggestion.public_id) != key


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
    visitor: Visitor, here: Place, runner: int, form: dict[str, str], status: str, counted: int, title: str, words: str
) -> None:
    before = here.athlete(runner).sessions_completed_total
    first, again = (visitor.http.post(_path(here, runner), data=form) for _ in range(2))

    assert (first.status_code, again.status_code) == (200, 200)
    assert here.suggestion(runner).status == status
    for page in (first, again):
        assert f">{title}</h1>" in page.text
        assert re.search(words, page.text)
    assert here.athlete(runner).sessions_completed_total == before + counted


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
def test_link_whose_routine_is_over_says_so_calmly(
    visitor: Visitor, here: Place, runner: int, change: Any, status: int, words: str
) -> None:
    path = _path(here, runner)
    change(here, runner)

    page = visitor.get(path)

    assert page.status_code == status
    assert words in page.text
    assert "Start the timer" not in page.text
    assert visitor.http.post(path, data={"said": "done"}).status_code == status


def test_runner_who_is_signed_in_as_another_answers_for_the_links_own(
    visitor: Visitor, here: Place, runner: int
) -> None:
    other = here.runner(name="Berta")
    visitor.sign_in(other)

    assert "signed in here as another runner" in visitor.get(_path(here, runner)).text
    visitor.http.post(_path(here, runner), data={"said": "done"})

    assert here.suggestion(runner).status == "done"
    assert here.athlete(other).sessions_completed_total == here.athlete(runner).sessions_completed_total - 1


def test_exercise_in_place_of_another_is_offered_and_counts(visitor: Visitor, here: Place, runner: int) -> None:
    path = _path(here, runner)
    planned = here.suggestion(runner).routine["items"][1]
    offered = re.findall(rf'data-swap="{path}/exercise/1/(\w+)"', visitor.get(path).text)

    assert f'data-exercise="{offered[0]}"' in visitor.get(f"{path}/exercise/1/{offered[0]}").text
    assert visitor.get(f"{path}/exercise/1/jump_lunges").status_code == 400
    visitor.http.post(path, data={"rpe": "6", "pain": "0", "swap": f"2:{offered[0]}"})

    done = here.suggestion(runner).routine["items"][1]
    assert (done["exercise"], done["substituted_for"]) == (offered[0], planned["exercise"])


def test_note_of_an_earlier_version_is_ours_to_update_and_to_remove(here: Place, runner: int) -> None:
    """It had two links: one to the steps, one that answers."""
    suggestion, (delivery,) = here.suggestion(runner), here.deliveries(runner)
    links = here.installation.links
    *lines, signature = delivery.block.split("\n")
    answer = links.answer(suggestion.public_id, None, suggestion.created_at)
    old = "\n".join([*lines, f"Afterwards, how did it go: {answer}", signature])
    new = decisions.with_private_link(here.installation, here.athlete(runner), suggestion, delivery.block)
    ours = block.Identity(new, (delivery.block, old), frozenset((suggestion.public_id,)))

    for wanted, left in ((plan.PRESENT, f"Mine\n\n{new}"), (plan.ABSENT, "Mine")):
        step = plan.plan(plan.Known(wanted, plan.PRIVATE_NOTE, ours, written=True, separated=True), f"Mine\n\n{old}")
        assert isinstance(step, plan.Write | plan.Remove)
        assert step.text == left
