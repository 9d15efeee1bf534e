"""Who sees what. Every route against CSRF, forged sessions and foreign ids: tests/security/test_routes.py."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy.exc import OperationalError

from tests.service.pages.conftest import Visitor
from tests.support.runners import Place


@pytest.mark.parametrize("path", ["/home", "/suggestions", "/settings", "/check-in", "/privacy/export", "/welcome"])
def test_page_of_a_runner_sends_a_stranger_to_the_start(visitor: Visitor, path: str) -> None:
    answer = visitor.get(path)

    assert (answer.status_code, answer.headers["Location"]) == (302, "/")


@pytest.mark.parametrize(
    ("row", "location"),
    [({"confirmed_at": None}, "/welcome"), ({"state": "revoked"}, "/"), ({"state": "leaving"}, "/")],
    ids=["before the first answers", "disconnected", "leaving"],
)
def test_home_sends_a_runner_who_may_not_look_elsewhere(
    visitor: Visitor, here: Place, row: dict[str, str | None], location: str
) -> None:
    visitor.sign_in(here.runner(**row))

    assert visitor.get("/home").headers["Location"] == location


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("scope_missing", "Strava says that a permission is missing."),
        ("resting", "Strava has refused our calls for a while.</strong> Nothing is lost, and you keep your level."),
    ],
)
def test_pages_of_a_connection_that_fails_say_so_and_offer_to_connect(
    visitor: Visitor, here: Place, runner: int, state: str, said: str
) -> None:
    visitor.post("/settings/calendar")
    pages = ("/home", "/settings")
    assert not any('href="/connect/strava' in visitor.get(path).text for path in pages)

    here.change(runner, state=state)

    for path in pages:
        page = visitor.get(path).text
        assert said in page, path
        assert '<a class="connect" href="/connect/strava' in page, path
    assert visitor.get(f"/calendar/{here.athlete(runner).calendar_key}.ics").status_code == 200


def test_busy_database_is_503_and_asked_again_later(
    app: Flask, visitor: Visitor, runner: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = visitor.token()

    def busy(**_: object) -> None:
        raise OperationalError("BEGIN IMMEDIATE", None, Exception("database is locked"))

    monkeypatch.setattr(app.extensions["installation"].store, "write", busy)
    answer = visitor.post("/pause", token=token, end="1")

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")
    assert "Try again in a minute" in answer.text
