"""What is mailed, to whom, when, and how often; against a real mail server where its answers matter."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import select

from adductor.athletes import answers, decisions, reconsider
from adductor.athletes.answers import Answer, Said
from adductor.coaching.situation import Decision, Verdict
from adductor.jobs import deliveries, letters, rounds
from adductor.queue import claims, worker
from adductor.store.models import CheckInRecord, Delivery, PlannedRunRecord, Suggestion
from tests.support import counted
from tests.support.mail_server import MailServer
from tests.support.runners import Place, place


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MailServer]:
    with MailServer(tmp_path) as running:
        monkeypatch.setenv("SSL_CERT_FILE", str(running.authority))
        yield running


@pytest.fixture
def served(tmp_path: Path, server: MailServer) -> Iterator[Place]:
    """A place whose mails go to the real server."""
    with place(tmp_path / "here", ADDUCTOR_SMTP_URL=server.url) as made:
        yield made


def _read(raw: bytes) -> EmailMessage:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def _by_mail(here: Place, **values: object) -> int:
    runner = here.runner(channels={"post_run": "mail"}, **values)
    here.run_done(runner)
    return runner


def test_a_routine_by_mail_says_why_and_how_and_takes_answers(here: Place) -> None:
    runner = _by_mail(here)

    rounds.work(here.installation)

    (raw,) = here.mails()
    message = _read(raw)
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert html is not None
    public_id = here.suggestion(runner).public_id
    assert message["To"] == "runner@example.org"
    assert message["Message-ID"] == f"<routine-{public_id}@example.org>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert str(message["List-Unsubscribe"]).startswith("<https://coach.example.org/unsubscribe/")
    for words in (plain.get_content(), html.get_content()):
        assert "Why today: easy run done" in words
        assert f"https://coach.example.org/routine/{public_id}" in words
        assert words.count("https://coach.example.org/a/") == 5
        assert "Not medical advice, not a medical device." in words
        assert "!" not in words.replace("<!doctype", "").replace("!important", "")
    pictures = [part for part in message.walk() if part.get_content_maintype() == "image"]
    assert len(pictures) == len(here.suggestion(runner).routine["items"])
    for picture in pictures:
        assert f"cid:{str(picture['Content-ID']).strip('<>')}" in html.get_content()


def test_the_unsubscribe_header_stays_in_one_piece(here: Place) -> None:
    _by_mail(here)

    rounds.work(here.installation)

    lines = here.mails()[0].split(b"\r\n")
    (line,) = [line for line in lines if line.startswith(b"List-Unsubscribe: ")]
    assert line.endswith(b">")
    assert b"=?" not in line


def test_both_means_a_note_and_a_mail(here: Place) -> None:
    runner = here.runner(channels={"post_run": ["private_note", "mail"]})
    here.run_done(runner)

    assert sorted(row.channel for row in here.deliveries(runner)) == ["mail", "private_note"]


@pytest.mark.parametrize("chosen", [None, "private_note", "description", ["private_note", "mail"]])
def test_without_permission_to_write_everything_goes_by_mail(here: Place, chosen: object) -> None:
    channels = {} if chosen is None else {"post_run": chosen}
    runner = here.runner(scopes="read,activity:read_all", channels=channels)
    here.run_done(runner)

    assert [row.channel for row in here.deliveries(runner)] == ["mail"]


def test_with_neither_permission_nor_address_it_stays_on_the_pages(here: Place) -> None:
    before = counted.total("adductor_deliveries_total", channel="pages", outcome="on_the_pages")
    runner = here.runner(scopes="read,activity:read_all", email=None)
    here.run_done(runner)

    assert [(row.channel, row.state, row.outcome) for row in here.deliveries(runner)] == [
        ("pages", "done", "on_the_pages")
    ]
    assert counted.total("adductor_deliveries_total", channel="pages", outcome="on_the_pages") == before + 1


def test_a_mail_that_was_sent_is_not_sent_again(here: Place) -> None:
    runner = _by_mail(here)
    rounds.work(here.installation)
    with here.installation.store.write() as session:
        row = session.merge(here.deliveries(runner)[0])
        row.state, row.due_at = "waiting", here.now  # as if the end of the delivery had been lost

    rounds.work(here.installation)

    (delivery,) = here.deliveries(runner)
    assert (delivery.outcome, len(here.mails())) == ("sent", 1)


@pytest.mark.parametrize("what", ["pause", "pain", "ill", "race"])
def test_what_is_announced_is_not_sent_any_more(here: Place, what: str) -> None:
    runner = _by_mail(here)
    with here.installation.store.write() as session:
        athlete = here.locked(session, runner)
        if what == "pause":
            answers.pause(athlete, here.now.date() + timedelta(days=7))
        elif what == "pain":
            record = CheckInRecord(hip_groin_pain_0_10=8, red_flags=[])
            answers.check_in(session, here.installation, athlete, record, now=here.now)
        else:
            if what == "race":
                start = here.now + timedelta(days=1)
                session.add(PlannedRunRecord(athlete_id=runner, start=start, kind="race", priority="A"))
            athlete.illness = what == "ill"
            reconsider.reconsider(session, here.installation, athlete, now=here.now)

    rounds.work(here.installation)

    assert [mail for mail in here.mails() if b"Message-ID: <routine-" in mail] == []
    assert [row.outcome for row in here.deliveries(runner)] == ["never_written"]


def test_a_mail_whose_moment_has_passed_is_not_sent(here: Place) -> None:
    runner = _by_mail(here)
    here.later(days=1)

    rounds.work(here.installation)

    assert here.mails() == []
    assert here.deliveries(runner)[0].outcome == "too_late"


def test_in_quiet_hours_of_the_morning_a_mail_waits_for_their_end(here: Place) -> None:
    runner = _by_mail(here, quiet_from_local="22:00", quiet_until_local="05:00")
    here.change(runner, quiet_from_local="08:00", quiet_until_local="10:30")

    rounds.work(here.installation)

    (delivery,) = here.deliveries(runner)
    assert (delivery.state, delivery.due_at) == ("waiting", datetime(2026, 11, 18, 10, 30, tzinfo=UTC))
    here.later(minutes=91)
    rounds.work(here.installation)
    assert len(here.mails()) == 1


def test_the_referral_comes_by_mail_too_once(here: Place) -> None:
    runner = _by_mail(here)
    for pain in (7, 9):
        with here.installation.store.write() as session:
            record = CheckInRecord(hip_groin_pain_0_10=pain, red_flags=[])
            answers.check_in(session, here.installation, here.locked(session, runner), record, now=here.now)

    rounds.work(here.installation)
    rounds.work(here.installation)

    (raw,) = here.mails()
    body = _read(raw).get_body(("plain",))
    assert body is not None
    assert "physiotherapist or doctor before you run or exercise" in body.get_content()


def test_strength_work_of_an_unknown_kind_is_asked_about_in_the_next_mail(here: Place) -> None:
    runner = _by_mail(here)
    with here.installation.store.write() as session:
        session.merge(here.suggestion(runner)).asks_about_activity = 77
    here.later(days=3)
    here.run_done(runner)

    rounds.work(here.installation)

    body = _read(here.mails()[-1]).get_body(("plain",))
    assert body is not None
    first = here.suggestions(runner)[0]
    link = here.installation.links.answer(first.public_id, "done", first.created_at)
    assert f"You logged strength work after your last routine. If that was it: {link}" in body.get_content()


def test_answered_it_is_not_asked_again(here: Place) -> None:
    runner = _by_mail(here)
    with here.installation.store.write() as session:
        row = session.merge(here.suggestion(runner))
        row.asks_about_activity = 77
        athlete = here.locked(session, runner)
        answers.answer(session, here.installation, athlete, row, Answer(Said.DONE), source="mail", now=here.now)

    assert here.suggestion(runner).asks_about_activity is None


# -- with a real server ----------------------------------------------------------------------------------------------


def test_a_permanent_bounce_marks_the_address(served: Place, server: MailServer) -> None:
    server.answer_to_recipient = "550 5.1.1 no such user"
    runner = _by_mail(served)

    rounds.work(served.installation)

    assert served.athlete(runner).email_bounced_at == served.now
    assert (served.deliveries(runner)[0].state, served.deliveries(runner)[0].outcome) == ("done", "address_refused")
    served.later(days=3)
    served.run_done(runner)
    assert served.deliveries(runner)[-1].channel == "pages"


def test_a_temporary_error_is_tried_again_with_growing_waits(served: Place, server: MailServer) -> None:
    server.answer_to_recipient = "451 4.3.2 not now"
    runner = _by_mail(served)
    waits = []
    for _ in range(4):
        rounds.work(served.installation)
        (delivery,) = served.deliveries(runner)
        waits.append((delivery.due_at - served.now).total_seconds())
        served.clock.at = delivery.due_at
    server.answer_to_recipient = None

    rounds.work(served.installation)

    assert all(later > 2 * sooner for sooner, later in pairwise(waits))
    assert len(server.taken) == 1
    assert served.deliveries(runner)[0].outcome == "sent"
    assert served.athlete(runner).email_bounced_at is None


def test_an_answer_that_was_lost_leads_to_one_more_copy_with_the_same_message_id(
    served: Place, server: MailServer
) -> None:
    server.lose_connection_after_text = True
    runner = _by_mail(served)
    for _ in range(6):
        rounds.work(served.installation)
        served.clock.at = max(served.deliveries(runner)[0].due_at, served.now)

    ids = [_read(taken.content)["Message-ID"] for taken in server.taken]
    assert len(ids) == 2
    assert len(set(ids)) == 1
    assert served.deliveries(runner)[0].outcome == "maybe_sent"


def test_a_refused_text_doesnt_count_as_doubt(served: Place, server: MailServer) -> None:
    server.answer_to_text = "451 4.3.0 try later"
    runner = _by_mail(served)
    for _ in range(4):
        rounds.work(served.installation)
        served.clock.at = served.deliveries(runner)[0].due_at
    server.answer_to_text = None

    rounds.work(served.installation)

    (delivery,) = served.deliveries(runner)
    assert (delivery.outcome, len(server.taken)) == ("sent", 1)


def test_a_suggestion_taken_back_while_the_server_is_asked_is_not_sent(served: Place, server: MailServer) -> None:
    runner = _by_mail(served)
    claimed = claims.claim(served.installation, Delivery)
    assert claimed is not None
    with served.installation.store.write() as session:
        answers.pause(served.locked(session, runner), served.now.date() + timedelta(days=7))

    worker.run(served.installation, deliveries.JOB, claimed)

    assert server.taken == []
    assert [(row.state, row.outcome) for row in served.deliveries(runner)] == [("done", "never_written")]


def test_a_confirmation_goes_only_to_the_address_that_is_asked_for_now(served: Place, server: MailServer) -> None:
    runner = served.runner(email="first@example.org", email_confirmed_at=None)
    for address in ("first@example.org", "second@example.org"):
        with served.installation.store.write() as session:
            athlete = served.locked(session, runner)
            athlete.email = address
            letters.confirm_address(served.installation, session, athlete)

    rounds.work(served.installation)

    assert [taken.recipients for taken in server.taken] == [["second@example.org"]]
    body = _read(server.taken[0].content).get_body(("plain",))
    assert body is not None
    assert "https://coach.example.org/confirm-address/" in body.get_content()


def test_a_mail_that_a_later_routine_takes_back_leaves_its_place_to_it(here: Place) -> None:
    runner = here.runner(channels={"post_run": "mail", "rest_day": "mail"})
    here.run_done(runner)
    with here.installation.store.write() as session:
        here.locked(session, runner)
        first = session.scalars(select(Suggestion)).one()
        first.deliveries[0].written_at = here.now
        first.deliveries[0].state = "done"
        routine, decision = decisions.routine_of(first), first.decision
        verdict = Verdict(
            decision=Decision.REST_DAY, dose=routine.dose, rule="rest_day", reason="A rest day.", routine=routine
        )
        for sent in (True, False, False):
            made = here.coach(session, runner).suggest(verdict, decision, None)
            if sent:
                made.deliveries[0].state, made.deliveries[0].written_at = "done", here.now

    assert [delivery.outcome for delivery in here.deliveries(runner)] == [None, None, "never_written", None]
    assert here.deliveries(runner)[-1].state == "waiting"
