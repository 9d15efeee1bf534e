"""Links of mails and notes: each does one thing, for one runner, for a time; every other use of it is refused."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from flask import Flask

from adductor.mail.links import Links
from tests.security.conftest import Person, person
from tests.service.pages.conftest import Visitor
from tests.support.runners import Place

SITE = "http://coach.example.org"
PURPOSES = ("a", "unsubscribe", "confirm-address")


@dataclass
class Two:
    """One runner with links of every purpose, and another."""

    here: Place
    mine: Person
    theirs: Person

    def token(self, purpose: str, links: Links | None = None) -> str:
        links = links or self.here.installation.links
        made = {
            "a": links.answer(self.mine.public_id, "done", self.here.now),
            "unsubscribe": links.unsubscribe(self.mine.id, self.mine.platform_athlete_id, self.here.now),
            "confirm-address": links.confirm(self.mine.id, self.mine.private[1], self.here.now),
        }
        return made[purpose].rpartition("/")[2]

    def everything(self) -> tuple[str, str]:
        return self.mine.everything(self.here), self.theirs.everything(self.here)


@pytest.fixture
def two(here: Place) -> Two:
    made = Two(here, person(here, "Anna"), person(here, "Berta"))
    here.change(made.mine.id, email_confirmed_at=None)
    return made


@pytest.mark.parametrize("used_as", [*PURPOSES, "calendar", "webhooks/strava", "routine", "suggestions"])
@pytest.mark.parametrize("made_for", PURPOSES)
def test_a_link_of_one_purpose_does_nothing_else(two: Two, visitor: Visitor, made_for: str, used_as: str) -> None:
    if made_for == used_as:
        return
    visitor.sign_in(two.mine.id)
    before = two.everything()
    path = f"/{used_as}/{two.token(made_for)}" + (".ics" if used_as == "calendar" else "")

    for method in ("GET", "POST"):
        data = {"csrf_token": visitor.token()} if method == "POST" else None
        assert visitor.http.open(path, method=method, data=data).status_code in (404, 405), (method, path)

    assert two.everything() == before


@pytest.mark.parametrize("purpose", PURPOSES)
def test_each_link_does_its_own_thing(two: Two, visitor: Visitor, purpose: str) -> None:
    """Or the tests beside this one would pass for links that do nothing at all."""
    before = two.everything()

    assert visitor.http.post(f"/{purpose}/{two.token(purpose)}").status_code == 200

    mine, theirs = two.everything()
    assert mine != before[0]
    assert theirs == before[1]


@pytest.mark.parametrize("purpose", PURPOSES)
def test_a_link_with_one_letter_changed_is_none(two: Two, visitor: Visitor, purpose: str) -> None:
    token, before = two.token(purpose), two.everything()

    for place, letter in enumerate(token):
        changed = token[:place] + ("A" if letter != "A" else "B") + token[place + 1 :]
        assert visitor.http.post(f"/{purpose}/{changed}").status_code == 404, changed
    for cut in (token[:-1], token[1:], token + "A", token.partition(".")[0], ""):
        assert visitor.http.post(f"/{purpose}/{cut}").status_code in (404, 405), cut

    assert two.everything() == before


@pytest.mark.parametrize("purpose", PURPOSES)
def test_a_link_signed_by_somebody_else_is_none(two: Two, visitor: Visitor, purpose: str) -> None:
    guessed = Links("another secret of the right length 0123456789", SITE, lambda: two.here.now)
    before = two.everything()

    assert visitor.http.post(f"/{purpose}/{two.token(purpose, guessed)}").status_code == 404

    assert two.everything() == before


@pytest.mark.parametrize(("purpose", "days"), [("a", 30), ("confirm-address", 3), ("unsubscribe", 5 * 365)])
def test_a_link_ends(two: Two, visitor: Visitor, purpose: str, days: int) -> None:
    token, before = two.token(purpose), two.everything()
    two.here.later(days=days, seconds=1)

    assert visitor.http.post(f"/{purpose}/{token}").status_code == 410

    assert two.everything() == before


def test_a_session_cookie_is_no_link_and_a_link_no_session(app: Flask, two: Two, visitor: Visitor) -> None:
    visitor.sign_in(two.mine.id)
    cookie = visitor.http.get_cookie("adductor", domain="localhost")
    assert cookie is not None
    stranger = Visitor(app.test_client(), two.here)
    before = two.everything()

    for purpose in PURPOSES:
        assert stranger.http.post(f"/{purpose}/{cookie.value}").status_code == 404
        stranger.http.set_cookie("adductor", two.token(purpose))
        assert stranger.get("/home").headers["Location"] == "/"

    assert two.everything() == before


def test_links_leave_no_trace_in_referrers(two: Two, visitor: Visitor) -> None:
    answer = visitor.get(f"/a/{two.token('a')}")

    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"
