"""The client against a whole made-up Strava: what no canned answer shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
import requests

from adductor.platforms.base import Caller, ErrorKind, Figures, PlatformError, Priority, Subscription, id_of
from adductor.platforms.budget import WindowBudget
from adductor.platforms.strava.client import REQUIRED_SCOPES
from adductor.platforms.strava.client import Client as StravaClient
from adductor.platforms.strava.webhooks import answer_handshake
from tests.platforms.conftest import Valkey, make_budget
from tests.sandbox.conftest import CLIENT_ID, CLIENT_SECRET, Callback, Sandbox, answering, running, serving

MIDDAY = datetime(2026, 11, 22, 12, 5, tzinfo=UTC)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Sandbox, str]]:
    with running(tmp_path_factory.mktemp("sandbox")) as sandbox, serving(sandbox.http.application) as url:
        yield sandbox, url


@pytest.fixture
def sandbox(served: tuple[Sandbox, str]) -> Sandbox:
    """Mara is connected to an application of ten athletes; the clock almost stands."""
    made = served[0]
    made.admin("/reset")
    made.admin("/clock", {"now": MIDDAY.isoformat(), "speed": 0.001})
    made.admin("/tier", {"tier": "10"})
    made.connect()
    return made


ClientOf = Callable[..., StravaClient]


@pytest.fixture
def client_of(served: tuple[Sandbox, str]) -> ClientOf:
    sandbox, url = served

    def now() -> datetime:
        return datetime.fromtimestamp(sandbox.look("/clock")["now"], UTC)

    def make(
        budget: WindowBudget | None = None, *, client_id: str = str(CLIENT_ID), secret: str = CLIENT_SECRET
    ) -> StravaClient:
        return StravaClient(
            client_id=client_id,
            client_secret=secret,
            api_url=f"{url}/api/v3",
            oauth_url=f"{url}/oauth",
            public_url="https://coach.example",
            budget=budget or make_budget(None, now=now),
            now=now,
        )

    return make


@pytest.fixture
def strava(sandbox: Sandbox, client_of: ClientOf) -> StravaClient:
    return client_of()


def caller(token: str) -> Caller:
    return Caller(token, Priority.CONNECT)


def kind_of(call: Callable[[], object]) -> ErrorKind:
    with pytest.raises(PlatformError) as caught:
        call()
    return caught.value.kind


# --- connecting -----------------------------------------------------------------------------------------------------


def connect(strava: StravaClient, *, ticked: tuple[str, ...] = REQUIRED_SCOPES, answer: str = "authorize") -> Any:
    """The query of the redirect after a new runner answers Strava's page."""
    url = strava.authorize_url(redirect_uri="http://127.0.0.1:8000/connect/strava/callback", state="s")
    form: list[tuple[str, str]] = parse_qsl(urlsplit(url).query)
    form += [("runner_id", "new"), ("firstname", "Ada"), ("timezone", "Europe/Berlin"), ("answer", answer)]
    form += [("granted", scope) for scope in ticked]
    redirect = requests.post(f"{strava.oauth_url}/authorize", data=form, allow_redirects=False, timeout=10)
    assert redirect.status_code == 302, redirect.text
    return {key: values[0] for key, values in parse_qs(urlsplit(redirect.headers["Location"]).query).items()}


def test_athlete_connects_refreshes_and_revokes(sandbox: Sandbox, strava: StravaClient) -> None:
    assert connect(strava, answer="deny")["error"] == "access_denied"
    assert set(connect(strava, ticked=("read", "activity:write"))["scope"].split(",")) == {"read", "activity:write"}
    query = connect(strava)
    assert set(query["scope"].split(",")) == set(REQUIRED_SCOPES)
    grant = strava.exchange_code(query["code"])
    assert (grant.name, grant.units) == ("Ada Runner", "metric")
    assert kind_of(lambda: strava.exchange_code(query["code"])) is ErrorKind.REFUSED
    early = strava.refresh(grant.tokens.refresh_token)
    assert early.access_token == grant.tokens.access_token
    sandbox.admin("/clock", {"advance_s": 5.5 * 3600})
    late = strava.refresh(early.refresh_token)
    assert late.access_token != early.access_token
    assert kind_of(lambda: strava.refresh(early.refresh_token)) is ErrorKind.REVOKED  # the old one died at once
    after = MIDDAY - timedelta(days=14)
    assert strava.list_activities(caller(late.access_token), after=after) == []
    strava.revoke(late.refresh_token)
    strava.revoke("never seen")
    # Like an expired token, until the refresh is refused.
    assert kind_of(lambda: strava.list_activities(caller(late.access_token), after=after)) is ErrorKind.UNAUTHORIZED
    assert kind_of(lambda: strava.refresh(late.refresh_token)) is ErrorKind.REVOKED


# --- the log --------------------------------------------------------------------------------------------------------


# --- the subscription and its events --------------------------------------------------------------------------------


@pytest.fixture
def callback() -> Iterator[Callback]:
    with answering() as made:
        yield made


def test_subscription_is_made_once_and_refused_with_stravas_codes(strava: StravaClient, callback: Callback) -> None:
    callback.echo = False
    for address in (callback.url, "http://127.0.0.1:1/closed"):
        with pytest.raises(PlatformError) as refused:
            strava.create_subscription(address, "verify")
        assert (refused.value.kind, "callback" in refused.value.details[0]) == (ErrorKind.REFUSED, True)
    callback.echo = True
    made = strava.create_subscription(callback.url, "verify")
    assert answer_handshake(callback.handshakes[-1], "verify")["hub.challenge"]
    with pytest.raises(PlatformError) as refused:
        strava.create_subscription(f"{callback.url}-new", "verify")
    assert "already exists" in refused.value.details[0]
    assert strava.list_subscriptions() == [Subscription(made, callback.url)]
    for _ in range(2):
        strava.delete_subscription(made)
    assert strava.list_subscriptions() == []


# --- the rate limits ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", ["lower", "blank"])
def test_many_clients_at_once_never_exceed_stravas_limits(
    sandbox: Sandbox, client_of: ClientOf, valkey: Valkey, headers: str
) -> None:
    sandbox.admin("/switches", {"rate_headers": headers})
    sandbox.admin("/tier", {"name": "tiny", "athletes": None, "overall": [60, 130], "read": [30, 70]})
    activity, moment, total = sandbox.record(), MIDDAY, 0
    refusals: list[PlatformError] = []

    def work(_: int) -> int:
        strava, done = client_of(make_budget(valkey.client(), now=lambda: moment)), 0
        for _ in range(15):
            try:
                strava.get_activity(caller(sandbox.token), id_of("strava", activity))
                done += 1
            except PlatformError as error:
                refusals.append(error)
        return done

    # A budget that has to be told its limits: it starts from the smallest real tier, which is larger.
    known = headers == "lower"
    for quarter in range(4):
        moment = MIDDAY + timedelta(minutes=15 * quarter)
        sandbox.admin("/clock", {"now": moment.isoformat()})
        with ThreadPoolExecutor(4) as pool:
            done = sum(pool.map(work, range(4)))
        done += work(4)  # alone: a call that was refused because of calls under way may go now
        left = min(30, 70 - total)
        total += done
        assert (left - 8 if known else 0) <= done <= left
    assert {error.kind for error in refusals} == {ErrorKind.RATE_LIMITED}
    assert all(error.retry_at is not None and error.retry_at > MIDDAY for error in refusals)
    limits = sandbox.look("/calls?limit=1")["limits"]
    # Without figures Strava's own 429 closes each quarter, after one call for each that was under way.
    assert limits["over_limit"] == 0 if known else 0 < limits["over_limit"] <= 4 * 4
    assert limits["peak"]["read_15min"] >= 26


def test_budget_knows_what_strava_counts(sandbox: Sandbox, strava: StravaClient) -> None:
    activity = sandbox.record()
    for _ in range(3):
        strava.get_activity(caller(sandbox.token), id_of("strava", activity))
    strava.update_activity(caller(sandbox.token), id_of("strava", activity), "private_note", "x")
    strava.refresh(sandbox.refresh_token)
    state = strava.budget.state()
    assert (state.limits, state.used) == (Figures(400, 4_000, 200, 2_000), Figures(4, 4, 4, 4))
    assert sandbox.look("/state")["limits"]["read"]["used"] == [4, 4]
