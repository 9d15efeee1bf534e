"""`adductor doctor` names what is wrong, and what to do, in every state that it can meet."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from http.server import HTTPServer as HTTPServerOfPython
from pathlib import Path

import pytest
from click.testing import CliRunner
from pytest_httpserver import HTTPServer
from sqlalchemy import select, text, update
from werkzeug import Request, Response

from adductor.athletes import tokens
from adductor.installation import Installation
from adductor.platforms.base import Priority
from adductor.store import Store, migrate
from adductor.store.models import Connection, Delivery, Heartbeat, InboxEvent, LoggedActivity, Subscription
from service.cli import cli
from service.cli.demo import DemoError, connect_as_a_browser
from tests.support.live import Live, Runner, adductor, installation
from tests.support.mail_server import PASSWORD, USER, MailServer

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """One installation for all states; each test puts back what it broke."""
    with installation(tmp_path_factory.mktemp("doctor"), speed=2) as running:
        yield running


@dataclass(frozen=True, slots=True)
class Ended:
    """A command that ended, as `subprocess` would tell it."""

    returncode: int
    stdout: str
    stderr: str


def _run(live: Live, *arguments: str, **changed: str) -> Ended:
    """A command beside this installation; in this process, for there are many states. Some tests start a real one."""
    environment = {
        name: value
        for name, value in live.here.environment.items()
        if name.startswith(("ADDUCTOR_", "STRAVA_", "PATH"))
    }
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        ended = CliRunner().invoke(cli, arguments, env={**environment, **changed})
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
    assert isinstance(ended.exception, SystemExit | None), ended.exception
    return Ended(ended.exit_code, ended.stdout, ended.stderr)


def _doctor(live: Live, **changed: str) -> tuple[int, dict[str, str]]:
    """The exit code, and each check's line with its advice."""
    ended = _run(live, "doctor", **changed)
    return ended.returncode, _lines(ended.stdout)


def _lines(said: str) -> dict[str, str]:
    checks: dict[str, str] = {}
    name = ""
    for line in said.splitlines():
        if line.startswith(("ok", "FAIL")):
            name = line[6:19].strip()
            checks[name] = line
        elif line.strip():
            checks[name] += line
    return checks


def test_when_all_is_well_it_says_so(live: Live) -> None:
    live.runner()
    live.until(lambda: _doctor(live)[0] == 0)

    ended = adductor("doctor", **live.here.environment)

    assert (ended.returncode, ended.stderr) == (0, "")
    checks = _lines(ended.stdout)
    assert len(checks) == 14
    assert all(line.startswith("ok") for line in checks.values())


def test_beside_a_running_up_it_finds_what_that_brought(live: Live) -> None:
    ended = adductor("doctor", ADDUCTOR_DATA_DIR=str(live.here.settings.data_dir))

    assert ended.returncode == 0, ended.stdout


def test_no_subscription(live: Live) -> None:
    assert _run(live, "strava", "unsubscribe").returncode == 0
    try:
        code, checks = _doctor(live)
        status = _run(live, "strava", "status")
    finally:
        again = _run(live, "strava", "subscribe")

    assert code == 1
    assert "adductor strava subscribe" in checks["subscription"]
    assert (status.returncode, "no subscription" in status.stderr) == (1, True)
    assert (again.returncode, "created" in again.stdout) == (0, True)


def test_subscribing_twice_keeps_the_one_there_is(live: Live) -> None:
    first = adductor("strava", "subscribe", **live.here.environment)
    second = adductor("strava", "subscribe", **live.here.environment)

    assert first.returncode == second.returncode == 0
    assert "kept" in second.stdout
    assert _run(live, "strava", "status").returncode == 0


def test_a_stale_callback(live: Live) -> None:
    code, checks = _doctor(live, ADDUCTOR_WEBHOOK_KEY="another-key-of-ours-1234")
    status = _run(live, "strava", "status", ADDUCTOR_WEBHOOK_KEY="another-key-of-ours-1234")

    assert code == 1
    assert "another address" in checks["subscription"]
    assert "the webhook's key or path is no longer the same" in checks["subscription"]
    assert "instead of the handshake" in checks["callback"]
    assert (status.returncode, "no longer the same" in status.stderr) == (1, True)
    assert live.here.installation.settings.webhook_key not in str(checks) + status.stdout + status.stderr


def _moved_by_the_runner_of_another(live: Live, url: str) -> None:
    """The application's subscription as another installation has made it."""
    with live.here.installation.store.read() as session:
        known = session.get_one(Subscription, "strava")
    live.here.installation.platforms["strava"].delete_subscription(known.subscription_id)
    live.here.installation.platforms["strava"].create_subscription(url, "their token")


def test_another_installations_callback_is_named_and_taken_over_when_asked(live: Live, httpserver: HTTPServer) -> None:
    def shake(request: Request) -> Response:
        return Response(json.dumps({"hub.challenge": request.args["hub.challenge"]}), mimetype="application/json")

    httpserver.expect_request("/webhooks/strava/their-secret-key").respond_with_handler(shake)
    theirs, their_host = httpserver.url_for("/webhooks/strava/their-secret-key"), httpserver.url_for("").rstrip("/")
    _moved_by_the_runner_of_another(live, theirs)
    try:
        code, checks = _doctor(live)
        status = _run(live, "strava", "status")
    finally:
        taken = _run(live, "strava", "subscribe")

    assert code == 1
    assert f"another address ({their_host})" in checks["subscription"]
    assert "an application of its own" in checks["subscription"]
    assert (status.returncode, "an application of its own" in status.stderr) == (1, True)
    assert (taken.returncode, "replaced" in taken.stdout) == (0, True)
    assert their_host in taken.stdout
    assert "their-secret-key" not in str(checks) + status.stdout + status.stderr + taken.stdout
    assert _doctor(live)[1]["subscription"].startswith("ok")


def test_a_good_subscription_is_not_given_up_for_an_address_that_does_not_answer(live: Live) -> None:
    before = live.admin("GET", "state")["subscription"]

    refused = _run(live, "strava", "subscribe", ADDUCTOR_PUBLIC_URL="http://127.0.0.1:1")

    assert refused.returncode == 1
    assert "stays" in refused.stderr
    assert "ADDUCTOR_PUBLIC_URL" in refused.stderr
    assert live.admin("GET", "state")["subscription"] == before
    assert _run(live, "strava", "subscribe").returncode == 0


def test_a_handshake_that_is_blocked_is_said_when_there_was_none_before(live: Live) -> None:
    assert _run(live, "strava", "unsubscribe").returncode == 0
    try:
        blocked = _run(live, "strava", "subscribe", ADDUCTOR_PUBLIC_URL="http://127.0.0.1:1")
        ended_twice = _run(live, "strava", "unsubscribe")
    finally:
        again = _run(live, "strava", "subscribe")

    assert blocked.returncode == 1
    assert "didn't get the right answer" in blocked.stderr
    assert "ADDUCTOR_PUBLIC_URL" in blocked.stderr
    assert (ended_twice.returncode, ended_twice.stdout) == (0, "there was none\n")
    assert again.returncode == 0


@pytest.mark.parametrize("command", ["subscribe", "status", "unsubscribe"])
def test_an_inactive_application_or_a_wrong_secret_is_said_by_each_command(live: Live, command: str) -> None:
    wrong = _run(live, "strava", command, STRAVA_CLIENT_SECRET="wrong")
    live.admin("POST", "switches", {"application": "inactive"})
    try:
        inactive = _run(live, "strava", command)
    finally:
        live.admin("POST", "switches", {"application": "active"})
        _run(live, "strava", "subscribe")

    assert (wrong.returncode, "STRAVA_CLIENT_SECRET" in wrong.stderr) == (1, True)
    assert (inactive.returncode, "paid Strava subscription" in inactive.stderr) == (1, True)
    assert "Traceback" not in wrong.stderr + inactive.stderr


def test_commands_about_strava_without_an_application_say_what_is_missing(tmp_path: Path) -> None:
    for command in ("subscribe", "status", "unsubscribe"):
        said = adductor("strava", command, ADDUCTOR_DATA_DIR=str(tmp_path))
        assert (said.returncode, "STRAVA_CLIENT_ID" in said.stderr) == (2, True)


def test_a_handshake_that_is_blocked(live: Live) -> None:
    code, checks = _doctor(live, ADDUCTOR_PUBLIC_URL="http://127.0.0.1:1")

    assert code == 1
    assert "can't be reached from here" in checks["callback"]


def test_an_inactive_application(live: Live) -> None:
    live.admin("POST", "switches", {"application": "inactive"})
    try:
        code, checks = _doctor(live)
    finally:
        live.admin("POST", "switches", {"application": "active"})

    assert code == 1
    assert "paid Strava subscription" in checks["subscription"]


def test_a_wrong_client_secret(live: Live) -> None:
    code, checks = _doctor(live, STRAVA_CLIENT_SECRET="wrong")

    assert code == 1
    assert "STRAVA_CLIENT_SECRET" in checks["subscription"]


def test_missing_scopes(live: Live) -> None:
    runner = live.runner(scopes="read,activity:read_all")
    try:
        code, checks = _doctor(live)
    finally:
        with live.store.write() as session:
            session.get_one(type(live.athlete(runner)), runner.id).scopes = "read,activity:read_all,activity:write"

    assert code == 1
    assert checks["runners"].startswith("FAIL")


def test_a_broker_that_is_down(live: Live) -> None:
    code, checks = _doctor(live, ADDUCTOR_REDIS_URL="redis://127.0.0.1:1/0")

    assert code == 1
    assert "ADDUCTOR_REDIS_URL" in checks["broker"]


def test_a_database_that_is_down_or_behind(live: Live, tmp_path: Path) -> None:
    code, checks = _doctor(live, ADDUCTOR_DATABASE_URL="postgresql+psycopg://coach:hunter2@127.0.0.1:1/none")
    assert code == 1
    assert "ADDUCTOR_DATABASE_URL" in checks["database"]
    assert "hunter2" not in str(checks)

    _, checks = _doctor(live, ADDUCTOR_DATABASE_URL=f"sqlite:///{tmp_path / 'empty.db'}")
    assert "adductor db upgrade" in checks["database"]


@contextmanager
def _gone(live: Live, part: str, *signs: str) -> Iterator[None]:
    """This part stands still, and was last seen years ago."""
    live.stop(part)
    try:
        _seen_at(live, datetime(2020, 1, 1, tzinfo=UTC), *signs)
        yield
    finally:
        _seen_at(live, datetime.now(UTC), *signs)
        live.resume(part)


def _seen_at(live: Live, at: datetime, *signs: str) -> None:
    with live.store.write() as session:
        for row in session.scalars(select(Heartbeat).where(Heartbeat.part.in_(signs))):
            row.at = at


def test_no_clock(live: Live) -> None:
    with _gone(live, "worker", "beat"):
        code, checks = _doctor(live)

    assert code == 1
    assert "the clock was last seen" in checks["clock, worker"]
    assert "start `adductor beat`," in checks["clock, worker"]


def test_doctor_heartbeat_in_the_future_says_that_clocks_differ(live: Live) -> None:
    live.stop("worker")
    try:
        _seen_at(live, datetime.now(UTC) + timedelta(minutes=10), "beat")
        _, checks = _doctor(live)
    finally:
        _seen_at(live, datetime.now(UTC), "beat")
        live.resume("worker")

    assert "two clocks differ" in checks["clock, worker"]


def test_no_worker(live: Live) -> None:
    with _gone(live, "worker", "worker", "clock"):
        code, checks = _doctor(live)

    assert code == 1
    assert "a worker was last seen" in checks["clock, worker"]
    assert "start `adductor worker`," in checks["clock, worker"]


def test_nothing_ever_ran(live: Live, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new.db'}"
    assert adductor("db", "upgrade", ADDUCTOR_DATABASE_URL=url, ADDUCTOR_DATA_DIR=str(tmp_path)).returncode == 0

    _, checks = _doctor(live, ADDUCTOR_DATABASE_URL=url)

    assert "the clock was never seen; a worker was never seen" in checks["clock, worker"]
    assert "`adductor beat` and `adductor worker`" in checks["clock, worker"]
    assert "not known here" in checks["subscription"]


def test_a_database_of_newer_code(live: Live, tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'newer.db'}")
    migrate.upgrade(store)
    with store.write() as session:
        connection = session.connection()
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    store.close()

    code, checks = _doctor(live, ADDUCTOR_DATABASE_URL=f"sqlite:///{tmp_path / 'newer.db'}")

    assert code == 1
    assert "at revision 9999, which a newer Adductor Coach made" in checks["database"]
    assert "install that newer version" in checks["database"]


@contextmanager
def _a_strava_whose_clock_is_off(off: timedelta) -> Iterator[str]:
    """An address that answers anything with that time."""

    class Answer(BaseHTTPRequestHandler):
        def date_time_string(self, timestamp: float | None = None) -> str:
            return format_datetime(datetime.now(UTC) + off, usegmt=True)

        def do_HEAD(self) -> None:
            self.send_response(404)
            self.end_headers()

    with HTTPServerOfPython(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/oauth"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("off", "words"),
    [(timedelta(minutes=-9), "ahead of Strava's"), (timedelta(minutes=7), "behind Strava's")],
    ids=["ours is fast", "ours is slow"],
)
def test_a_clock_that_is_minutes_off(live: Live, off: timedelta, words: str) -> None:
    with _a_strava_whose_clock_is_off(off) as url:
        code, checks = _doctor(live, ADDUCTOR_STRAVA_OAUTH_URL=url)

    assert code == 1
    assert words in checks["time"]
    assert "NTP" in checks["time"]


def test_a_strava_whose_clock_cannot_be_read(live: Live) -> None:
    code, checks = _doctor(live, ADDUCTOR_STRAVA_OAUTH_URL="http://127.0.0.1:1/oauth")

    assert code == 1
    assert "can't be read" in checks["time"]


def _ask_strava(live: Live, runner: Runner) -> None:
    """One call, whose answer tells the limits; by a process of its own, as far as what it remembers of them goes."""
    asking = Installation(live.here.settings)
    with asking.store.read() as session:
        connection_id = session.scalars(select(Connection.id).where(Connection.athlete_id == runner.id)).one()
    token = tokens.access(asking, connection_id).token
    since = asking.clock.now() - timedelta(days=1)
    asking.platform("strava").list_activities(token, after=since, priority=Priority.CONNECT)
    asking.close()


def test_a_rate_limit_that_is_nearly_used_up(live: Live) -> None:
    runner, broker = live.runner(), live.here.installation.redis
    used = live.admin("GET", "state")["limits"]["read"]["used"][0]
    live.admin("POST", "tier", {"athletes": 10, "overall": [4000, 40_000], "read": [used + 1, 40_000]})
    try:
        _ask_strava(live, runner)
        code, checks = _doctor(live)
    finally:
        live.admin("POST", "tier", {"tier": "10"})
        assert broker is not None
        broker.delete(*broker.scan_iter("adductor:strava:budget:*"))  # the books begin anew

    assert code == 1
    assert f"0 of {used + 1} left for reading this quarter of an hour" in checks["rate budget"]
    assert "nothing is lost" in checks["rate budget"]


def test_an_application_that_may_have_no_more_runners(live: Live) -> None:
    with live.store.write() as session:
        session.execute(update(Connection).values(state=Connection.REVOKED))
    runner = live.runner()
    live.admin("POST", "tier", {"tier": "1"})
    live.admin("POST", "switches", {"athlete_cap_at": "token"})
    try:
        _ask_strava(live, runner)
        full = _doctor(live)[1]["athlete cap"]
        with pytest.raises(DemoError):
            connect_as_a_browser(live.web, zone="UTC")
        code, checks = _doctor(live)
    finally:
        live.admin("POST", "switches", {"athlete_cap_at": "authorize"})
        live.admin("POST", "tier", {"tier": "10"})

    assert full.startswith("ok")
    assert "the next one is turned away" in full
    assert code == 1
    assert "Strava turned a runner away" in checks["athlete cap"]
    assert "https://www.strava.com/settings/api" in checks["athlete cap"]

    live.runner()  # it may have more now: somebody has connected since
    assert _doctor(live)[1]["athlete cap"].startswith("ok")


def test_data_that_is_older_than_strava_allows(live: Live) -> None:
    runner = live.runner()
    with live.store.write() as session:
        row = session.scalars(select(LoggedActivity).where(LoggedActivity.athlete_id == runner.id)).one()
        row.fetched_at = live.here.installation.clock.now() - timedelta(days=9)

    try:
        code, checks = _doctor(live)
    finally:
        with live.store.write() as session:
            session.delete(session.get_one(LoggedActivity, row.id))

    assert code == 1
    assert "rows of activities are 9 days old, and Strava allows 7" in checks["data age"]
    assert "adductor beat" in checks["data age"]


def test_rows_that_are_due_for_long(live: Live) -> None:
    live.stop("worker")
    try:
        live.event(object_id=1, owner_id=1)
        with live.store.write() as session:
            (row,) = session.scalars(select(InboxEvent).where(InboxEvent.object_id == 1))
            row.due_at -= timedelta(minutes=40)
        code, checks = _doctor(live)
    finally:
        live.resume("worker")

    assert code == 1
    assert "the oldest of the due events has been waiting for 4" in checks["events"]


def test_a_mail_server_that_refuses_our_login(live: Live, tmp_path: Path) -> None:
    with MailServer(tmp_path) as server:
        url = f"smtp://{USER}:hunter2@localhost:{server.port}?starttls=1"
        code, checks = _doctor(live, ADDUCTOR_SMTP_URL=url, SSL_CERT_FILE=str(server.authority))
        right = f"smtp://{USER}:{PASSWORD}@localhost:{server.port}?starttls=1"
        _, well = _doctor(live, ADDUCTOR_SMTP_URL=right, SSL_CERT_FILE=str(server.authority))

    assert code == 1
    assert checks["mail"].startswith("FAIL")
    assert "ADDUCTOR_SMTP_URL" in checks["mail"]
    assert "hunter2" not in str(checks)
    assert well["mail"].startswith("ok")


def test_notes_that_were_given_up_are_tried_again_too(live: Live) -> None:
    run = live.record(live.runner())
    live.note_comes(run)
    with live.store.write() as session:
        (delivery,) = live.deliveries(run)
        session.get_one(Delivery, delivery.id).state = "failed"

    code, checks = _doctor(live)
    replayed = _run(live, "replay", "--failed")

    assert code == 1
    assert "1 deliveries given up" in checks["events"]
    assert "tried again: 1 notes" in replayed.stdout
    live.until(lambda: live.deliveries(run)[0].state == "done")
    assert len(live.written(run)) == 1


def test_a_mail_server_that_refuses(live: Live) -> None:
    code, checks = _doctor(live, ADDUCTOR_SMTP_URL="smtp://127.0.0.1:1")

    assert code == 1
    assert "ADDUCTOR_SMTP_URL" in checks["mail"]


def test_events_that_were_given_up(live: Live) -> None:
    runner = live.runner()
    run = live.record(runner)
    live.note_comes(run)
    with live.store.write() as session:
        session.get_one(type(live.events(run)[0]), live.events(run)[0].id).state = "failed"

    code, checks = _doctor(live)
    replayed = _run(live, "replay", "--failed")

    assert code == 1
    assert "adductor replay --failed" in checks["events"]
    assert replayed.returncode == 0
    assert "already_decided" in replayed.stdout
    assert len(live.written(run)) == 1
    assert _doctor(live)[1]["events"].startswith("ok")
