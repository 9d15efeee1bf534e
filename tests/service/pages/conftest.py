"""The web application on a store of its own, without any other process."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from adductor.mail.transport import Postbox
from adductor.platforms.base import Grant, PlatformError, Tokens
from adductor.store.models import Athlete, Suggestion
from tests.support.runners import Place, place
from tests.support.site import site

SITE = "http://coach.example.org"
SCOPES = "read,activity:read_all,activity:write"


@dataclass
class Visitor:
    """One browser, and what it does. ``runner``: who is signed in there, after `sign_in`."""

    http: FlaskClient
    here: Place
    runner: int = 0

    def sign_in(self, runner: int) -> None:
        self.runner = runner
        with self.http.session_transaction() as session:
            session["athlete"] = runner
            session["platform_athlete"] = self.here.owner(runner)

    @property
    def row(self) -> Athlete:
        return self.here.athlete(self.runner)

    @property
    def suggestion(self) -> Suggestion:
        """The latest one."""
        return self.here.suggestion(self.runner)

    def change(self, **columns: Any) -> None:
        self.here.change(self.runner, **columns)

    def suggested(self) -> Suggestion:
        """The routine after the run that the runner has just done."""
        self.here.run_done(self.runner)
        return self.suggestion

    def get(self, path: str, **more: Any) -> TestResponse:
        return self.http.get(path, **more)

    def page(self, path: str, **more: Any) -> str:
        return self.get(path, **more).text

    def sees(self, path: str, *said: str, unsaid: Sequence[str] = ()) -> None:
        """The page says all of this, and nothing of ``unsaid``."""
        page = self.page(path)
        assert [words for words in said if words not in page] == []
        assert [words for words in unsaid if words in page] == []

    def post(self, path: str, *, token: str = "", headers: dict[str, str] | None = None, **fields: Any) -> TestResponse:
        """Send a form as the browser would, with the token of a page, or with headers as a script of ours would."""
        return self.http.post(path, data={"csrf_token": token or self.token(), **fields}, headers=headers)

    def token(self) -> str:
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.page("/settings") + self.page("/welcome"))
        assert found is not None, "no page with a form is open to this visitor"
        return found.group(1)

    def state(self, path: str = "/connect/strava", **query: str) -> str:
        """Go out to Strava; the state that it is to give back."""
        target = self.get(path, query_string=query or None).headers["Location"]
        return parse_qs(urlsplit(target).query)["state"][0]

    def comes_back(self, **query: str) -> TestResponse:
        """Come back from Strava."""
        return self.get("/connect/strava/callback", query_string={"code": "c", "scope": SCOPES, **query})

    def export(self) -> str:
        """All that is held about the runner who is signed in, to compare before and after."""
        return self.page("/privacy/export")


@dataclass
class Strava:
    """What stands in for Strava's token endpoint: it takes every code, or raises ``error``."""

    athlete_id: int = 77
    codes: list[str] = field(default_factory=list)
    error: PlatformError | None = None


@pytest.fixture
def strava(here: Place, monkeypatch: pytest.MonkeyPatch) -> Strava:
    stand_in = Strava()

    def exchange(_: object, code: str) -> Grant:
        stand_in.codes.append(code)
        if stand_in.error is not None:
            raise stand_in.error
        return Grant(Tokens("access", "refresh", here.now), str(stand_in.athlete_id), "Mara M", "UTC", "metric")

    monkeypatch.setattr(type(here.installation.platform("strava")), "exchange_code", exchange)
    return stand_in


@contextmanager
def place_with(folder: Path, **settings: str) -> Iterator[Place]:
    """An installation with these settings besides those that every test needs."""
    needed = {"ADDUCTOR_PUBLIC_URL": SITE, "STRAVA_CLIENT_ID": "1", "STRAVA_CLIENT_SECRET": "a-made-up-secret"}
    needed |= {"ADDUCTOR_OPS_TOKEN": "an-operator-token-for-tests", "ADDUCTOR_SMTP_URL": "smtp://mail.example.org"}
    with place(folder, **{**needed, **settings}) as made:
        # A folder takes the mails in the server's place.
        made.installation.postbox = Postbox(None, made.installation.settings.mail_dir)
        yield made


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Place]:
    with place_with(tmp_path) as made:
        yield made


@pytest.fixture
def app(here: Place) -> Flask:
    return site(here, testing=True)


@pytest.fixture
def visitor(app: Flask, here: Place) -> Visitor:
    return Visitor(app.test_client(), here)


@pytest.fixture
def me(visitor: Visitor) -> Visitor:
    """A runner who is signed in."""
    visitor.sign_in(visitor.here.runner())
    return visitor
