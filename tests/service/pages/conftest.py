"""The web application on a store of its own, without any other process."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from adductor.store.models import Suggestion
from tests.support.runners import Place, place
from tests.support.site import site

SITE = "http://coach.example.org"


@dataclass
class Visitor:
    """One browser, and what it does."""

    http: FlaskClient
    place: Place

    def sign_in(self, runner: int) -> None:
        with self.http.session_transaction() as session:
            session["athlete"] = runner
            session["platform_athlete"] = self.place.owner(runner)

    def get(self, path: str, **more: Any) -> TestResponse:
        return self.http.get(path, **more)

    def post(self, path: str, *, token: str | None = None, **fields: Any) -> TestResponse:
        """Send a form as the browser would: with the token of a page."""
        return self.http.post(path, data={"csrf_token": token or self.token(), **fields})

    def token(self) -> str:
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.get("/settings").text + self.get("/welcome").text)
        assert found is not None, "no page with a form is open to this visitor"
        return found.group(1)

    def suggested(self, runner: int) -> Suggestion:
        """The routine after the run that this runner has just done."""
        self.place.run_done(runner)
        return self.place.suggestion(runner)


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Place]:
    with place(tmp_path, ADDUCTOR_PUBLIC_URL=SITE, STRAVA_CLIENT_ID="1", STRAVA_CLIENT_SECRET="secret") as made:
        yield made


@pytest.fixture
def app(here: Place) -> Flask:
    return site(here, testing=True)


@pytest.fixture
def visitor(app: Flask, here: Place) -> Visitor:
    return Visitor(app.test_client(), here)


@pytest.fixture
def runner(here: Place, visitor: Visitor) -> int:
    """A runner who is signed in."""
    made = here.runner()
    visitor.sign_in(made)
    return made
