"""The client against a whole made-up Strava: what no canned answer shows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
import requests

from adductor.platforms.base import Caller, ErrorKind, Figures, PlatformError, Priority, id_of
from adductor.platforms.budget import WindowBudget
from adductor.platforms.strava.client import REQUIRED_SCOPES
from adductor.platforms.strava.client import Client as StravaClient
from adductor.platforms.strava.webhooks import answer_handshake, parse_event
from tests.platforms.conftest import Valkey, make_budget
from tests.sandbox.conftest import CLIENT_ID, CLIENT_SECRET, MARA, Callback, Sandbox, answering, running, serving

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


def test_fault_of_the_installation_is_the_operators_matter(sandbox: Sandbox, client_of: ClientOf) -> None:
    for client in (client_of(secret="wrong"), client_of(client_id="78")):
        assert kind_of(lambda c=client: c.exchange_code("x")) is ErrorKind.MISCONFIGURED
        assert kind_of(lambda c=client: c.refresh("x")) is ErrorKind.MISCONFIGURED
        assert kind_of(client.list_subscriptions) is ErrorKind.MISCONFIGURED
    sandbox.admin("/switches", {"athlete_cap_at": "token"})
    sandbox.admin("/tier", {"tier": "1"})
    strava, activity = client_of(), sandbox.record()
    code = connect(strava)["code"]
    assert kind_of(lambda: strava.exchange_code(code)) is ErrorKind.CAP
    sandbox.admin("/switches", {"application": "inactive"})
    assert kind_of(lambda: strava.get_activity(caller(sandbox.token), id_of("strava", activity))) is ErrorKind.INACTIVE


# --- the log --------------------------------------------------------------------------------------------------------

NOTE = "Runner's own \U0001f3c3\r\nno final newline\r\n\r\nAdductor routine · level 2\n1 x 10.5 s"


@pytest.mark.parametrize(
    ("private_note", "empty", "answered"),
    [
        ({}, "", NOTE),
        ({"when_empty": "null"}, None, NOTE),
        ({"when_empty": "absent"}, None, NOTE),
        ({"served": False}, None, None),  # 200 and no change
    ],
)
def test_note_is_written_and_read_back_as_it_is(
    sandbox: Sandbox, strava: StravaClient, private_note: dict[str, Any], empty: str | None, answered: str | None
) -> None:
    sandbox.admin("/switches", {"private_note": private_note})
    activity = sandbox.record(title="Lunch \U0001f9b5 Run", description="a\r\nb")
    before = strava.get_activity(caller(sandbox.token), id_of("strava", activity))
    assert (before.title, before.description, before.private_note) == ("Lunch \U0001f9b5 Run", "a\r\nb", empty)
    assert (before.sport, before.complete) == ("run", True)
    assert (
        strava.update_activity(caller(sandbox.token), id_of("strava", activity), "private_note", NOTE).private_note
        == answered
    )
    truth = sandbox.truth(activity)
    assert (truth["private_note"] or None, truth["description"]) == (answered, "a\r\nb")


def test_activities_come_as_a_decision_needs_them(sandbox: Sandbox, strava: StravaClient) -> None:
    hidden = sandbox.record(hide_start=True, timezone="America/New_York", start_local="2026-11-18T18:30:00")
    sandbox.record(start="2026-11-20T08:00:00+01:00", workout_type="race", description="x", minutes=40)
    sandbox.record(start="2026-11-21T08:00:00+01:00", sport_type="WeightTraining", title="Copenhagen planks")
    sandbox.record(start="2026-11-22T08:00:00+01:00", trainer=True, suffer_score=20)
    sandbox.record(start="2026-11-01T08:00:00+01:00")
    listed = strava.list_activities(caller(sandbox.token), after=MIDDAY - timedelta(days=14))
    assert [activity.sport for activity in listed] == ["treadmill_run", "strength", "run", "run"]
    assert [activity.intensity.value for activity in listed][:3] == ["easy", "unknown", "race"]
    assert listed[1].is_adductor_session
    assert listed[2].start == datetime(2026, 11, 20, 7, 0, tzinfo=UTC)
    assert all(activity.complete and activity.description is None for activity in listed)
    read = strava.get_activity(caller(sandbox.token), id_of("strava", hidden))
    assert (read.start, read.time_unreliable) == (datetime(2026, 11, 18, 5, 0, 1, tzinfo=UTC), True)


# --- the subscription and its events --------------------------------------------------------------------------------


@pytest.fixture
def callback() -> Iterator[Callback]:
    with answering() as made:
        yield made


def test_subscription_is_made_kept_repaired_and_refused_with_reasons(strava: StravaClient, callback: Callback) -> None:
    new = f"{callback.url}-new"
    callback.echo = False
    for address in (callback.url, "http://127.0.0.1:1/closed"):
        with pytest.raises(PlatformError, match=r"didn't get the right answer.*ADDUCTOR_STRAVA_VERIFY_TOKEN"):
            strava.ensure_subscription(address, "verify")
    callback.echo = True
    made = strava.ensure_subscription(callback.url, "verify")
    assert answer_handshake(callback.handshakes[-1], "verify")["hub.challenge"]
    kept = strava.ensure_subscription(callback.url, "verify")
    assert (made.action, kept.action, kept.subscription_id) == ("created", "kept", made.subscription_id)
    with pytest.raises(PlatformError) as refused:
        strava.create_subscription(new, "verify")
    assert "already exists" in refused.value.details[0]
    moved = strava.ensure_subscription(new, "verify")
    assert (moved.action, moved.former_callback_url) == ("replaced", callback.url)
    assert [one.callback_url for one in strava.list_subscriptions()] == [new]
    for _ in range(2):
        strava.delete_subscription(moved.subscription_id)
    assert strava.list_subscriptions() == []


def test_events_of_strava_are_read_in_their_real_shape(
    sandbox: Sandbox, strava: StravaClient, callback: Callback
) -> None:
    subscription = strava.ensure_subscription(callback.url, "verify").subscription_id
    activity = sandbox.record()
    sandbox.edit(activity, title="#adductor-done \U0001f4aa")
    sandbox.admin(f"/activities/{activity}/private")
    sandbox.admin(f"/activities/{activity}", method="DELETE")
    sandbox.admin(f"/runners/{MARA}/disconnect")
    arrived = [parse_event(json.dumps(event).encode()) for event in callback.wait_for(5)]
    assert {(event.subscription_id, event.owner_id) for event in arrived} == {(subscription, str(MARA))}
    assert {(event.object_type, event.object_id, event.aspect_type, *event.updates.items()) for event in arrived} == {
        ("activity", id_of("strava", activity), "create"),
        ("activity", id_of("strava", activity), "update", ("title", "#adductor-done \U0001f4aa")),
        ("activity", id_of("strava", activity), "update", ("private", "true")),
        ("activity", id_of("strava", activity), "delete"),
        ("athlete", id_of("strava", MARA), "update", ("authorized", "false")),
    }


# --- the rate limits ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", ["normal", "lower", "blank", "absent"])
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
    known = headers in ("normal", "lower")
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
