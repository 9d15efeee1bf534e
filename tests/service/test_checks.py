"""The checks of `adductor doctor` and `/ops` name what is wrong, and what to do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
import requests
from sqlalchemy import text

from adductor.jobs import inbox
from adductor.platforms.base import WebhookEvent
from adductor.queue import heartbeats
from adductor.store.models import Delivery, Heartbeat, LoggedActivity
from service.doctor import FailedError
from service.doctor.checks import CHECKS
from service.doctor.status import Status, Window, read_status
from tests.support import databases
from tests.support.mail_server import PASSWORD, USER, MailServer
from tests.support.runners import MORNING, Place, place

AT_WORK = {"beat": timedelta(seconds=3), "clock": timedelta(seconds=2)}


def _looked(here: Place, name: str, change: Callable[[Status], object] = lambda _: None) -> tuple[str, str]:
    """What this check saw, and what to do about it; nothing to do when all is well."""
    status = read_status(here.installation)
    change(status)
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


def _windows(*windows: Window) -> Callable[[Status], None]:
    def change(status: Status) -> None:
        status.budget_is_shared, status.windows = True, list(windows)

    return change


def _reads(left: int) -> Callable[[Status], None]:
    return _windows(Window("read", "day", "reading today", 1000, left, MORNING))


def _turned_away(here: Place, *, and_another_connected: bool = False) -> None:
    here.runner()
    heartbeats.turned_away(here.installation)
    here.later(hours=1)
    if and_another_connected:  # the application may have more athletes by now
        here.runner(connected_at=here.now)


def _at_revision(here: Place, revision: str) -> None:
    with here.installation.store.write() as session:
        session.execute(text(f"UPDATE alembic_version SET version_num = '{revision}'"))


_ONE_ATHLETE = _windows(Window("overall", "quarter_hour", "", 200, 200, MORNING))
_AT_WORK = "the clock was seen 3 s ago, a worker 2 s ago"
_OLD_DATA = "rows of activities are 9 days old, and Strava allows 7"
_LATE = "deliveries given up: 1; 1 waiting; the oldest of the due events has been waiting for 40 minutes"
_NO_BACKUP, _NO_BACKUP_YET = "none in the 2 days since the first runner", "none yet, and nothing older than two days"


@pytest.mark.parametrize(
    ("name", "arrange", "change", "seen", "do"),
    [
        ("clock, worker", lambda here: _seen(here, **AT_WORK), None, _AT_WORK, ""),
        ("clock, worker", None, None, "the clock was never seen; a worker was never seen", "`adductor worker`"),
        ("clock, worker", lambda here: _seen(here, clock=timedelta(0), beat=timedelta(days=9)), None,
         "the clock was last seen at work 9 days ago", "start `adductor beat`,"),
        ("clock, worker", lambda here: _seen(here, beat=timedelta(0)), None, "a worker was never", "`adductor worker`,"),
        ("clock, worker", lambda here: _seen(here, clock=timedelta(0), beat=timedelta(minutes=-10)), None,
         "10 minutes in the future: two clocks differ", "by NTP"),
        ("broker", None, None, "no ADDUCTOR_REDIS_URL is set", "brings its own"),
        ("events", None, None, "0 waiting, none given up", ""),
        ("events", _dead_letter_and_late_event, None, _LATE, "adductor replay --failed; look at the workers' log"),
        ("data age", lambda here: here.runner(), None, "what comes from Strava is at most 2 days old", ""),
        ("data age", lambda here: _data_of(here, 9), None, _OLD_DATA, "adductor beat"),
        ("rate budget", None, _reads(100), "100 left for reading today", ""),
        ("rate budget", None, _reads(99), "99 of 1000 left for reading today", "nothing is lost"),
        ("rate budget", None, None, "Redis is not there", "ADDUCTOR_REDIS_URL"),
        ("backup", None, None, _NO_BACKUP_YET, ""),
        ("backup", lambda here: _backed_up(here, None, 49), None, _NO_BACKUP, "adductor db backup"),
        ("backup", lambda here: _backed_up(here, 0), None, "the last one is 0 s old", ""),
        ("backup", lambda here: _backed_up(here, 3), None, "the last one is 3 days old", "adductor db backup"),
        ("athlete cap", None, _ONE_ATHLETE, "0 connected; by its rate limit", ""),
        ("athlete cap", lambda here: here.runner(), _ONE_ATHLETE, "the next one is turned away", ""),
        ("athlete cap", _turned_away, None, "Strava turned a runner away: 1 connected", "www.strava.com/settings/api"),
        ("athlete cap", lambda here: _turned_away(here, and_another_connected=True), None, "2 connected", ""),
        ("runners", lambda here: here.runner(), None, "1 connected, all with the scopes", ""),
        ("runners", lambda here: here.runner(scopes="read,activity:read_all"), None, "1 of 1 did not allow us", "by mail"),
        ("database", lambda here: _at_revision(here, "9999"), None, "at revision 9999, which a newer", "newer version"),
        ("database", lambda here: _at_revision(here, "0001"), None, "at revision 0001, wanted ", "adductor db upgrade"),
    ],
)  # fmt: skip
def test_check_says_what_it_sees_and_what_to_do(
    here: Place,
    name: str,
    arrange: Callable[[Place], object] | None,
    change: Callable[[Status], None] | None,
    seen: str,
    do: str,
) -> None:
    if arrange is not None:
        arrange(here)

    said, advice = _looked(here, name, change or (lambda _: None))

    assert seen in said
    assert (do in advice) if do else (advice == "")


@pytest.mark.parametrize(
    ("off_s", "seen"), [(9, "9 s ahead of the database's"), (-40, "40 s behind the database's"), (4, "")]
)
def test_clock_of_a_process_far_from_the_databases_is_told(
    here: Place, monkeypatch: pytest.MonkeyPatch, off_s: int, seen: str
) -> None:
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
        url = f"smtp://{USER}:{password}@localhost:{server.port}?starttls=1"
        with place(tmp_path / "data", ADDUCTOR_SMTP_URL=url) as here:
            seen, do = _looked(here, "mail")

    assert (do == "") is (password == PASSWORD)
    assert "hunter2" not in seen + do


def test_without_database_or_application_checks_say_what_they_need(tmp_path: Path) -> None:
    with place(tmp_path) as here:

        def is_gone(status: Status) -> None:
            status.problems["database"] = "does not answer"

        looked = {check.name: _looked(here, check.name, is_gone) for check in CHECKS if check.needs}

    assert {do for _, do in looked.values()} == {
        "mend the database first",
        "set STRAVA_CLIENT_ID and STRAVA_CLIENT_SECRET, or use `adductor up` with its sandbox",
    }
