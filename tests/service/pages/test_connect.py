"""The way to Strava and back. State, sessions and open redirects: tests/security/test_sessions.py."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from adductor.platforms.base import ErrorKind, PlatformError
from adductor.queue import heartbeats
from tests.service.pages.conftest import Strava, Visitor, count_athletes
from tests.support.runners import Place


def test_strava_is_asked_for_what_we_need_and_for_our_own_way_back(visitor: Visitor) -> None:
    asked = parse_qs(urlsplit(visitor.get("/connect/strava").headers["Location"]).query)

    assert set(asked["scope"][0].split(",")) == {"read", "activity:read_all", "activity:write"}
    assert asked["redirect_uri"] == ["http://coach.example.org/connect/strava/callback"]
    assert len(asked["state"][0]) >= 24


@pytest.mark.parametrize(
    ("known", "path", "location"),
    [(False, "", "/welcome"), (True, "", "/home"), (True, "?next=/routine/abc_DEF-1", "/routine/abc_DEF-1")],
    ids=["a newcomer", "one who comes back", "from a routine"],
)
def test_way_back_leads_where_the_runner_goes_on(
    visitor: Visitor, here: Place, strava: Strava, known: bool, path: str, location: str
) -> None:
    if known:
        here.runner(external_id=strava.athlete_id)

    answer = visitor.comes_back(state=visitor.state(f"/connect/strava{path}"))

    assert answer.headers["Location"] == location
    assert count_athletes(here) == 1


@pytest.mark.parametrize(
    ("query", "kind", "status", "heading"),
    [
        *(
            ({"scope": scope}, None, 400, "One more tick is needed")
            for scope in ("", "read", "read,activity:write", "activity:read_all,activity:write")
        ),
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
    visitor: Visitor,
    here: Place,
    strava: Strava,
    query: dict[str, str],
    kind: ErrorKind | None,
    status: int,
    heading: str,
) -> None:
    strava.error = kind and PlatformError(kind, "said by Strava")

    answer = visitor.comes_back(state=visitor.state(), **query)

    assert answer.status_code == status
    assert heading in answer.text
    assert "What next?" in answer.text
    assert "said by Strava" not in answer.text
    assert count_athletes(here) == 0
    turned_away = heartbeats.last(here.installation, heartbeats.TURNED_AWAY)
    assert (turned_away is not None) is (kind is ErrorKind.CAP)
