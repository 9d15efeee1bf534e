"""The operator's page: opened by the token alone, shows what waits and what failed, and nothing of what runners say."""

from __future__ import annotations

from base64 import b64encode
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from adductor.jobs import inbox, subscribing
from adductor.platforms.base import WebhookEvent
from adductor.store.models import Delivery, InboxEvent, Letter
from service.ops import failures
from tests.service.conftest import TOKEN
from tests.support.runners import Place, place
from tests.support.site import site

SITE = "https://coach.example.org"


@pytest.fixture
def visitor(here: Place) -> FlaskClient:
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


def _again(client: FlaskClient, **form: str) -> str:
    """Press "try again"; the page that comes then, or nothing where there is no such row."""
    answer = client.post("/ops/again", data=form, base_url=SITE)
    assert answer.status_code in (303, 404)
    return _board(client) if answer.status_code == 303 else ""


def _board(client: FlaskClient) -> str:
    answer = client.get("/ops", base_url=SITE)
    assert answer.status_code == 200
    return answer.text


def _fail(here: Place, table: type[InboxEvent | Delivery | Letter], problem: str, state: str = "failed") -> int:
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


def _row(here: Place, table: type[InboxEvent | Delivery | Letter]) -> InboxEvent | Delivery | Letter:
    with here.installation.store.read() as session:
        return session.scalars(select(table)).one()


def test_without_a_token_set_there_is_no_such_page(tmp_path: Path) -> None:
    with place(tmp_path) as bare:
        assert site(bare).test_client().get("/ops", headers={"Authorization": _basic("")}).status_code == 404


@pytest.mark.parametrize(
    "authorization",
    [None, "Bearer " + TOKEN, *map(_basic, ("", "wrong", TOKEN[:-1], TOKEN + " ", "ü" * 30)), "Basic !"],
)
def test_a_wrong_token_opens_nothing_and_stands_in_no_log(
    visitor: FlaskClient, authorization: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    answer = visitor.get("/ops", headers={"Authorization": authorization} if authorization else {}, base_url=SITE)

    assert (answer.status_code, "Status" in answer.text) == (401, False)
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    assert TOKEN not in caplog.text + answer.text


def test_the_token_opens_it_and_stands_in_no_page(operator: FlaskClient) -> None:
    board = operator.get("/ops", base_url=SITE)

    assert "<h1>Status</h1>" in board.text
    assert TOKEN not in board.text
    assert (board.headers["Cache-Control"], board.headers["X-Robots-Tag"]) == ("no-store", "noindex, nofollow")


def test_what_failed_is_shown_with_its_reason_and_without_any_runners_words(operator: FlaskClient, here: Place) -> None:
    runner = here.runner(external_id=4711)
    _failed_event(here, "gave up after 1 day, 0:00:00: ValueError: can't read 'Run with Anna' of anna@example.org")

    page = _board(operator)

    trace = _row(here, InboxEvent).trace_id
    for said in ("events given up: 1", "Activity update", f"runner {runner}", trace, "gave up after 1 day"):
        assert said in page
    assert "Anna" not in page
    assert "anna@" not in page


@pytest.mark.parametrize(
    ("state", "button", "said", "becomes"),
    [
        ("failed", "Try again", "It is due now", "waiting"),
        ("waiting", "Try now", "It is due now", "waiting"),
        ("claimed", None, "Nothing was changed", "claimed"),
        ("done", None, "Nothing was changed", "done"),
    ],
)
def test_one_row_is_tried_again_unless_a_worker_holds_or_has_ended_it(
    operator: FlaskClient, here: Place, state: str, button: str | None, said: str, becomes: str
) -> None:
    row_id = _failed_event(here, state=state)
    assert button is None or button in _board(operator)

    assert said in _again(operator, queue="events", id=str(row_id))

    row = _row(here, InboxEvent)
    assert row.state == becomes
    if becomes == "waiting":
        assert (row.due_at, row.attempts, row.crashes) == (here.now, 0, 0)


def test_everything_of_a_kind_is_tried_again_and_nothing_of_another(operator: FlaskClient, here: Place) -> None:
    runner = here.runner()
    here.run_done(runner)
    _fail(here, Delivery, "Strava answered 500")
    _failed_event(here)

    page = _again(operator, queue="deliveries")

    assert "1 due now." in page
    assert _row(here, Delivery).state == "waiting"
    assert _row(here, InboxEvent).state == "failed"


@pytest.mark.parametrize(
    ("queue", "row_id"),
    [
        *((queue, "1") for queue in ("", "athletes", "prompts")),
        *(("events", row_id) for row_id in ("", "-1", "1 OR 1=1", "9" * 40, "999999999")),
    ],
)
def test_a_row_that_does_not_exist_changes_nothing(operator: FlaskClient, here: Place, queue: str, row_id: str) -> None:
    _failed_event(here)

    assert "due now" not in _again(operator, queue=queue, id=row_id)
    assert _row(here, InboxEvent).state == "failed"


def test_without_its_parts_the_page_says_which_are_missing(operator: FlaskClient, here: Place) -> None:
    page = _board(operator)
    subscribing.remember(here.installation, 12)
    subscribed = _board(operator)

    assert "Broker: no ADDUCTOR_REDIS_URL is set." in page
    assert "the clock was never seen; a worker was never seen" in page
    assert "run: adductor strava subscribe" in page
    assert f"Subscription 12 leads to {SITE}, made" in subscribed
    assert here.installation.settings.webhook_key not in subscribed


def test_without_its_database_the_page_still_comes(operator: FlaskClient, here: Place) -> None:
    database = here.installation.settings.data_dir / "adductor.db"
    here.installation.store.close()
    database.rename(database.with_suffix(".gone"))
    database.mkdir()

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
        ("", ""),
        (None, ""),
    ],
)
def test_reasons_lose_what_may_be_a_runners(problem: str | None, shown: str) -> None:
    assert failures.without_names(problem) == shown
