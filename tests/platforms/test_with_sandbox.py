"""The client against a whole made-up Strava in a process of its own: what no canned answer shows."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import Queue
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
import requests
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from adductor.platforms.base import (
    Action,
    Budget,
    ErrorKind,
    EventError,
    Figures,
    LoggedActivity,
    PlatformError,
    Priority,
    WebhookEvent,
)
from adductor.platforms.strava.client import REQUIRED_SCOPES, StravaClient
from adductor.platforms.strava.limits import make_budget
from adductor.platforms.strava.subscription import ensure_subscription
from adductor.platforms.strava.webhooks import answer_handshake, parse_event
from tests.platforms.conftest import Valkey

SECRET = "sandbox-secret"
VERIFY = "verify-me"
CALLBACK = re.compile("/callback")
MIDDAY = datetime(2026, 11, 22, 12, 5, tzinfo=UTC)


@dataclass
class Sandbox:
    """The process, by its admin API."""

    url: str

    def admin(self, path: str, body: Any = None, method: str = "POST") -> Any:
        answer = requests.request(method, f"{self.url}/admin/{path}", json=body or {}, timeout=10)
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.admin("clock", method="GET")["now"], UTC)

    def client(self, budget: Budget | None = None, *, secret: str = SECRET, client_id: str = "77") -> StravaClient:
        return StravaClient(
            client_id=client_id,
            client_secret=secret,
            api_url=f"{self.url}/api/v3",
            oauth_url=f"{self.url}/oauth",
            budget=budget or make_budget(None, now=self.now),
            now=self.now,
        )

    def connected(self, *scopes: str) -> dict[str, Any]:
        athlete: dict[str, Any] = self.admin("connected-athletes", {"scopes": scopes or REQUIRED_SCOPES})
        return athlete

    def record(self, athlete: dict[str, Any], **recording: Any) -> int:
        return int(self.admin(f"runners/{athlete['runner_id']}/activities", recording)["id"])


def start(state: Path) -> tuple[subprocess.Popen[str], str]:
    """A sandbox on a free port. Between finding the port and serving on it another process may take it: try again."""
    for _ in range(5):
        with socket.create_server(("127.0.0.1", 0)) as unused:
            port = unused.getsockname()[1]
        command = [sys.executable, "-m", "sandbox", "--bind", f"127.0.0.1:{port}", "--state-dir", str(state)]
        command += ["--client-id", "77", "--client-secret", SECRET]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])
        assert process.stdout is not None
        line = process.stdout.readline()
        if "ready on" in line:
            return process, line.split()[-1]
        process.kill()
        process.wait()
    pytest.fail("the sandbox didn't start")


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    running, url = start(tmp_path_factory.mktemp("sandbox"))
    try:
        yield url
    finally:
        running.terminate()
        running.wait(20)


@pytest.fixture
def sandbox(process: str) -> Sandbox:
    made = Sandbox(process)
    made.admin("reset", {"what": "everything"})
    made.admin("clock", {"now": MIDDAY.isoformat(), "speed": 0.001})
    made.admin("tier", {"tier": "10"})
    return made


def kind_of(call: Callable[[], object]) -> ErrorKind:
    with pytest.raises(PlatformError) as caught:
        call()
    return caught.value.kind


# --- connecting -----------------------------------------------------------------------------------------------------


def connect(
    sandbox: Sandbox, *, ticked: tuple[str, ...] = REQUIRED_SCOPES, answer: str = "authorize"
) -> dict[str, str]:
    """What the redirect brings back when a new runner answers Strava's page."""
    url = sandbox.client().authorize_url(redirect_uri="http://127.0.0.1:8000/connect/strava/callback", state="s")
    form: list[tuple[str, str]] = parse_qsl(urlsplit(url).query)
    form += [("runner_id", "new"), ("firstname", "Ada"), ("timezone", "Europe/Berlin"), ("answer", answer)]
    form += [("granted", scope) for scope in ticked]
    redirect = requests.post(f"{sandbox.url}/oauth/authorize", data=form, allow_redirects=False, timeout=10)
    assert redirect.status_code == 302, redirect.text
    return {key: values[0] for key, values in parse_qs(urlsplit(redirect.headers["Location"]).query).items()}


def test_athlete_connects_refreshes_and_revokes(sandbox: Sandbox) -> None:
    assert connect(sandbox, answer="deny")["error"] == "access_denied"
    assert set(connect(sandbox, ticked=("read", "activity:write"))["scope"].split(",")) == {"read", "activity:write"}
    query, strava = connect(sandbox), sandbox.client()
    assert set(query["scope"].split(",")) == set(REQUIRED_SCOPES)
    grant = strava.exchange_code(query["code"])
    assert (grant.name, grant.units) == ("Ada Runner", "metric")
    assert kind_of(lambda: strava.exchange_code(query["code"])) is ErrorKind.REFUSED
    early = strava.refresh(grant.tokens.refresh_token)
    assert early.access_token == grant.tokens.access_token
    sandbox.admin("clock", {"advance_s": 5.5 * 3600})
    late = strava.refresh(early.refresh_token)
    assert late.access_token != early.access_token
    assert kind_of(lambda: strava.refresh(early.refresh_token)) is ErrorKind.REVOKED  # the old one died at once
    after = MIDDAY - timedelta(days=14)
    assert strava.list_activities(late.access_token, after=after) == []
    strava.revoke(late.refresh_token)
    strava.revoke("never seen")
    # Like an expired token, until the refresh is refused.
    assert kind_of(lambda: strava.list_activities(late.access_token, after=after)) is ErrorKind.UNAUTHORIZED
    assert kind_of(lambda: strava.refresh(late.refresh_token)) is ErrorKind.REVOKED


def test_faults_of_the_installation_are_the_operators_matter(sandbox: Sandbox) -> None:
    for client in (sandbox.client(secret="wrong"), sandbox.client(client_id="78")):
        assert kind_of(lambda c=client: c.exchange_code("x")) is ErrorKind.MISCONFIGURED
        assert kind_of(lambda c=client: c.refresh("x")) is ErrorKind.MISCONFIGURED
        assert kind_of(client.list_subscriptions) is ErrorKind.MISCONFIGURED
    sandbox.admin("switches", {"athlete_cap_at": "token", "tier": {"athletes": 1}})
    athlete, strava = sandbox.connected(), sandbox.client()
    code = connect(sandbox)["code"]
    assert kind_of(lambda: strava.exchange_code(code)) is ErrorKind.CAP
    activity = sandbox.record(athlete)
    sandbox.admin("switches", {"application": "inactive"})
    assert kind_of(lambda: strava.get_activity(athlete["access_token"], activity)) is ErrorKind.INACTIVE


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
    sandbox: Sandbox, private_note: dict[str, Any], empty: str | None, answered: str | None
) -> None:
    sandbox.admin("switches", {"private_note": private_note})
    athlete, strava = sandbox.connected(), sandbox.client()
    activity = sandbox.record(athlete, title="Lunch \U0001f9b5 Run", description="a\r\nb")
    before = strava.get_activity(athlete["access_token"], activity)
    assert (before.title, before.description, before.private_note) == ("Lunch \U0001f9b5 Run", "a\r\nb", empty)
    assert (before.sport, before.complete) == ("run", True)
    assert strava.update_activity(athlete["access_token"], activity, private_note=NOTE).private_note == answered
    truth = sandbox.admin(f"activities/{activity}", method="GET")
    assert (truth["private_note"] or None, truth["description"]) == (answered, "a\r\nb")


def test_activities_come_as_a_decision_needs_them(sandbox: Sandbox) -> None:
    athlete, strava = sandbox.connected(), sandbox.client()
    hidden = sandbox.record(athlete, hide_start=True, timezone="America/New_York", start_local="2026-11-18T18:30:00")
    sandbox.record(athlete, start="2026-11-20T08:00:00+01:00", workout_type="race", description="x", minutes=40)
    sandbox.record(athlete, start="2026-11-21T08:00:00+01:00", sport_type="WeightTraining", title="Copenhagen planks")
    sandbox.record(athlete, start="2026-11-22T08:00:00+01:00", trainer=True, suffer_score=20)
    sandbox.record(athlete, start="2026-11-01T08:00:00+01:00")
    listed = strava.list_activities(athlete["access_token"], after=MIDDAY - timedelta(days=14))
    assert [activity.sport for activity in listed] == ["treadmill_run", "strength", "run", "run"]
    assert [activity.intensity.value for activity in listed][:3] == ["easy", "unknown", "race"]
    assert listed[1].is_adductor_session
    assert listed[2].start == datetime(2026, 11, 20, 7, 0, tzinfo=UTC)
    assert all(activity.complete and activity.description is None for activity in listed)
    read = strava.get_activity(athlete["access_token"], hidden)
    assert (read.start_hidden, read.time_unreliable) == (True, True)
    assert read.start == datetime(2026, 11, 18, 5, 0, 1, tzinfo=UTC)


def test_404_after_a_create_passes_and_late_fields_come(sandbox: Sandbox) -> None:
    sandbox.admin("switches", {"new_activity": {"not_found_reads": 1, "late_fields": ["moving_time"], "late_reads": 2}})
    athlete, strava = sandbox.connected(), sandbox.client()
    activity = sandbox.record(athlete)
    assert kind_of(lambda: strava.get_activity(athlete["access_token"], activity)) is ErrorKind.NOT_FOUND
    reads = [strava.get_activity(athlete["access_token"], activity) for _ in range(3)]
    assert (reads[0].complete, reads[-1].complete) == (False, True)


def test_missing_scope_is_told_from_a_bad_token(sandbox: Sandbox) -> None:
    athlete, strava = sandbox.connected("read", "activity:read_all"), sandbox.client()
    activity = sandbox.record(athlete)
    write = lambda: strava.update_activity(athlete["access_token"], activity, private_note="x")  # noqa: E731
    assert kind_of(write) is ErrorKind.SCOPE_MISSING


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 503},
        {"status": 502, "html": "<html>bad gateway</html>"},
        {"status": 404, "html": "<html>maintenance</html>"},
        {"drop": True},
        {"when": "after", "drop": True},
        {"when": "after", "status": 500},
    ],
)
def test_faults_of_the_line_are_worth_a_retry_and_the_retry_works(sandbox: Sandbox, fault: dict[str, Any]) -> None:
    athlete, strava = sandbox.connected(), sandbox.client()
    activity = sandbox.record(athlete)
    sandbox.admin("faults", {"endpoint": "activities.update", "times": 1} | fault)

    def write() -> LoggedActivity:
        return strava.update_activity(athlete["access_token"], activity, private_note=NOTE)

    assert kind_of(write) is ErrorKind.RETRY
    assert write().private_note == NOTE


# --- the subscription and its events --------------------------------------------------------------------------------


@pytest.fixture
def events(httpserver: HTTPServer) -> Queue[WebhookEvent]:
    """The events that arrive at CALLBACK, where the product's own code answers."""
    arrived: Queue[WebhookEvent] = Queue()

    def handshake(request: Request) -> Response:
        try:
            return Response(json.dumps(answer_handshake(request.args, VERIFY)))
        except EventError as error:
            return Response(error.reason, 400)

    def receive(request: Request) -> Response:
        arrived.put(parse_event(request.get_data()))
        return Response()

    httpserver.expect_request(CALLBACK, "GET").respond_with_handler(handshake)
    httpserver.expect_request(CALLBACK, "POST").respond_with_handler(receive)
    return arrived


@pytest.fixture
def callback(httpserver: HTTPServer, events: Queue[WebhookEvent]) -> str:
    return httpserver.url_for("/callback")


def test_subscription_is_made_kept_repaired_and_refused_with_reasons(sandbox: Sandbox, callback: str) -> None:
    strava = sandbox.client()
    for address, token in ((callback, "another token"), ("http://127.0.0.1:1/nobody", VERIFY)):
        with pytest.raises(PlatformError, match=r"didn't get the right answer.*ADDUCTOR_STRAVA_VERIFY_TOKEN"):
            ensure_subscription(strava, address, token)
    made = ensure_subscription(strava, callback, VERIFY)
    assert made.action is Action.CREATED
    assert ensure_subscription(strava, callback, VERIFY) == type(made)(Action.KEPT, made.subscription_id)
    with pytest.raises(PlatformError) as refused:
        strava.create_subscription(f"{callback}2", VERIFY)
    assert "already exists" in refused.value.details[0]
    moved = ensure_subscription(strava, f"{callback}-new", VERIFY)
    assert (moved.action, moved.former_callback_url) == (Action.REPLACED, callback)
    assert [one.callback_url for one in strava.list_subscriptions()] == [f"{callback}-new"]
    strava.delete_subscription(moved.subscription_id)
    strava.delete_subscription(moved.subscription_id)
    assert strava.list_subscriptions() == []


def test_stravas_events_are_read_in_their_real_shape(
    sandbox: Sandbox, callback: str, events: Queue[WebhookEvent]
) -> None:
    subscription = ensure_subscription(sandbox.client(), callback, VERIFY).subscription_id
    athlete = sandbox.connected()
    activity = sandbox.record(athlete)
    sandbox.admin(f"activities/{activity}/edit", {"changes": {"title": "#adductor-done \U0001f4aa"}})
    sandbox.admin(f"activities/{activity}/private")
    sandbox.admin(f"activities/{activity}", method="DELETE")
    sandbox.admin(f"runners/{athlete['runner_id']}/disconnect")
    arrived = [events.get(timeout=20) for _ in range(5)]
    assert {event.subscription_id for event in arrived} == {subscription}
    assert {event.owner_id for event in arrived} == {athlete["runner_id"]}
    by_what = {(event.object_type, event.aspect_type, *event.updates.items()): event for event in arrived}
    assert by_what[("activity", "create")].object_id == activity
    assert ("activity", "update", ("title", "#adductor-done \U0001f4aa")) in by_what
    assert ("activity", "update", ("private", "true")) in by_what
    assert ("activity", "delete") in by_what
    assert by_what[("athlete", "update", ("authorized", "false"))].object_id == athlete["runner_id"]


# --- the rate limits ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", ["normal", "lower", "blank", "absent"])
def test_many_clients_at_once_never_exceed_stravas_limits(sandbox: Sandbox, valkey: Valkey, headers: str) -> None:
    sandbox.admin("switches", {"rate_headers": headers})
    sandbox.admin("tier", {"name": "tiny", "athletes": None, "overall": [60, 130], "read": [30, 70]})
    athlete = sandbox.connected()
    activity = sandbox.record(athlete)
    moment = sandbox.now()
    refusals: list[PlatformError] = []
    total = 0

    def work(_: int) -> int:
        strava, done = sandbox.client(make_budget(valkey.client(), now=lambda: moment)), 0
        for _ in range(15):
            try:
                strava.get_activity(athlete["access_token"], activity, priority=Priority.CONNECT)
                done += 1
            except PlatformError as error:
                refusals.append(error)
        return done

    # A budget that has to be told its limits: it starts from the smallest real tier, which is larger.
    known = headers in ("normal", "lower")
    for quarter in range(4):
        moment = MIDDAY + timedelta(minutes=15 * quarter)
        sandbox.admin("clock", {"now": moment.isoformat()})
        with ThreadPoolExecutor(4) as pool:
            done = sum(pool.map(work, range(4)))
        done += work(4)  # alone: a call that was refused because of calls under way may go now
        left = min(30, 70 - total)
        total += done
        assert (left - 8 if known else 0) <= done <= left
    assert {error.kind for error in refusals} == {ErrorKind.RATE_LIMITED}
    assert all(error.retry_at is not None and error.retry_at > MIDDAY for error in refusals)
    limits = sandbox.admin("calls?limit=1", method="GET")["limits"]
    # Without figures Strava's own 429 closes each quarter, after one call for each that was under way.
    assert limits["over_limit"] == 0 if known else 0 < limits["over_limit"] <= 4 * 4
    assert limits["peak"]["read_15min"] >= 26


def test_the_budget_knows_what_strava_counts(sandbox: Sandbox) -> None:
    budget = make_budget(None, now=sandbox.now)
    strava, athlete = sandbox.client(budget), sandbox.connected()
    activity = sandbox.record(athlete)
    for _ in range(3):
        strava.get_activity(athlete["access_token"], activity)
    strava.update_activity(athlete["access_token"], activity, private_note="x")
    strava.refresh(athlete["refresh_token"])
    state = budget.state()
    assert (state.limits, state.used) == (Figures(400, 4_000, 200, 2_000), Figures(4, 4, 4, 4))
    assert sandbox.admin("state", method="GET")["limits"]["read"]["used"] == [4, 4]
