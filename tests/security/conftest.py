"""Two athletes on one installation, a browser of the first, and every route that there is."""

from __future__ import annotations

import json
from collections.abc import Container, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.routing import Rule

from adductor.athletes import personal_data
from adductor.store.models import PlannedRunRecord
from tests.service.pages.conftest import SITE as SITE
from tests.service.pages.conftest import Visitor
from tests.service.pages.conftest import here as here
from tests.service.pages.conftest import place_with as place_with
from tests.service.pages.conftest import strava as strava
from tests.service.pages.conftest import visitor as visitor
from tests.support.runners import Place
from tests.support.site import site

# Their permission stands in the address: a key or a signed link, which a page of another site can't know.
_SIGNED = ("take", "unsubscribe", "confirm", "finish_routine", "useful", "opened")
BY_ADDRESS = {"webhooks.receive", "webhooks.receive_many", *(f"answers.{name}" for name in _SIGNED)}
# These end the connection, the session or the athlete.
ENDING = {"pages.leave", "pages.disconnect", "connect.sign_out"}
# Valid fields of several forms.
FIELDS = {"confirm": "delete", "said": "done", "pain": "0", "rpe": "5", "target": "2", "placement_post_run": "1"}
FIELDS |= {"channel_post_run": "private_note", "weeks": "1", "sorted": "yes", "end": "1"}
# The values of place holders in routes, unless a test gives others.
_VALUES: dict[str, Any] = {"key": "no-such-key", "token": "no-such-token", "public_id": "nosuchid", "race_id": 1}
_VALUES |= {"exercise_id": "supine_adductor_squeeze", "place": 0, "section": "dose", "filename": "style.css"}
_VALUES |= {"own_id": "own_1", "name": "robots.txt", "platform": "intervals"}


@dataclass
class Person:
    """An athlete with something of everything, and what no other athlete may read of it."""

    id: int
    external_id: str
    public_id: str
    race_id: int
    calendar_key: str
    private: tuple[str, ...]

    def everything(self, here: Place) -> str:
        """All that is held about them, to compare before and after."""
        with here.installation.store.read() as session:
            whole = personal_data.export(session, here.athlete(self.id))
        return json.dumps(whole, sort_keys=True, default=str)

    def links(self, here: Place) -> dict[str, str]:
        """A signed link of each purpose, as paths, by the endpoint that takes it."""
        links = here.installation.links
        made = {
            "answers.take": links.answer(self.public_id, "done", here.now),
            "answers.finish_routine": links.runner_routine(self.public_id),
            "answers.opened": f"{links.runner_routine(self.public_id)}/opened",
            "answers.useful": links.useful(self.public_id, "yes", here.now),
            "answers.unsubscribe": links.unsubscribe(self.id, self.external_id, here.now),
            "answers.confirm": links.confirm(self.id, self.private[1], here.now),
        }
        return {endpoint: link.removeprefix(SITE) for endpoint, link in made.items()}


@dataclass
class Scene:
    """Two athletes, the application, and a browser that is signed in as the first."""

    here: Place
    app: Flask
    mine: Person
    theirs: Person
    visitor: Visitor

    def stranger(self) -> Visitor:
        """Another browser, without a session."""
        return Visitor(self.app.test_client(), self.here)

    def everything(self) -> tuple[str, str]:
        return self.mine.everything(self.here), self.theirs.everything(self.here)

    def routes(
        self, method: str, *, of: Person | None = None, without: Container[str] = (), **values: Any
    ) -> Iterator[tuple[Rule, str]]:
        """Every route that takes this method, with its path: the ids in it are those ``of`` this person, or of the first."""
        person = of or self.mine
        for rule in self.app.url_map.iter_rules():
            if method in (rule.methods or ()) and rule.endpoint not in without:
                ids = {"public_id": person.public_id, "race_id": person.race_id}
                yield rule, self.path(rule, **{**ids, **values})

    def path(self, rule: Rule, **values: Any) -> str:
        unknown = rule.arguments - _VALUES.keys()
        assert not unknown, f"{rule.rule}: tests/security/conftest.py has no value for {unknown}"
        known = {name: values.get(name, _VALUES[name]) for name in rule.arguments}
        return str(self.app.url_map.bind("coach.example.org").build(rule.endpoint, known))


def person(here: Place, name: str) -> Person:
    """A connected athlete with a suggestion, a race, a calendar and an address."""
    key, email = f"calendar-of-{name.lower()}", f"{name.lower()}@private.example"
    own = {"id": "own_1", "name": f"{name}s tilt", "sets": 1, "reps": 5, "placements": ["post_run"]}
    sentence = f"{name} does it before the shower"
    row = {"email": email, "calendar_key": key, "own_exercises": [own], "if_then": sentence}
    athlete = here.runner(name=f"{name} Surname", **row)
    here.run_done(athlete)
    with here.installation.store.write() as session:
        start = here.now + timedelta(days=30)
        race = PlannedRunRecord(athlete_id=athlete, start=start, kind="race", priority="A", name=f"{name} Marathon")
        session.add(race)
        session.flush()
        race_id = race.id
    private = (f"{name} Surname", email, key, f"{name} Marathon", own["name"], sentence)
    return Person(athlete, here.owner(athlete), here.suggestion(athlete).public_id, race_id, key, private)


@pytest.fixture
def here_on_each(tmp_path: Path, unused_url: str) -> Iterator[Place]:
    """The same on SQLite and on PostgreSQL."""
    with place_with(tmp_path, ADDUCTOR_DATABASE_URL=unused_url) as made:
        yield made


@pytest.fixture
def app(here: Place) -> Flask:
    return site(here)


@pytest.fixture
def scene(app: Flask, here: Place, visitor: Visitor) -> Scene:
    made = Scene(here, app, person(here, "Anna"), person(here, "Berta"), visitor)
    visitor.sign_in(made.mine.id)
    return made
