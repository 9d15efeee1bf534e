"""Reaching the runner over the real processes, with mail through a real server."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
import requests
from sqlalchemy import select

from adductor.athletes import schedule
from adductor.notes import block
from adductor.store.models import Athlete, SessionRecord, Suggestion
from tests.support.live import Live, Runner, installation
from tests.support.mail_server import MailServer, Taken

pytestmark = pytest.mark.processes

ADDRESS = "runner@example.org"
ENDS = {"sent", "maybe_sent"}


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


def _reschedule(live: Live, runner: Runner) -> None:
    with live.store.write() as session:
        schedule.reschedule(session.get_one(Athlete, runner.id), live.here.installation.clock.now())


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


def test_worker_killed_between_the_text_and_the_commit_sends_one_more_copy(mailing: Live, server: MailServer) -> None:
    """A server that refuses for a while is waited for first."""

    def kill() -> None:
        server.hold_after_text = None
        mailing.kill("worker")

    server.answer_to_recipient = "451 4.3.0 the mail system is down"
    server.hold_after_text = kill
    run = mailing.record(_with_mail(mailing))
    mailing.until(lambda: [row.attempts >= 2 for row in mailing.deliveries(run)] == [True])
    assert server.taken == []
    server.answer_to_recipient = None

    mailing.until(lambda: _outcomes(mailing, run)[0:1] and _outcomes(mailing, run)[0] in ENDS, within_s=240)

    ids = [str(email.message_from_bytes(taken.content)["Message-ID"]) for taken in server.taken]
    assert (len(ids), len(set(ids))) == (2, 1)


def _lines(taken: Taken) -> list[str]:
    body = email.message_from_bytes(taken.content, policy=email.policy.default).get_body(("plain",))  # type: ignore[attr-defined]
    return str(body.get_content()).splitlines()


# -- notes and titles ------------------------------------------------------------------------------------------------


def _status(live: Live, activity: int) -> str:
    suggestion = live.suggestion(activity)
    assert suggestion is not None
    return suggestion.status


@pytest.mark.parametrize(("word", "status"), [("done", "done"), ("skip", "declined"), ("pause", "withdrawn")])
def test_word_in_the_title_answers_without_a_call(live: Live, word: str, status: str) -> None:
    runner = live.runner()
    run = live.record(runner, private_note="Mine.")
    text = live.note_comes(run)

    live.edit(run, title=f"Morning run #Adductor-{word}")
    live.until(lambda: _status(live, run) == status)
    live.settles(run)

    paused = word == "pause"
    assert live.truth(run)["private_note"] == ("Mine." if paused else text)
    assert len(live.calls(activity=run)) == (4 if paused else 2)  # a removal reads and writes
    if paused:
        during = live.record(runner)
        live.settles(during)
        assert live.calls(activity=during) == []
        live.edit(during, title="Back again #adductor-resume")
        live.until(lambda: live.athlete(runner).paused_until is None)


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
