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
from service.ops import exposition
from tests.support import databases
from tests.support.mail_server import PASSWORD, USER, MailServer
from tests.support.runners import Place, place

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


@pytest.mark.parametrize(
    ("ago", "seen", "do"),
    [
        (AT_WORK, "the clock was seen 3 s ago, a worker 2 s ago", ""),
        ({}, "the clock was never seen; a worker was never seen", "`adductor beat` and `adductor worker`"),
        (
            {**AT_WORK, "beat": timedelta(days=9)},
            "the clock was last seen at work 9 days ago",
            "start `adductor beat`,",
        ),
        ({"beat": AT_WORK["beat"]}, "a worker was never seen", "start `adductor worker`,"),
        ({**AT_WORK, "beat": timedelta(minutes=-10)}, "10 minutes in the future: two clocks differ", "by NTP"),
    ],
    ids=["both", "never", "no clock", "no worker", "in the future"],
)
def test_at_work_by_heartbeats(here: Place, ago: dict[str, timedelta], seen: str, do: str) -> None:
    _seen(here, **ago)

    said, advice = _looked(here, "clock, worker")

    assert seen in said
    assert do in advice


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

    assert (seen in said) if seen else (advice == "")
    assert ("NTP" in advice) is bool(seen)


@pytest.mark.processes
def test_clock_of_postgresql_is_the_one_that_is_compared(tmp_path: Path, postgres_server: str) -> None:
    with place(tmp_path, ADDUCTOR_DATABASE_URL=databases.emptied(postgres_server)) as here:
        far_off = heartbeats.compare_clocks(here.installation)
        here.clock.at = datetime.now(UTC)

        assert "the database's" in (far_off or "")
        assert heartbeats.compare_clocks(here.installation) is None


def test_events_given_up_and_late_are_both_said(here: Place) -> None:
    assert _looked(here, "events") == ("0 waiting, none given up", "")
    here.run_done(here.runner())
    with here.installation.store.write() as session:
        session.query(Delivery).one().state = "failed"
        event = WebhookEvent("strava", 1, "activity", 42, "update", here.now, 4711, {})
        inbox.put(session.connection(), [event], here.now - timedelta(minutes=40))

    seen, do = _looked(here, "events")

    assert seen == "deliveries given up: 1; 1 waiting; the oldest of the due events has been waiting for 40 minutes"
    assert "adductor replay --failed" in do
    assert "workers' log" in do


def test_data_older_than_strava_allows(here: Place) -> None:
    here.runner()
    assert _looked(here, "data age") == ("what comes from Strava is at most 2 days old", "")
    with here.installation.store.write() as session:
        session.query(LoggedActivity).one().fetched_at = here.now - timedelta(days=9)

    seen, do = _looked(here, "data age")

    assert seen == "rows of activities are 9 days old, and Strava allows 7"
    assert "adductor beat" in do


def test_budget_low_or_not_shared(here: Place) -> None:
    def reads_left(left: int) -> Callable[[Status], None]:
        def change(status: Status) -> None:
            status.budget_is_shared = True
            status.windows = [Window("read", "day", "reading today", 1000, left, here.now)]

        return change

    assert _looked(here, "rate budget", reads_left(100)) == ("100 left for reading today", "")
    assert _looked(here, "rate budget", reads_left(99))[0] == "99 of 1000 left for reading today"
    assert "nothing is lost" in _looked(here, "rate budget", reads_left(99))[1]
    assert "ADDUCTOR_REDIS_URL" in _looked(here, "rate budget")[1]


def test_backup_missing_for_two_days_is_found(here: Place) -> None:
    assert _looked(here, "backup") == ("none yet, and nothing older than two days to keep", "")
    here.runner(connected_at=here.now)
    here.later(hours=49)
    assert _looked(here, "backup")[0] == "none in the 2 days since the first runner"
    here.later(days=1)
    heartbeats.backed_up(here.installation)
    assert _looked(here, "backup") == ("the last one is 0 s old", "")
    here.later(days=3)

    seen, do = _looked(here, "backup")

    assert seen == "the last one is 3 days old"
    assert "adductor db backup" in do
    assert b"adductor_backup_age_seconds 259200.0" in exposition.text(here.installation)


def test_athlete_cap_by_the_rate_limit_and_after_a_refusal(here: Place) -> None:
    def one_athlete(status: Status) -> None:
        status.windows = [Window("overall", "quarter_hour", "", 200, 200, here.now)]

    assert _looked(here, "athlete cap", one_athlete)[0].startswith("0 connected; by its rate limit")
    here.runner()
    assert "the next one is turned away" in _looked(here, "athlete cap", one_athlete)[0]
    heartbeats.turned_away(here.installation)
    here.later(hours=1)
    seen, do = _looked(here, "athlete cap")
    assert "Strava turned a runner away: 1 connected" in seen
    assert "https://www.strava.com/settings/api" in do

    here.runner(connected_at=here.now)  # the application may have more athletes by now

    assert _looked(here, "athlete cap")[1] == ""


def test_runner_without_the_scope_to_write(here: Place) -> None:
    here.runner()
    assert _looked(here, "runners")[1] == ""
    here.runner(scopes="read,activity:read_all")

    assert _looked(here, "runners")[0] == "1 of 2 did not allow us to write"


@pytest.mark.parametrize(
    ("revision", "seen", "do"),
    [
        ("9999", "at revision 9999, which a newer Adductor Coach made", "install that newer version"),
        ("0001", "at revision 0001, wanted ", "run: adductor db upgrade"),
    ],
)
def test_database_of_another_version(here: Place, revision: str, seen: str, do: str) -> None:
    with here.installation.store.write() as session:
        session.execute(text(f"UPDATE alembic_version SET version_num = '{revision}'"))

    said, advice = _looked(here, "database")

    assert said.startswith(seen)
    assert do in advice


@pytest.mark.parametrize(
    ("off", "seen"),
    [
        (timedelta(minutes=-9), "ahead of Strava's"),
        (timedelta(minutes=7), "behind Strava's"),
        (timedelta(seconds=30), "agrees with Strava's"),
        (None, "can't be read"),
    ],
    ids=["ours is fast", "ours is slow", "both agree", "no date"],
)
def test_time_beside_stravas(here: Place, monkeypatch: pytest.MonkeyPatch, off: timedelta | None, seen: str) -> None:
    answer = requests.Response()
    if off is not None:
        answer.headers["Date"] = format_datetime(datetime.now(UTC) + off, usegmt=True)
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
