"""What everyone gets: files, the first page, the exercises, the way to Strava and back; and who is sent elsewhere.

Every route against CSRF, forged sessions, states and foreign ids: tests/security.
"""

from __future__ import annotations

import gzip
import html
import json
import re
from unittest import mock
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from adductor.platforms.base import ErrorKind, PlatformError
from adductor.queue import heartbeats
from adductor.store.models import Athlete
from tests.service.pages.conftest import Strava, Visitor
from tests.support.runners import Place

PACKED = {"Accept-Encoding": "gzip"}


@pytest.fixture
def browser(visitor: Visitor) -> FlaskClient:
    return visitor.http


def _stylesheet(browser: FlaskClient) -> str:
    return re.findall(r"/static/style\.css\?v=[0-9a-f]+", browser.get("/").text)[0]


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [
        ("/drawings.css?of=jump_lunges", 200, "text/css"),
        ("/drawings.css?of=../../secrets", 404, "text/html"),
        ("/drawings/nothing.svg", 404, "text/html"),
        ("/drawings/jump_lunges.svg?scheme=dark", 200, "image/svg+xml"),
        ("/drawings/jump_lunges.svg?scheme=pink", 404, "text/html"),
        *((f"/routine/nope{rest}", 404, "text/html") for rest in ("", "/exercise/0/jump_lunges")),
        ("/routine/nope/state", 404, "application/json"),
        ("/robots.txt", 200, "text/plain"),
        ("/favicon.ico", 200, "image/vnd.microsoft.icon"),
        ("/manifest.webmanifest", 200, "application/manifest+json"),
    ],
)
def test_address_has_its_kind_of_file_or_is_404(browser: FlaskClient, path: str, status: int, kind: str) -> None:
    answer = browser.get(path)
    assert (answer.status_code, answer.mimetype) == (status, kind)
    if path.startswith("/manifest"):
        assert [browser.get(icon["src"]).mimetype for icon in json.loads(answer.text)["icons"]] == ["image/png"] * 3


@pytest.mark.parametrize("path", ["style", "/drawings.css", "/exercises"])
def test_response_is_compressed_for_clients_that_accept_it(browser: FlaskClient, path: str) -> None:
    path = _stylesheet(browser) if path == "style" else path
    plain, packed = browser.get(path), browser.get(path, headers=PACKED)

    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert gzip.decompress(packed.data) == plain.data
    assert len(packed.data) < min(len(plain.data) / 2, 60_000)


def test_static_file_is_immutable_only_under_its_fingerprint(browser: FlaskClient) -> None:
    path = _stylesheet(browser)
    found = browser.get(path, headers=PACKED)
    again = browser.get(path, headers={"If-None-Match": found.headers["ETag"], **PACKED})

    assert "immutable" in found.headers["Cache-Control"]
    assert (again.status_code, again.data) == (304, b"")
    assert "immutable" not in browser.get("/static/style.css").headers.get("Cache-Control", "")


def test_first_page_is_light_and_says_why_what_for_and_by_whom_before_the_button(browser: FlaskClient) -> None:
    answers = [browser.get("/")]
    html = answers[0].text
    loaded = re.findall(r'<(?:script[^>]* src|img[^>]* src|link rel="(?:stylesheet|icon)" href)="([^"]+)"', html)
    answers += [browser.get(path, headers=PACKED) for path in set(loaded)]

    assert all(answer.status_code == 200 for answer in answers)
    assert len(loaded) >= 4
    assert sum(len(answer.data) for answer in answers) <= 60_000
    before = html.partition('class="connect"')[0]
    for said in ("Why the adductors?", "no trial of such routines in runners", "What is Strava asked for?"):
        assert said in before
    assert "they have not left a name here" in before


@pytest.mark.parametrize(
    ("row", "path", "location"),
    [
        *((None, path, "/") for path in ("/home", "/suggestions", "/settings", "/check-in", "/privacy/export")),
        (None, "/welcome", "/"),
        ({"confirmed_at": None}, "/home", "/welcome"),
        *(({"state": state}, "/home", "/") for state in ("revoked", "leaving")),
    ],
)
def test_runners_page_is_closed(visitor: Visitor, row: dict[str, str | None] | None, path: str, location: str) -> None:
    if row is not None:
        visitor.sign_in(visitor.here.runner(**row))
    answer = visitor.get(path)
    assert (answer.status_code, answer.headers["Location"]) == (302, location)


def test_busy_database_is_503_and_asked_again_later(me: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    token, busy = me.token(), OperationalError("BEGIN IMMEDIATE", None, Exception("database is locked"))
    monkeypatch.setattr(me.here.installation.store, "write", mock.Mock(side_effect=busy))
    answer = me.post("/pause", token=token, end="1")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")
    assert "Try again in a minute" in answer.text


def _athletes(here: Place) -> int | None:
    with here.installation.store.read() as session:
        return session.scalar(select(func.count()).select_from(Athlete))


@pytest.mark.parametrize(
    ("known", "path", "location"),
    [(False, "", "/welcome"), (True, "", "/home"), (True, "?next=/routine/abc_DEF-1", "/routine/abc_DEF-1")],
    ids=["a newcomer", "one who comes back", "from a routine"],
)
def test_way_back_from_strava_leads_on(visitor: Visitor, strava: Strava, known: bool, path: str, location: str) -> None:
    if known:
        visitor.here.runner(external_id=strava.athlete_id)

    target = urlsplit(visitor.get(f"/connect/strava{path}").headers["Location"])
    asked = {name: value for name, (value,) in parse_qs(target.query).items()}
    answer = visitor.comes_back(state=asked["state"])

    assert set(asked["scope"].split(",")) == {"read", "activity:read_all", "activity:write"}
    assert asked["redirect_uri"] == "http://coach.example.org/connect/strava/callback"
    assert len(asked["state"]) >= 24
    assert answer.headers["Location"] == location
    assert _athletes(visitor.here) == 1


FEW = ("", "read", "read,activity:write", "activity:read_all,activity:write")


@pytest.mark.parametrize(
    ("query", "kind", "status", "heading"),
    [
        *(({"scope": scope}, None, 400, "One more tick is needed") for scope in FEW),
        ({"error": "access_denied"}, None, 200, "You said no, and that is fine"),
        ({}, ErrorKind.CAP, 403, "This installation is full"),
        ({}, ErrorKind.INACTIVE, 502, "Strava has switched this application off"),
        ({}, ErrorKind.MISCONFIGURED, 502, "This installation isn&#39;t set up right"),
        ({}, ErrorKind.REFUSED, 400, "That took too long, or was used twice"),
        ({}, ErrorKind.RETRY, 502, "Strava doesn&#39;t answer right now"),
        ({}, ErrorKind.RATE_LIMITED, 502, "Strava doesn&#39;t answer right now"),
    ],
)
def test_each_failure_has_its_own_page_and_connects_no_runner(
    visitor: Visitor, strava: Strava, query: dict[str, str], kind: ErrorKind | None, status: int, heading: str
) -> None:
    strava.error = kind and PlatformError(kind, "said by Strava")

    answer = visitor.comes_back(state=visitor.state(), **query)

    assert answer.status_code == status
    assert heading in answer.text
    assert "What next?" in answer.text
    assert "said by Strava" not in answer.text
    assert _athletes(visitor.here) == 0
    turned_away = heartbeats.last(visitor.here.installation, heartbeats.TURNED_AWAY)
    assert (turned_away is not None) is (kind is ErrorKind.CAP)


def test_every_exercise_stands_there_in_the_articles_words_and_no_diagnosis(visitor: Visitor, here: Place) -> None:
    raw = visitor.get("/exercises").text
    page = html.unescape(raw)
    exercises = here.installation.catalogue.exercises

    for exercise in exercises.values():
        assert f'id="{exercise.id}"' in page
        if exercise.article_name:
            assert f"<q>{exercise.article_name}</q>" in page
        for text in (*exercise.cues, *exercise.faults):
            assert text in page
    assert page.count('<svg class="ac-drawing"') == len(exercises)
    targets = set(re.findall(r'href="#([^"]+)"', raw))
    assert {target for target in targets if f'id="{target}"' not in raw} == set()
    # The article prints "abduction" where it means adduction: our note on it stands before the fold.
    article = page[page.index('id="side_lying_adduction_top_leg_elevated"') :].split("<details>")[0]
    assert "<q>Side Lying Abduction (Top Leg Elevated)</q>" in article
    assert "most probably means adduction" in " ".join(article.split())
    assert not re.search(r"\b(MCL|ITBS?|strains?|kerb)\b", page)
    assert "Niemuth 2005" in page
    assert "none given" not in page  # where the article gives no dose, nothing is quoted as one
    assert all(stage.name in ("Holds", "Bands", "Slides", "Single-leg") for stage in here.installation.catalogue.stages)


def test_no_page_promises_a_cure(me: Visitor) -> None:
    suggestion = me.suggested()
    for path in ("/", "/exercises", "/home", f"/routine/{suggestion.public_id}", "/settings", "/welcome"):
        # The titles of other people's papers are theirs.
        text = me.page(path, follow_redirects=True).split('<ul class="sources">')[0].lower()
        assert not re.search(r"\b(prevents|rehab|cures|heals)", text), path
    assert "Not medical advice, not a medical device" in me.page("/home")
