"""The way to Strava and back: scopes and failures of Strava. State and redirects: tests/security/test_sessions.py."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import func, select

from adductor.platforms.base import ErrorKind, Grant, PlatformError, Tokens
from adductor.store.models import Athlete
from tests.service.pages.conftest import Visitor
from tests.support.runners import Place

SCOPES = "read,activity:read_all,activity:write"


@pytest.fixture
def strava(here: Place, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the exchange of the code answers: a grant, or an error to be raised."""
    answers: dict[str, Any] = {
        "grant": Grant(
            tokens=Tokens("access", "refresh", here.now), athlete_id=77, name="Mara M", timezone="UTC", units="metric"
        )
    }

    def exchange(_: object, code: str) -> Grant:
        if "error" in answers:
            raise answers["error"]
        granted: Grant = answers["grant"]
        return granted

    monkeypatch.setattr(type(here.installation.platform("strava")), "exchange_code", exchange)
    return answers


def _out(visitor: Visitor, path: str = "/connect/strava") -> dict[str, str]:
    """Go out to Strava; what we ask it."""
    target = visitor.get(path).headers["Location"]
    return {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}


def _back(visitor: Visitor, state: str, **query: str) -> Any:
    return visitor.get("/connect/strava/callback", query_string={"state": state, "code": "c", "scope": SCOPES, **query})


def _athletes(here: Place) -> int:
    with here.installation.store.read() as session:
        return session.scalar(select(func.count()).select_from(Athlete)) or 0


def test_we_ask_for_what_we_need_and_for_our_own_way_back(visitor: Visitor) -> None:
    asked = _out(visitor)

    assert set(asked["scope"].split(",")) == {"read", "activity:read_all", "activity:write"}
    assert asked["redirect_uri"] == "http://coach.example.org/connect/strava/callback"
    assert len(asked["state"]) >= 24


def test_a_newcomer_lands_on_the_first_page(visitor: Visitor, strava: dict[str, Any]) -> None:
    answer = _back(visitor, _out(visitor)["state"])

    assert answer.headers["Location"] == "/welcome"


def test_whoever_comes_back_lands_at_home(visitor: Visitor, here: Place, strava: dict[str, Any]) -> None:
    here.runner(external_id=77)

    assert _back(visitor, _out(visitor)["state"]).headers["Location"] == "/home"
    assert _athletes(here) == 1


def test_signing_in_from_a_routine_leads_back_to_it(visitor: Visitor, here: Place, strava: dict[str, Any]) -> None:
    here.runner(external_id=77)

    state = _out(visitor, "/connect/strava?next=/routine/abc_DEF-1")["state"]

    assert _back(visitor, state).headers["Location"] == "/routine/abc_DEF-1"


@pytest.mark.parametrize("scope", ["", "read", "read,activity:write", "activity:read_all,activity:write"])
def test_without_reading_there_is_no_connection(
    visitor: Visitor, here: Place, strava: dict[str, Any], scope: str
) -> None:
    answer = _back(visitor, _out(visitor)["state"], scope=scope)

    assert "One more tick is needed" in answer.text
    assert _athletes(here) == 0


@pytest.mark.parametrize(
    ("kind", "status", "heading"),
    [
        (ErrorKind.CAP, 403, "This installation is full"),
        (ErrorKind.INACTIVE, 502, "Strava has switched this application off"),
        (ErrorKind.MISCONFIGURED, 502, "This installation isn&#39;t set up right"),
        (ErrorKind.REFUSED, 400, "That took too long, or was used twice"),
        (ErrorKind.RETRY, 502, "Strava doesn&#39;t answer right now"),
        (ErrorKind.RATE_LIMITED, 502, "Strava doesn&#39;t answer right now"),
    ],
)
def test_each_failure_has_its_own_page(
    visitor: Visitor, here: Place, strava: dict[str, Any], kind: ErrorKind, status: int, heading: str
) -> None:
    strava["error"] = PlatformError(kind, "said by Strava")

    answer = _back(visitor, _out(visitor)["state"])

    assert answer.status_code == status
    assert heading in answer.text
    assert "What next?" in answer.text
    assert "said by Strava" not in answer.text
    assert _athletes(here) == 0
