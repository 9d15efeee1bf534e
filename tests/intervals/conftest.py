"""One installation in this process, and the made-up intervals.icu on a port; the test sets the clocks of both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from adductor.jobs import poll, reconcile, rounds
from adductor.queue import timers
from adductor.store.models import Connection, InboxEvent
from service.inbox_writer import InboxWriter
from tests.sandbox.conftest import Admin, Sandbox, running, serving
from tests.support.athletes import change
from tests.support.runners import Place, place
from tests.support.site import site

SECRET = "a-made-up-webhook-secret"
# A Wednesday morning.
NOW = "2026-11-18T09:00:00+00:00"


@dataclass(kw_only=True)
class Icu(Admin):
    """What tests say to the made-up intervals.icu and to our side of it."""

    here: Place
    web: FlaskClient
    athletes: dict[int, str] = field(default_factory=dict)  # theirs by ours

    # -- connecting --------------------------------------------------------------------------------------------------

    def account(self) -> dict[str, Any]:
        made: dict[str, Any] = self.admin("/athletes", {"runner": {"timezone": "UTC"}})
        return made

    def by_key(self, account: dict[str, Any], **row: Any) -> int:
        """Connect with the account's own key, on our page; our id of the runner."""
        answer = self.send_key(account["api_key"])
        assert answer.status_code == 302, answer.text
        return self._connected(account, row)

    def send_key(self, api_key: str) -> TestResponse:
        return self.web.post("/connect/intervals/key", data={"api_key": api_key})

    def by_oauth(self, account: dict[str, Any], untick: tuple[str, ...] = (), **row: Any) -> int:
        answer = self.consent(account, untick)
        assert answer.status_code == 302, answer.text
        return self._connected(account, row)

    def runner(self, way: str = "oauth", **row: Any) -> int:
        """A runner of a new account, connected this way, whose past is known."""
        ours = self.by_key(self.account(), **row) if way == "key" else self.by_oauth(self.account(), **row)
        self.polls(hours=1)
        return ours

    def consent(self, account: dict[str, Any], untick: tuple[str, ...] = ()) -> TestResponse:
        """Through both sides' pages; what our callback answers."""
        asked = dict(parse_qsl(urlsplit(self.web.get("/connect/intervals").headers["Location"]).query))
        granted = [scope for scope in asked["scope"].split(",") if scope not in untick]
        form = {**asked, "answer": "authorize", "runner_id": account["runner_id"], "granted": granted}
        back = self.http.post("/intervals/oauth/authorize", data=form).headers["Location"]
        return self.web.get(f"/connect/intervals/callback?{urlsplit(back).query}")

    def _connected(self, account: dict[str, Any], row: dict[str, Any]) -> int:
        """The runner of this account, with a past, so that a run of today is due a routine."""
        theirs = account["id"].removeprefix("i")
        with self.here.installation.store.write() as session:
            connection = session.scalars(select(Connection).filter_by(platform="intervals", external_id=theirs)).one()
            athlete, now = connection.athlete, self.here.now
            past = {"confirmed_at": now, "screening_completed_at": now, "sessions_completed_total": 9}
            past |= {"programme_stage": 2, "last_completed_on": now.date() - timedelta(days=5)}
            change(athlete, **past | row)
            ours = athlete.id
        self.athletes[ours] = account["id"]
        self.web.post("/sign-out")
        # An earlier run: without it every run would be the first after a break.
        self.record(ours, start=(self.here.now - timedelta(days=3)).isoformat(), silent=True)
        return ours

    # -- the log -----------------------------------------------------------------------------------------------------

    def record(self, runner: int, **recording: Any) -> dict[str, Any]:
        """An easy run of 45 minutes that has just ended, unless told otherwise."""
        made: dict[str, Any] = self.admin(f"/athletes/{self.athletes[runner]}/activities", recording)
        return made

    def plan(self, runner: int, category: str, day: str, **fields: Any) -> dict[str, Any]:
        entry = {"category": category, "name": category, "start_date_local": f"{day}T00:00:00", **fields}
        made: dict[str, Any] = self.admin(f"/athletes/{self.athletes[runner]}/events", entry)
        return made

    def notes(self, runner: int) -> list[dict[str, Any]]:
        """The NOTEs of ours that stand."""
        found = self.look(f"/athletes/{self.athletes[runner]}/events")
        return [each["fields"] for each in found if each["fields"]["category"] == "NOTE" and not each["deleted"]]

    def calls(self) -> list[str]:
        return [call["endpoint"] for call in self.look("/calls?limit=1000")["calls"]]

    def forget_calls(self) -> None:
        self.admin("/reset", {"what": "calls"})

    # -- time and our side -------------------------------------------------------------------------------------------

    def later(self, **delta: float) -> None:
        self.here.later(**delta)
        self.http.post("/admin/clock", json={"now": self.here.now.isoformat(), "speed": 0.001})

    def hears(self) -> None:
        """Let time pass until every webhook has come (a busy moment answers 503, and it comes again); handle what is due."""
        self.later(seconds=3)
        while self.http.get("/intervals/admin/wait?for=deliveries&timeout_s=5").status_code != 200:
            self.later(minutes=1)
        rounds.sweep(self.here.installation)

    def comes(self, way: str) -> None:
        """Let the news of the log reach us."""
        if way == "key":
            self.polls(minutes=6)
        else:
            self.hears()

    def polls(self, **delta: float) -> None:
        """Let time pass; what is due is polled and handled."""
        self.later(**delta)
        timers.tick(self.here.installation, poll.TIMER)
        reconcile.tick(self.here.installation)
        rounds.sweep(self.here.installation)

    def events(self) -> list[InboxEvent]:
        with self.here.installation.store.read() as session:
            return list(session.scalars(select(InboxEvent).order_by(InboxEvent.id)))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Sandbox, str]]:
    with running(tmp_path_factory.mktemp("sandbox")) as sandbox, serving(sandbox.http.application) as url:
        yield sandbox, url


def settings_of(url: str) -> dict[str, str]:
    return {
        "ADDUCTOR_PUBLIC_URL": "http://127.0.0.1:8000",
        "ADDUCTOR_INTERVALS_API_URL": f"{url}/intervals/api/v1",
        "ADDUCTOR_INTERVALS_OAUTH_URL": f"{url}/intervals",
        "INTERVALS_CLIENT_ID": "999",
        "INTERVALS_CLIENT_SECRET": "secret",
        "INTERVALS_WEBHOOK_SECRET": f"the-old-one,{SECRET}",
    }


@pytest.fixture
def icu(tmp_path: Path, served: tuple[Sandbox, str], unused_url: str) -> Iterator[Icu]:
    """On both databases. Its webhooks reach our web on a port of its own."""
    sandbox, url = served
    sandbox.admin("/reset")
    with place(tmp_path, **settings_of(url), ADDUCTOR_DATABASE_URL=unused_url) as here:
        app = site(here, testing=True)
        app.config["WTF_CSRF_ENABLED"] = False  # tests/security has it; here no page is read for its token
        app.extensions["inbox_writer"] = InboxWriter(here.installation.store, here.clock, lambda: None)
        made = Icu(sandbox.http, "/intervals", here=here, web=app.test_client())
        made.switch(per_second=None)
        made.later(seconds=0)
        with serving(app) as web:
            key = here.installation.settings.webhook_key
            made.admin("/application", {"webhook_url": f"{web}/webhooks/intervals/{key}", "secret": SECRET})
            yield made
            made.admin("/application", {"webhook_url": None})
