"""The product's client against the whole made-up Strava: what no canned answer shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
import requests

from adductor.platforms.base import Caller, ErrorKind, Figures, PlatformError, Priority, Subscription, id_of
from adductor.platforms.strava.client import REQUIRED_SCOPES, Client
from adductor.platforms.strava.webhooks import answer_handshake
from tests.platforms.conftest import make_budget
from tests.sandbox.conftest import CLIENT_ID, CLIENT_SECRET, Callback, Sandbox, serving

MIDDAY = datetime(2026, 11, 22, 12, 5, tzinfo=UTC)


@pytest.fixture(scope="module")
def url(shared: Sandbox) -> Iterator[str]:
    with serving(shared.http.application) as address:
        yield address


@pytest.fixture
def sandbox(strava: Sandbox) -> Sandbox:
    """Mara is connected to an application of ten athletes; the clock almost stands."""
    strava.admin("/clock", {"now": MIDDAY.isoformat(), "speed": 0.001})
    strava.admin("/tier", {"tier": "10"})
    strava.connect()
    return strava


@pytest.fixture
def client(sandbox: Sandbox, url: str) -> Client:
    def now() -> datetime:
        return datetime.fromtimestamp(sandbox.look("/clock")["now"], UTC)

    return Client(
        client_id=str(CLIENT_ID),
        client_secret=CLIENT_SECRET,
        api_url=f"{url}/api/v3",
        oauth_url=f"{url}/oauth",
        public_url="https://coach.example",
        budget=make_budget(None, now=now),
        now=now,
    )


def caller(token: str) -> Caller:
    return Caller(token, Priority.CONNECT)


def kind_of(call: Callable[[], object]) -> ErrorKind:
    with pytest.raises(PlatformError) as caught:
        call()
    return caught.value.kind


def connect(client: Client, *, ticked: tuple[str, ...] = REQUIRED_SCOPES, answer: str = "authorize") -> Any:
    """The query of the redirect after a new runner answers Strava's page."""
    url = client.authorize_url(redirect_uri="http://127.0.0.1:8000/connect/strava/callback", state="s")
    form: list[tuple[str, str]] = parse_qsl(urlsplit(url).query)
    form += [("runner_id", "new"), ("firstname", "Ada"), ("timezone", "Europe/Berlin"), ("answer", answer)]
    form += [("granted", scope) for scope in ticked]
    redirect = requests.post(f"{client.oauth_url}/authorize", data=form, allow_redirects=False, timeout=10)
    assert redirect.status_code == 302, redirect.text
    return {key: values[0] for key, values in parse_qs(urlsplit(redirect.headers["Location"]).query).items()}


def test_athlete_connects_refreshes_and_revokes(sandbox: Sandbox, client: Client) -> None:
    assert connect(client, answer="deny")["error"] == "access_denied"
    assert set(connect(client, ticked=("read", "activity:write"))["scope"].split(",")) == {"read", "activity:write"}
    query = connect(client)
    assert set(query["scope"].split(",")) == set(REQUIRED_SCOPES)
    grant = client.exchange_code(query["code"])
    assert (grant.name, grant.units) == ("Ada Runner", "metric")
    assert kind_of(lambda: client.exchange_code(query["code"])) is ErrorKind.REFUSED
    early = client.refresh(grant.tokens.refresh_token)
    assert early.access_token == grant.tokens.access_token
    sandbox.admin("/clock", {"advance_s": 5.5 * 3600})
    late = client.refresh(early.refresh_token)
    assert late.access_token != early.access_token
    assert kind_of(lambda: client.refresh(early.refresh_token)) is ErrorKind.REVOKED  # the old one died at once
    after = MIDDAY - timedelta(days=14)
    assert client.list_activities(caller(late.access_token), after=after) == []
    client.revoke(late.refresh_token)
    client.revoke("never seen")
    # Like an expired token, until the refresh is refused.
    assert kind_of(lambda: client.list_activities(caller(late.access_token), after=after)) is ErrorKind.UNAUTHORIZED
    assert kind_of(lambda: client.refresh(late.refresh_token)) is ErrorKind.REVOKED


def test_subscription_is_made_once_and_refused_with_stravas_codes(client: Client, callback: Callback) -> None:
    callback.echo = False
    for address in (callback.url, "http://127.0.0.1:1/closed"):
        with pytest.raises(PlatformError) as refused:
            client.create_subscription(address, "verify")
        assert (refused.value.kind, "callback" in refused.value.details[0]) == (ErrorKind.REFUSED, True)
    callback.echo = True
    made = client.create_subscription(callback.url, "verify")
    assert answer_handshake(callback.handshakes[-1], "verify")["hub.challenge"]
    with pytest.raises(PlatformError) as refused:
        client.create_subscription(f"{callback.url}-new", "verify")
    assert "already exists" in refused.value.details[0]
    assert client.list_subscriptions() == [Subscription(made, callback.url)]
    for _ in range(2):
        client.delete_subscription(made)
    assert client.list_subscriptions() == []


def test_budget_knows_what_strava_counts(sandbox: Sandbox, client: Client) -> None:
    activity = sandbox.record()
    for _ in range(3):
        client.get_activity(caller(sandbox.token), id_of("strava", activity))
    client.update_activity(caller(sandbox.token), id_of("strava", activity), "private_note", "x")
    client.refresh(sandbox.refresh_token)
    state = client.budget.state()
    assert (state.limits, state.used) == (Figures(400, 4_000, 200, 2_000), Figures(4, 4, 4, 4))
    assert sandbox.look("/state")["limits"]["read"]["used"] == [4, 4]
