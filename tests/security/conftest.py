"""Two runners on one installation, an attacker's browser, and every route that there is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.routing import Rule

from adductor.athletes import personal_data
from adductor.store.models import PlannedRunRecord
from tests.service.pages.conftest import Visitor
from tests.support.runners import Place, place
from tests.support.site import site

OPS_TOKEN = "an-operator-token-for-tests"


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Place]:
    with _place(tmp_path) as made:
        yield made


@pytest.fixture
def here_on_each(tmp_path: Path, database_url: str) -> Iterator[Place]:
    """The same on SQLite and on PostgreSQL."""
    with _place(tmp_path, ADDUCTOR_DATABASE_URL=database_url) as made:
        yield made


def _place(folder: Path, **settings: str) -> Any:
    return place(
        folder,
        ADDUCTOR_PUBLIC_URL="http://coach.example.org",
        STRAVA_CLIENT_ID="1",
        STRAVA_CLIENT_SECRET="a-made-up-secret",
        ADDUCTOR_OPS_TOKEN=OPS_TOKEN,
        **settings,
    )


def application(here: Place) -> Flask:
    """The web application of this place, as it is in life."""
    return site(here)


@pytest.fixture
def app(here: Place) -> Flask:
    return application(here)


@pytest.fixture
def visitor(app: Flask, here: Place) -> Visitor:
    return Visitor(app.test_client(), here)


@dataclass
class Person:
    """A runner with something of everything, and what nobody else may read of it."""

    id: int
    platform_athlete_id: str
    public_id: str
    race_id: int
    calendar_key: str
    private: tuple[str, ...]

    def everything(self, here: Place) -> str:
        """All that is held about them, to see whether anything changed."""
        with here.installation.store.read() as session:
            whole = personal_data.export(session, here.athlete(self.id))
        return json.dumps(whole, sort_keys=True, default=str)


def person(here: Place, name: str) -> Person:
    """A connected runner with a suggestion, a race, a calendar and an address."""
    runner = here.runner(
        name=f"{name} Surname", email=f"{name.lower()}@private.example", calendar_key=f"calendar-of-{name.lower()}"
    )
    here.run_done(runner)
    with here.installation.store.write() as session:
        race = PlannedRunRecord(
            athlete_id=runner, start=here.now + timedelta(days=30), kind="race", priority="A", name=f"{name} Marathon"
        )
        session.add(race)
        session.flush()
        race_id = race.id
    athlete, suggestion = here.athlete(runner), here.suggestion(runner)
    private = (f"{name} Surname", str(athlete.email), f"calendar-of-{name.lower()}", f"{name} Marathon")
    return Person(
        runner, athlete.connection.external_id, suggestion.public_id, race_id, f"calendar-of-{name.lower()}", private
    )


# What stands in a route's place holders, where the test says nothing else.
_VALUES: dict[str, Any] = {
    "key": "no-such-key",
    "token": "no-such-token",
    "public_id": "nosuchid",
    "race_id": 1,
    "exercise_id": "supine_adductor_squeeze",
    "place": 0,
    "section": "dose",
    "filename": "style.css",
}


def routes(app: Flask, method: str) -> list[Rule]:
    """Every route that takes this method."""
    return [rule for rule in app.url_map.iter_rules() if method in (rule.methods or ())]


def path_of(app: Flask, rule: Rule, **values: Any) -> str:
    """The route's path with these values. A place holder that nobody knows fails: say above what stands there."""
    unknown = rule.arguments - _VALUES.keys()
    assert not unknown, f"{rule.rule}: tests/security/conftest.py does not know what to put for {unknown}"
    known = {name: values.get(name, _VALUES[name]) for name in rule.arguments}
    return str(app.url_map.bind("coach.example.org").build(rule.endpoint, known))
