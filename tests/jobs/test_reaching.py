"""Reaching the runner over the real processes: ten days in several time zones, mail through a real server, and violence."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import requests
from sqlalchemy import select

from adductor.athletes import schedule
from adductor.jobs import letters
from adductor.notes import block
from adductor.platforms.base import Tokens
from adductor.queue import timers
from adductor.store.models import Athlete, DecisionRecord, Delivery, SessionRecord, Suggestion
from tests.support.athletes import give_tokens
from tests.support.live import Live, Runner, installation
from tests.support.mail_server import MailServer, Taken

pytestmark = pytest.mark.processes

ADDRESS = "runner@example.org"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailServer]:
    with MailServer(tmp_path_factory.mktemp("mail")) as running:
        yield running


@pytest.fixture(scope="module")
def mailing(tmp_path_factory: pytest.TempPathFactory, server: MailServer) -> Iterator[Live]:
    """An installation that sends its mails through the server, over STARTTLS and with login."""
    settings = {"ADDUCTOR_SMTP_URL": server.url, "SSL_CERT_FILE": str(server.authority)}
    with installation(tmp_path_factory.mktemp("mailing"), **settings) as live:
        yield live


@pytest.fixture(autouse=True)
def _a_patient_server(server: MailServer) -> None:
    server.taken.clear()
    server.answer_to_recipient = server.answer_to_text = server.hold_after_text = None
    server.lose_connection_after_text = False


def _with_mail(live: Live, **values: object) -> Runner:
    values.setdefault("channels", {"post_run": "mail"})
    return live.runner(email=ADDRESS, email_confirmed_at=live.here.installation.clock.now(), **values)


def _set_clock(live: Live, at: datetime) -> None:
    live.admin("POST", "clock", {"now": at.isoformat()})


def _outcomes(live: Live, activity: int) -> list[str | None]:
    return [row.outcome for row in live.deliveries(activity)]


# -- when ------------------------------------------------------------------------------------------------------------


def test_ten_days_of_prompts_in_four_time_zones_through_a_change_of_clocks(tmp_path: Path) -> None:
    start = datetime(2026, 10, 19, 8, 30, tzinfo=UTC)  # Europe's clocks change on the 25th
    zones = ["Europe/Berlin", "America/Los_Angeles", "Pacific/Auckland", "Asia/Kathmandu"]
    with installation(tmp_path / "weeks", start=start, speed=20) as live:
        runners = {
            zone: live.runner(
                timezone=zone,
                email=f"{zone.replace('/', '-')}@example.org",
                email_confirmed_at=start,
                channels={},
                last_completed_on=None,
            )
            for zone in zones
        }
        for zone, runner in runners.items():
            live.admin("POST", f"runners/{runner.strava_id}/activities/many", {"activities": _training(start, zone)})
            _reschedule(live, runner)
        while (at := _next_due(live)) <= start + timedelta(days=10):
            now = live.here.installation.clock.now()
            if at - now > timedelta(seconds=30):
                _set_clock(live, at - timedelta(seconds=2))
            # Beyond what a claim sets, and nothing to deliver: the look itself is over.
            over = at + timers.LEASE + timedelta(minutes=5)
            live.until(lambda over=over: _next_due(live) > over and not _waiting(live))  # type: ignore[misc]

        for zone, runner in runners.items():
            looks = _looks(live, runner)
            days = [row.at.astimezone(ZoneInfo(zone)).date() for row in looks]
            # Every day once, within a minute after 17:30 of the runner's own clock.
            assert len(days) == len(set(days))
            assert len(days) >= 9
            for row in looks:
                local = row.at.astimezone(ZoneInfo(zone))
                assert (
                    timedelta(0)
                    <= local - local.replace(hour=17, minute=30, second=0, microsecond=0)
                    < timedelta(minutes=2)
                ), (zone, local)
            mailed = [row for row in looks if row.decision == "rest_day"]
            assert mailed, zone
            assert all(row.reason for row in looks)
        sent = list(live.here.settings.mail_dir.glob("*.eml"))
        assert len(sent) == sum(
            1 for runner in runners.values() for row in _looks(live, runner) if row.decision == "rest_day"
        )


def _training(start: datetime, zone: str) -> list[dict[str, object]]:
    """A run on Monday, Wednesday, Friday and Saturday mornings for three weeks; no events: the history is read."""
    recordings = []
    for ahead in range(-7, 14):
        at = (start + timedelta(days=ahead)).astimezone(ZoneInfo(zone)).replace(hour=7, minute=0)
        if at.weekday() in (0, 2, 4, 5) and ahead < 0:
            recordings.append({"start": at.isoformat(), "timezone": zone, "silent": True})
    return recordings


def _reschedule(live: Live, runner: Runner) -> None:
    with live.store.write() as session:
        schedule.reschedule(session.get_one(Athlete, runner.id), live.here.installation.clock.now())


def _next_due(live: Live) -> datetime:
    with live.store.read() as session:
        found = session.scalar(select(Athlete.next_due_at).order_by(Athlete.next_due_at.nulls_last()))
    assert found is not None
    return found


def _looks(live: Live, runner: Runner) -> list[DecisionRecord]:
    with live.store.read() as session:
        rows = select(DecisionRecord).where(
            DecisionRecord.athlete_id == runner.id, DecisionRecord.trigger == "clock_tick"
        )
        return list(session.scalars(rows))


def _waiting(live: Live) -> bool:
    with live.store.read() as session:
        return session.scalar(select(Delivery.id).where(Delivery.state.in_(("waiting", "claimed")))) is not None


# -- mail ------------------------------------------------------------------------------------------------------------


def test_mail_goes_over_starttls_with_login_and_is_answered_by_its_link(mailing: Live, server: MailServer) -> None:
    run = mailing.record(_with_mail(mailing))
    mailing.until(lambda: _outcomes(mailing, run) == ["sent"])

    (taken,) = server.taken
    assert (taken.encrypted, taken.recipients) == (True, [ADDRESS])
    assert mailing.written(run) == []
    link = next(line for line in _lines(taken) if line.startswith("Done: ")).removeprefix("Done: ")
    assert requests.get(link, timeout=10).status_code == 200
    assert _status(mailing, run) == "open"
    assert requests.post(link, timeout=10).status_code == 200
    assert _status(mailing, run) == "done"


@pytest.mark.parametrize(("kills", "ends"), [(1, {"sent", "maybe_sent"}), (9, {"maybe_sent"})], ids=["once", "always"])
def test_worker_killed_between_the_text_and_the_commit_sends_one_more_copy_at_most(
    mailing: Live, server: MailServer, kills: int, ends: set[str]
) -> None:
    left = iter(range(kills))

    def kill() -> None:
        if next(left, None) is not None:
            mailing.kill("worker")

    server.hold_after_text = kill
    run = mailing.record(_with_mail(mailing))

    mailing.until(lambda: _outcomes(mailing, run)[0:1] and _outcomes(mailing, run)[0] in ends, within_s=240)

    ids = [str(email.message_from_bytes(taken.content)["Message-ID"]) for taken in server.taken]
    assert (len(ids), len(set(ids))) == (2, 1)


def test_a_missing_permission_turns_the_note_into_a_mail(mailing: Live, server: MailServer) -> None:
    runner = _with_mail(mailing, channels={"post_run": "private_note"})
    token = mailing.admin("POST", f"runners/{runner.strava_id}/connect", {"scopes": ["read", "activity:read_all"]})
    _give_token(mailing, runner, token)

    run = mailing.record(runner)
    mailing.until(lambda: sorted(str(entry) for entry in _outcomes(mailing, run)) == ["scope_missing", "sent"])

    assert len(server.taken) == 1
    assert "activity:write" not in mailing.athlete(runner).connection.scopes
    assert mailing.athlete(runner).connection.state == "connected"


def _lines(taken: Taken) -> list[str]:
    body = email.message_from_bytes(taken.content, policy=email.policy.default).get_body(("plain",))  # type: ignore[attr-defined]
    return str(body.get_content()).splitlines()


def _give_token(live: Live, runner: Runner, minted: dict[str, object]) -> None:
    with live.store.write() as session:
        given = Tokens(
            str(minted["access_token"]),
            str(minted["refresh_token"]),
            datetime.fromtimestamp(float(str(minted["expires_at"])), UTC),
        )
        give_tokens(session, live.here.installation, runner.id, given)


def test_an_address_gets_its_confirmation_before_anything_else(mailing: Live, server: MailServer) -> None:
    runner = mailing.runner(email="new@example.org", channels={"post_run": "mail"})
    with mailing.store.write() as session:
        letters.confirm_address(mailing.here.installation, session, session.get_one(Athlete, runner.id))
    run = mailing.record(runner)
    mailing.until(lambda: _outcomes(mailing, run) == ["on_the_pages"])
    mailing.until(lambda: len(server.taken) == 1)
    start = "Yes, send routines here: "
    link = next(line for line in _lines(server.taken[0]) if line.startswith(start)).removeprefix(start)

    requests.post(link, timeout=10)

    assert mailing.athlete(runner).email_confirmed_at is not None


# -- notes and titles ------------------------------------------------------------------------------------------------


def _status(live: Live, activity: int) -> str:
    suggestion = live.suggestion(activity)
    assert suggestion is not None
    return suggestion.status


@pytest.mark.parametrize(("word", "status"), [("done", "done"), ("skip", "declined"), ("pause", "withdrawn")])
def test_word_in_the_title_answers_without_a_call(live: Live, word: str, status: str) -> None:
    run = live.record(live.runner(), private_note="Mine.")
    text = live.note_comes(run)

    live.edit(run, title=f"Morning run #Adductor-{word}")
    live.until(lambda: _status(live, run) == status)
    live.settles(run)

    assert live.truth(run)["private_note"] == ("Mine." if word == "pause" else text)
    assert len(live.calls(activity=run)) == (4 if word == "pause" else 2)  # a removal reads and writes


def test_resume_in_the_title_ends_a_pause(live: Live) -> None:
    runner = live.runner(paused_until=live.here.installation.clock.now().date() + timedelta(days=7))
    during = live.record(runner)
    live.settles(during)
    assert live.calls(activity=during) == []

    live.edit(during, title="Back again #adductor-resume")
    live.until(lambda: live.athlete(runner).paused_until is None)
    live.settles(during)
    live.note_comes(live.record(runner))


@pytest.mark.parametrize(
    ("title", "status"), [("Copenhagen and squeezes", "done"), ("Evening workout", "open")], ids=["ours", "unknown"]
)
def test_strength_work_recorded_afterwards_answers_or_asks(live: Live, title: str, status: str) -> None:
    runner = live.runner()
    run = live.record(runner)
    live.note_comes(run)

    strength = live.record(runner, sport_type="WeightTraining", title=title, minutes=10)
    live.settles(strength)

    suggestion = live.suggestion(run)
    assert suggestion is not None
    assert (suggestion.status, suggestion.asks_about_activity) == (status, strength if status == "open" else None)
    with live.store.read() as session:
        done = session.scalars(select(SessionRecord).where(SessionRecord.athlete_id == runner.id)).all()
    assert [(row.source, row.platform_id) for row in done] == ([("log", strength)] if status == "done" else [])


def test_a_description_that_all_can_read_carries_no_link_that_answers(live: Live) -> None:
    run = live.record(live.runner(channels={"post_run": "description"}))

    text = live.note_comes(run, "description")

    assert "/routine/" in text
    assert "/a/" not in text


def test_a_rest_day_note_takes_the_place_of_the_block_that_stood_there(live: Live) -> None:
    runner = live.runner(channels={"post_run": "private_note", "rest_day": "private_note"})
    run = live.record(runner, private_note="Mine.", minutes=30)
    first = live.note_comes(run)
    with live.store.write() as session:
        # Answered on another day: room for the next one.
        for row in session.scalars(select(Suggestion).where(Suggestion.athlete_id == runner.id)):
            row.status = "declined"
        athlete = session.get_one(Athlete, runner.id)
        athlete.history_read_at = live.here.installation.clock.now() + timedelta(days=2)
        athlete.next_due_at = None
    now = live.here.installation.clock.now()
    prompt = (now + timedelta(days=1)).replace(hour=17, minute=30, second=1)
    _set_clock(live, prompt)
    try:
        _reschedule(live, runner)
        live.until(lambda: live.truth(run)["private_note"] != first)
    finally:
        _set_clock(live, prompt.replace(hour=9) + timedelta(days=1))

    text = live.truth(run)["private_note"]
    assert text.startswith("Mine.\n\n")
    assert text.count(block.SIGNATURE) == 1
    assert "no run today" in text
