"""`adductor doctor`, `strava` and `replay` beside a running installation; each check says what is wrong and what to do."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from pytest_httpserver import HTTPServer
from sqlalchemy import text
from werkzeug import Request, Response

from adductor.jobs import inbox
from adductor.platforms.base import WebhookEvent
from adductor.queue import heartbeats
from adductor.store.models import Delivery, Heartbeat, InboxEvent, LoggedActivity, Subscription
from service.doctor import FailedError
from service.doctor.checks import CHECKS
from service.doctor.status import Window, read_status
from tests.support import commands, databases
from tests.support.live import Live, adductor, installation
from tests.support.mail_server import PASSWORD, MailServer
from tests.support.runners import MORNING, Place, place

AT_WORK = {"beat": timedelta(seconds=3), "clock": timedelta(seconds=2)}


def _looked(here: Place, name: str, **changed: Any) -> tuple[str, str]:
    """What this check saw, and what to do about it; nothing to do when all is well. ``changed``: fields of the status."""
    status = read_status(here.installation)
    for field, value in changed.items():
        setattr(status, field, value)
    try:
        return {check.name: check for check in CHECKS}[name].run(status), ""
    except FailedError as failure:
        return failure.seen, failure.do


def _seen(here: Place, **ago: timedelta) -> None:
    with here.installation.store.write() as session:
        session.add_all(Heartbeat(part=part, at=here.now - age) for part, age in ago.items())


def _dead_letter_and_late_event(here: Place) -> None:
    here.run_done(here.runner())
    with here.installation.store.write() as session:
        session.query(Delivery).one().state = "failed"
        event = WebhookEvent("strava", 1, "activity", 42, "update", here.now, 4711, {})
        inbox.put(session.connection(), [event], here.now - timedelta(minutes=40))


def _data_of(here: Place, days: int) -> None:
    here.runner()
    with here.installation.store.write() as session:
        session.query(LoggedActivity).one().fetched_at = here.now - timedelta(days=days)


def _backed_up(here: Place, days_ago: int | None, later_hours: float = 0) -> None:
    here.runner(connected_at=here.now)
    if days_ago is not None:
        heartbeats.backed_up(here.installation)
        here.later(days=days_ago)
    here.later(hours=later_hours)


def _budget(*window: Any) -> dict[str, Any]:
    return {"budget_is_shared": True, "windows": [Window(*window, MORNING)]}


def _reads(left: int) -> dict[str, Any]:
    return _budget("read", "day", "reading today", 1000, left)


def _turned_away(here: Place, *, and_another_connected: bool = False) -> None:
    here.runner()
    heartbeats.turned_away(here.installation)
    here.later(hours=1)
    if and_another_connected:  # the application may have more athletes by now
        here.runner(connected_at=here.now)


def _at_revision(here: Place, revision: str) -> None:
    with here.installation.store.write() as session:
        session.execute(text(f"UPDATE alembic_version SET version_num = '{revision}'"))


_ONE_ATHLETE = _budget("overall", "quarter_hour", "", 200, 200)
_AT_WORK = "the clock was seen 3 s ago, a worker 2 s ago"
_OLD_DATA = "rows of activities are 9 days old, and Strava allows 7"
_LATE = "deliveries given up: 1; 1 waiting; the oldest of the due events has been waiting for 40 minutes"
_NO_BACKUP, _NO_BACKUP_YET = "none in the 2 days since the first runner", "none yet, and nothing older than two days"


@pytest.mark.parametrize(
    ("name", "arrange", "changed", "seen", "do"),
    [
        ("clock, worker", lambda here: _seen(here, **AT_WORK), {}, _AT_WORK, ""),
        ("clock, worker", None, {}, "the clock was never seen; a worker was never seen", "`adductor worker`"),
        ("clock, worker", lambda here: _seen(here, clock=timedelta(0), beat=timedelta(days=9)), {},
         "the clock was last seen at work 9 days ago", "start `adductor beat`,"),
        ("clock, worker", lambda here: _seen(here, beat=timedelta(0)), {}, "a worker was never", "`adductor worker`,"),
        ("clock, worker", lambda here: _seen(here, clock=timedelta(0), beat=timedelta(minutes=-10)), {},
         "10 minutes in the future: two clocks differ", "by NTP"),
        ("broker", None, {}, "no ADDUCTOR_REDIS_URL is set", "brings its own"),
        ("events", None, {}, "0 waiting, none given up", ""),
        ("events", _dead_letter_and_late_event, {}, _LATE, "adductor replay --failed; look at the workers' log"),
        ("data age", lambda here: here.runner(), {}, "what comes from Strava is at most 2 days old", ""),
        ("data age", lambda here: _data_of(here, 9), {}, _OLD_DATA, "adductor beat"),
        ("rate budget", None, _reads(100), "100 left for reading today", ""),
        ("rate budget", None, _reads(99), "99 of 1000 left for reading today", "nothing is lost"),
        ("rate budget", None, {}, "Redis is not there", "ADDUCTOR_REDIS_URL"),
        ("backup", None, {}, _NO_BACKUP_YET, ""),
        ("backup", lambda here: _backed_up(here, None, 49), {}, _NO_BACKUP, "adductor db backup"),
        ("backup", lambda here: _backed_up(here, 0), {}, "the last one is 0 s old", ""),
        ("backup", lambda here: _backed_up(here, 3), {}, "the last one is 3 days old", "adductor db backup"),
        ("athlete cap", None, _ONE_ATHLETE, "0 connected; by its rate limit", ""),
        ("athlete cap", lambda here: here.runner(), _ONE_ATHLETE, "the next one is turned away", ""),
        ("athlete cap", _turned_away, {}, "Strava turned a runner away: 1 connected", "www.strava.com/settings/api"),
        ("athlete cap", lambda here: _turned_away(here, and_another_connected=True), {}, "2 connected", ""),
        ("runners", lambda here: here.runner(), {}, "1 connected, all with the scopes", ""),
        ("runners", lambda here: here.runner(scopes="read,activity:read_all"), {}, "1 of 1 did not allow us", "by mail"),
        ("database", lambda here: _at_revision(here, "9999"), {}, "at revision 9999, which a newer", "newer version"),
        ("database", lambda here: _at_revision(here, "0001"), {}, "at revision 0001, wanted ", "adductor db upgrade"),
    ],
)  # fmt: skip
def test_check_says_what_it_sees_and_what_to_do(
    here: Place, name: str, arrange: Callable[[Place], object] | None, changed: dict[str, Any], seen: str, do: str
) -> None:
    if arrange is not None:
        arrange(here)

    said, advice = _looked(here, name, **changed)

    assert seen in said
    assert (do in advice) if do else (advice == "")


@pytest.mark.parametrize(
    ("off_s", "seen"), [(9, "9 s ahead of the database's"), (-40, "40 s behind the database's"), (4, "")]
)
def test_clock_far_from_databases_is_told(here: Place, monkeypatch: pytest.MonkeyPatch, off_s: int, seen: str) -> None:
    _seen(here, **AT_WORK)
    monkeypatch.setattr(heartbeats, "database_now", lambda _: here.now - timedelta(seconds=off_s))
    heartbeats.beat(here.installation, "worker")
    monkeypatch.setattr(heartbeats, "database_now", lambda _: here.now)  # doctor runs on another machine

    said, advice = _looked(here, "clock, worker")

    assert (seen in said, "NTP" in advice) == (True, bool(seen))


@pytest.mark.processes
def test_clock_of_postgresql_is_the_one_that_is_compared(tmp_path: Path, postgres_server: str) -> None:
    with place(tmp_path, ADDUCTOR_DATABASE_URL=databases.emptied(postgres_server)) as here:
        assert "the database's" in (heartbeats.compare_clocks(here.installation) or "")
        here.clock.at = datetime.now(UTC)
        assert heartbeats.compare_clocks(here.installation) is None


@pytest.mark.parametrize(
    ("off_min", "seen"),
    [(-9, "ahead of Strava's"), (7, "behind Strava's"), (0.5, "agrees with Strava's"), (None, "can't be read")],
    ids=["ours is fast", "ours is slow", "both agree", "no date"],
)
def test_time_beside_stravas(here: Place, monkeypatch: pytest.MonkeyPatch, off_min: float | None, seen: str) -> None:
    answer = requests.Response()
    if off_min is not None:
        answer.headers["Date"] = format_datetime(datetime.now(UTC) + timedelta(minutes=off_min), usegmt=True)
    monkeypatch.setattr(requests, "head", lambda *_, **__: answer)
    assert seen in _looked(here, "time")[0]


@pytest.mark.parametrize("password", [PASSWORD, "hunter2"])
def test_mail_server_and_our_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, password: str) -> None:
    with MailServer(tmp_path) as server:
        monkeypatch.setenv("SSL_CERT_FILE", str(server.authority))
        with place(tmp_path / "data", ADDUCTOR_SMTP_URL=server.url.replace(PASSWORD, password)) as here:
            seen, do = _looked(here, "mail")

    assert (do == "") is (password == PASSWORD)
    assert "hunter2" not in seen + do


def test_without_database_or_application_checks_say_what_they_need(tmp_path: Path) -> None:
    gone = {"database": "does not answer"}
    with place(tmp_path) as here:
        looked = {check.name: _looked(here, check.name, problems=gone) for check in CHECKS if check.needs}

    assert {do for _, do in looked.values()} == {
        "mend the database first",
        "set STRAVA_CLIENT_ID and STRAVA_CLIENT_SECRET, or use `adductor up` with its sandbox",
    }


NOTHING = "http://127.0.0.1:1"


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """One installation for all states; each test puts back what it broke."""
    with installation(tmp_path_factory.mktemp("doctor"), speed=2) as running:
        yield running


def _doctor(live: Live, **changed: str) -> tuple[int, dict[str, str]]:
    """The exit code, and each check's line with its advice."""
    ended = commands.run("doctor", **{**live.here.environment, **changed})
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


def _strava(live: Live, command: str, code: int, *said: str, **changed: str) -> str:
    """`adductor strava …` ends with this code and says this; all that it says."""
    ended = commands.run("strava", command, **{**live.here.environment, **changed})
    output = ended.stdout + ended.stderr
    assert (ended.returncode, [words for words in said if words not in output]) == (code, []), output
    return output


@pytest.mark.processes
def test_doctor_all_well_also_finds_what_a_running_up_brought(live: Live) -> None:
    live.runner()
    live.until(lambda: _doctor(live)[0] == 0)

    ended = adductor("doctor", ADDUCTOR_DATA_DIR=str(live.here.settings.data_dir))

    assert (ended.returncode, ended.stderr) == (0, "")
    checks = _lines(ended.stdout)
    assert len(checks) == 17
    assert all(line.startswith("ok") for line in checks.values())


@pytest.mark.processes
@pytest.mark.parametrize(
    ("setting", "value", "check", "said"),
    [
        ("ADDUCTOR_PUBLIC_URL", NOTHING, "callback", "can't be reached from here"),
        ("ADDUCTOR_WEBHOOK_KEY", "another-key-of-ours-1234", "callback", "instead of the handshake"),
        ("ADDUCTOR_WEBHOOK_KEY", "another-key-of-ours-1234", "subscription", "key or path is no longer the same"),
        ("STRAVA_CLIENT_SECRET", "wrong", "subscription", "STRAVA_CLIENT_SECRET"),
        ("ADDUCTOR_REDIS_URL", "redis://127.0.0.1:1/0", "broker", "ADDUCTOR_REDIS_URL"),
        ("ADDUCTOR_DATABASE_URL", "postgresql+psycopg://c:hunter2@127.0.0.1:1/c", "database", "ADDUCTOR_DATABASE_URL"),
    ],
)
def test_doctor_wrong_setting_is_found_by_a_check(live: Live, setting: str, value: str, check: str, said: str) -> None:
    code, checks = _doctor(live, **{setting: value})

    assert code == 1
    assert checks[check].startswith("FAIL")
    assert said in checks[check]
    assert "hunter2" not in str(checks)
    assert live.here.installation.settings.webhook_key not in str(checks)


@pytest.mark.processes
def test_subscription_that_ended_or_is_unknown_here_is_named_and_made_again(live: Live) -> None:
    _strava(live, "unsubscribe", 0)
    try:
        code, checks = _doctor(live)
        assert (code, "adductor strava subscribe" in checks["subscription"]) == (1, True)
        _strava(live, "status", 1, "no subscription")
        _strava(live, "unsubscribe", 0, "there was none\n")
        refused = ("didn't get the right answer", "ADDUCTOR_PUBLIC_URL")
        _strava(live, "subscribe", 1, *refused, ADDUCTOR_PUBLIC_URL=NOTHING)
    finally:
        _strava(live, "subscribe", 0, "created")
    _strava(live, "subscribe", 0, "kept")
    _strava(live, "status", 0)

    with live.store.write() as session:
        session.delete(session.get_one(Subscription, "strava"))

    assert "not known here" in _doctor(live)[1]["subscription"]
    _strava(live, "status", 1, "not known here")
    _strava(live, "subscribe", 0)


@pytest.mark.processes
def test_subscription_of_another_installation_is_named_and_taken_over(live: Live, httpserver: HTTPServer) -> None:
    def shake(request: Request) -> Response:
        return Response(json.dumps({"hub.challenge": request.args["hub.challenge"]}), mimetype="application/json")

    httpserver.expect_request("/webhooks/strava/their-secret-key").respond_with_handler(shake)
    theirs = httpserver.url_for("").rstrip("/")
    strava = live.here.installation.subscriptions("strava")
    strava.delete_subscription(live.subscription_id())
    strava.create_subscription(f"{theirs}/webhooks/strava/their-secret-key", "their token")
    try:
        code, checks = _doctor(live)
        said = _strava(live, "status", 1, "an application of its own")
    finally:
        said += _strava(live, "subscribe", 0, "replaced", theirs)

    assert code == 1
    for words in (f"another address ({theirs})", "an application of its own"):
        assert words in checks["subscription"]
    assert "their-secret-key" not in str(checks) + said
    assert _doctor(live)[1]["subscription"].startswith("ok")


@pytest.mark.processes
def test_doctor_and_strava_commands_say_why_strava_refuses(live: Live) -> None:
    commands_of = ("subscribe", "status", "unsubscribe")
    for command in commands_of:
        _strava(live, command, 1, "STRAVA_CLIENT_SECRET", STRAVA_CLIENT_SECRET="wrong")
    live.admin("POST", "switches", {"application": "inactive"})
    try:
        for command in commands_of:
            _strava(live, command, 1, "paid Strava subscription")
        assert "paid Strava subscription" in _doctor(live)[1]["subscription"]
    finally:
        live.admin("POST", "switches", {"application": "active"})
        _strava(live, "subscribe", 0)


@pytest.mark.processes
@pytest.mark.parametrize(("table", "said"), [(InboxEvent, "event "), (Delivery, "tried again: 1 notes")])
def test_replay_of_dead_letters_doubles_no_note(live: Live, table: type[InboxEvent | Delivery], said: str) -> None:
    run = live.record(live.runner())
    live.note_comes(run)
    row = {InboxEvent: live.events, Delivery: live.deliveries}[table](run)[0]
    with live.store.write() as session:
        session.get_one(table, row.id).state = "failed"

    replayed = commands.run("replay", "--failed", **live.here.environment)

    assert (replayed.returncode, said in replayed.stdout) == (0, True)
    live.until(lambda: live.deliveries(run)[0].state == "done")
    # The worker of the installation may have been faster than the command.
    outcomes = {"already_decided"} if table is InboxEvent else {"post_run"}
    live.until(lambda: {event.outcome for event in live.events(run)} == outcomes)
    assert len(live.written(run)) == 1
    assert "none given up" in _doctor(live)[1]["events"]
