"""schemathesis against the described HTTP surface (docs/openapi.yaml), in process: what is described must be what happens.

Every operation is asked as the description allows and as it forbids, by nobody and by a runner who is signed in, with made-up
values and with those that open something (a link, a suggestion, a form's token).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import schemathesis
import yaml
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from service.app import create_app
from tests.support.runners import Place, place

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

DESCRIPTION = Path(__file__).parents[2] / "docs" / "openapi.yaml"
# Says that it isn't ready while there is no broker, which is the truth here.
_MAY_BE_DOWN = frozenset({"/readyz"})
OPS_TOKEN = "an operator's token of this place alone"  # noqa: S105
_CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
)


class OpenSite:
    """The application as this machine sees it: not counted against the limits for visitors."""

    def __init__(self, app: Flask) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ["REMOTE_ADDR"] = "127.0.0.1"
        return self._app.wsgi_app(environ, start_response)


@dataclass
class Browser:
    """A runner in front of a browser: the cookie, and the values of their own that open something."""

    cookie: str
    opens: dict[str, dict[str, str]]
    csrf_token: str


@dataclass
class Figures:
    """What was asked and answered."""

    operations: int = 0
    statuses: Counter[int] = field(default_factory=Counter)


def check(*, examples: int, seed: int) -> Figures:
    """Ask each operation ``examples`` times in each of four ways. Raises what schemathesis found."""
    figures = Figures()
    with _site() as (here, app):
        operator = _operators_cookie(app)
        schema = schemathesis.openapi.from_dict(yaml.safe_load(DESCRIPTION.read_text(encoding="utf-8")))
        schema.app = OpenSite(app)
        for result in schema.get_all_operations():
            operation: Any = result.ok()  # type: ignore[union-attr]  # raises for what is wrong with the description
            figures.operations += 1
            # Only a query or a body has values that the description forbids; every text may stand in a path.
            forbidden = [GenerationMode.NEGATIVE] if list(operation.query) or list(operation.body) else []
            for mode in (GenerationMode.POSITIVE, *forbidden):
                for signed_in in (False, True):
                    browser = _sign_in(here, app, operator) if signed_in else None
                    _ask(operation.as_strategy(generation_mode=mode), browser, examples, seed, figures)
    return figures


def _ask(cases: Any, browser: Browser | None, examples: int, seed: int, figures: Figures) -> None:
    turn = count()

    @seeded(seed)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(cases)
    def ask(case: Case[Any]) -> None:
        if browser is not None and next(turn) % 2:
            _put_in(case, browser)
        response = case.call(headers={"Cookie": browser.cookie} if browser is not None else None)
        figures.statuses[response.status_code] += 1
        skip = _MAY_BE_DOWN & {case.operation.path}
        checks: list[Callable[..., Any]] = [one for one in _CHECKS if not (skip and one is not_a_server_error)]
        case.validate_response(response, checks=checks)

    try:
        ask()
    except Exception as error:
        if type(error).__name__ != "Unsatisfiable":  # no parameters and no body: there is nothing to get wrong
            raise


def _put_in(case: Case[Any], browser: Browser) -> None:
    """Values that open something, in the place of made-up ones."""
    for name, value in browser.opens.get(case.operation.path, {}).items():
        case.path_parameters[name] = value
    if isinstance(case.body, dict) and case.media_type == "application/x-www-form-urlencoded":
        case.body["csrf_token"] = browser.csrf_token


def _operators_cookie(app: Flask) -> str:
    """Once: the form for the token is counted, whoever asks."""
    client = app.test_client()
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/ops/sign-in").text)
    client.post("/ops/sign-in", data={"token": OPS_TOKEN, "csrf_token": found.group(1) if found else ""})
    cookie = client.get_cookie("adductor_ops", path="/ops")
    if cookie is None:
        raise RuntimeError("the operator could not be signed in")
    return f"adductor_ops={cookie.value}"


def _sign_in(here: Place, app: Flask, operator: str) -> Browser:
    runner = here.runner(email_confirmed_at=None, calendar_key=f"key{next(_numbers)}")
    here.run_done(runner)
    suggestion = here.suggestion(runner)
    client = app.test_client()
    with client.session_transaction() as session:
        session["athlete"] = runner
        session["platform_athlete"] = here.athlete(runner).platform_athlete_id
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/settings").text)
    cookie = client.get_cookie("adductor")
    if found is None or cookie is None:
        raise RuntimeError("the runner could not be signed in")
    links, athlete = here.installation.links, here.athlete(runner)
    public_id = suggestion.public_id
    settings_ = here.installation.settings

    def token(link: str) -> dict[str, str]:
        return {"token": link.rpartition("/")[2]}

    opens = {
        "/a/{token}": token(links.answer(public_id, "done", here.now)),
        "/unsubscribe/{token}": token(links.unsubscribe(runner, athlete.platform_athlete_id, here.now)),
        "/confirm-address/{token}": token(links.confirm(runner, "runner@example.org", here.now)),
        "/webhooks/strava/{key}": {"key": settings_.webhook_key},
        "/calendar/{key}.ics": {"key": str(athlete.calendar_key)},
        "/routine/{public_id}/exercise/{place}/{exercise_id}": {"public_id": public_id, "place": "0"},
        "/drawings/{exercise_id}.svg": {"exercise_id": next(iter(here.installation.catalogue.exercises))},
        "/static/{filename}": {"filename": "offline.js"},
    }
    for path in ("/routine/{public_id}", "/routine/{public_id}/state", "/suggestions/{public_id}"):
        opens[path] = {"public_id": public_id}
    opens["/suggestions/{public_id}/answer"] = {"public_id": public_id}
    return Browser(f"adductor={cookie.value}; {operator}", opens, found.group(1))


_numbers = count(1)


@contextmanager
def _site() -> Iterator[tuple[Place, Flask]]:
    with (
        TemporaryDirectory(prefix="adductor-surface-") as folder,
        place(
            Path(folder),
            ADDUCTOR_PUBLIC_URL="http://coach.example.org",
            STRAVA_CLIENT_ID="1",
            STRAVA_CLIENT_SECRET="secret",  # noqa: S106 - of this place alone
            ADDUCTOR_OPS_TOKEN=OPS_TOKEN,
        ) as here,
    ):
        app = create_app(here.installation.settings)
        app.extensions["installation"] = here.installation
        yield here, app
