"""Nothing changes without a form of ours: every route that takes a POST, also those that come later."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from tests.security.conftest import application, path_of, person, routes
from tests.service.pages.conftest import Visitor
from tests.support.runners import Place

# Their permission stands in the address: a key or a signed link, which a page of another site can't know.
BY_ADDRESS = {"webhooks.receive", "answers.take", "answers.unsubscribe", "answers.confirm"}
_FIELDS = {"end": "1", "confirm": "delete", "sorted": "yes", "target": "1", "said": "done", "pain": "0", "weeks": "1"}


def test_every_form_wants_the_token_of_a_page(app: Flask, here: Place, visitor: Visitor) -> None:
    mine = person(here, "Anna")
    visitor.sign_in(mine.id)
    before = mine.everything(here)
    forms = [rule for rule in routes(app, "POST") if rule.endpoint not in BY_ADDRESS]
    assert len(forms) > 12

    for rule in forms:
        path = path_of(app, rule, public_id=mine.public_id, race_id=mine.race_id)
        answer = visitor.http.post(path, data=_FIELDS)
        assert answer.status_code == 400, rule.rule
        assert "out of date" in answer.text, rule.rule

    assert mine.everything(here) == before


def test_a_token_of_another_browser_is_none(app: Flask, here: Place, visitor: Visitor) -> None:
    mine, theirs = person(here, "Anna"), person(here, "Berta")
    attacker = Visitor(app.test_client(), here)
    attacker.sign_in(theirs.id)
    token = attacker.token()
    visitor.sign_in(mine.id)
    before = mine.everything(here)

    for rule in routes(app, "POST"):
        if rule.endpoint not in BY_ADDRESS:
            path = path_of(app, rule, public_id=mine.public_id, race_id=mine.race_id)
            assert visitor.http.post(path, data={**_FIELDS, "csrf_token": token}).status_code == 400, rule.rule

    assert mine.everything(here) == before


def test_what_needs_no_token_needs_the_secret_in_its_address(app: Flask, visitor: Visitor) -> None:
    for rule in routes(app, "POST"):
        if rule.endpoint in BY_ADDRESS:
            assert visitor.http.post(path_of(app, rule), data=_FIELDS).status_code == 404, rule.rule


def test_looking_changes_nothing(app: Flask, here: Place, visitor: Visitor) -> None:
    mine = person(here, "Anna")
    visitor.sign_in(mine.id)
    before = mine.everything(here)

    for rule in routes(app, "GET"):
        for method in ("GET", "HEAD"):
            path = path_of(app, rule, public_id=mine.public_id, race_id=mine.race_id, key=mine.calendar_key)
            assert visitor.http.open(path, method=method).status_code != 500, rule.rule

    assert mine.everything(here) == before


def test_every_form_of_every_page_carries_its_token(here: Place) -> None:
    mine = person(here, "Anna")
    visitor = Visitor(application(here).test_client(), here)
    visitor.sign_in(mine.id)
    pages = (
        "/home",
        "/check-in",
        "/settings",
        "/privacy",
        f"/suggestions/{mine.public_id}",
        f"/routine/{mine.public_id}",
    )

    for path in pages:
        forms = re.findall(r"<form[^>]*method=\"post\".*?</form>", visitor.get(path).text, re.DOTALL)
        assert forms, path
        assert all('name="csrf_token"' in form for form in forms), path


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_a_form_of_another_site_has_no_session_to_use(here: Place, visitor: Visitor, origin: str) -> None:
    """Lax cookies stay at home when another site posts; and its page can't read a token either."""
    mine = person(here, "Anna")
    visitor.sign_in(mine.id)
    page = visitor.get("/settings")

    assert "Access-Control-Allow-Origin" not in page.headers
    cookie = visitor.http.get("/home").headers.get("Set-Cookie", "") + page.headers.get("Set-Cookie", "")
    assert "SameSite=Lax" in cookie
    answer = visitor.http.post("/pause", data={"weeks": "1"}, headers={"Origin": origin})
    assert answer.status_code == 400
