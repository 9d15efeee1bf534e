"""What is mailed, to whom, when, and how often; against a real mail server where its answers matter."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from adductor.athletes import decisions
from adductor.coaching.situation import Decision, Verdict
from adductor.jobs import deliveries, letters, rounds
from adductor.queue import claims, worker
from adductor.store.models import Delivery, PlannedRunRecord
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


def _text(raw: bytes, kind: str = "plain") -> str:
    body = _read(raw).get_body((kind,))
    assert body is not None
    return str(body.get_content())


def _by_mail(here: Place, **values: object) -> int:
    runner = here.runner(channels={"post_run": "mail"}, **values)
    here.run_done(runner)
    return runner


def test_routine_by_mail_says_why_and_how_and_takes_answers(here: Place) -> None:
    runner = _by_mail(here)

    rounds.work(here.installation)

    (raw,) = here.mails()
    message, public_id = _read(raw), here.suggestion(runner).public_id
    assert message["To"] == "runner@example.org"
    assert message["Message-ID"] == f"<routine-{public_id}@example.org>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    for words in (_text(raw), _text(raw, "html")):
        assert "Why today: easy run done" in words
        assert here.installation.links.runner_routine(public_id) in words
        assert words.count("https://coach.example.org/a/") == 5
        assert "Not medical advice, not a medical device." in words
        assert "!" not in words.replace("<!doctype", "").replace("!important", "")
    pictures = [part for part in message.walk() if part.get_content_maintype() == "image"]
    assert len(pictures) == len(here.suggestion(runner).routine["items"])
    for picture in pictures:
        assert f"cid:{str(picture['Content-ID']).strip('<>')}" in _text(raw, "html")
    (line,) = [line for line in raw.split(b"\r\n") if line.startswith(b"List-Unsubscribe: ")]
    assert line.startswith(b"List-Unsubscribe: <https://coach.example.org/unsubscribe/"), "in one piece, not encoded"
    assert line.endswith(b">")


_READ_ONLY = "read,activity:read_all"


@pytest.mark.parametrize(
    ("values", "channels"),
    [
        ({"channels": {"post_run": ["private_note", "mail"]}}, ["mail", "private_note"]),
        ({"scopes": _READ_ONLY, "channels": {}}, ["mail"]),
        ({"scopes": _READ_ONLY, "channels": {"post_run": "private_note"}}, ["mail"]),
        ({"scopes": _READ_ONLY, "channels": {"post_run": "description"}}, ["mail"]),
        ({"scopes": _READ_ONLY, "channels": {"post_run": ["private_note", "mail"]}}, ["mail"]),
        ({"scopes": _READ_ONLY, "email": None}, ["pages"]),
    ],
)
def test_channels_that_are_chosen_or_take_the_place_of_one(
    here: Place, values: dict[str, Any], channels: list[str]
) -> None:
    runner = here.runner(**values)

    here.run_done(runner)

    found = here.deliveries(runner)
    assert sorted(row.channel for row in found) == channels
    if channels == ["pages"]:
        assert [(row.state, row.outcome) for row in found] == [("done", "on_the_pages")]


def test_mail_that_was_sent_is_not_sent_again(here: Place) -> None:
    runner = _by_mail(here)
    rounds.work(here.installation)
    with here.asked(runner) as coach:
        row = coach.session.merge(here.deliveries(runner)[0])
        row.state, row.due_at = "waiting", here.now  # as if the end of the delivery had been lost

    rounds.work(here.installation)

    assert [row.outcome for row in here.deliveries(runner)] == ["sent"]
    assert len(here.mails()) == 1


@pytest.mark.parametrize("what", ["pause", "pause when it is claimed", "pain", "ill", "race", "a day later"])
def test_announced_routine_that_no_longer_holds_is_not_sent(here: Place, what: str) -> None:
    runner = _by_mail(here)
    claimed = claims.claim(here.installation, Delivery) if what == "pause when it is claimed" else None
    if what.startswith("pause"):
        here.pause(runner)
    elif what == "pain":
        here.check_in(runner, hip_groin_pain_0_10=8)
    elif what == "a day later":
        here.later(days=1)
    else:
        with here.asked(runner) as coach:
            if what == "race":
                start = here.now + timedelta(days=1)
                coach.session.add(PlannedRunRecord(athlete_id=runner, start=start, kind="race", priority="A"))
            coach.athlete.illness = what == "ill"
            decisions.reconsider(coach)

    if claimed is not None:
        worker.run(here.installation, deliveries.JOB, claimed)
    rounds.work(here.installation)

    assert [mail for mail in here.mails() if b"Message-ID: <routine-" in mail] == []
    outcome = "too_late" if what == "a day later" else "never_written"
    assert [row.outcome for row in here.deliveries(runner)] == [outcome]


def test_in_quiet_hours_of_the_morning_a_mail_waits_for_their_end(here: Place) -> None:
    runner = _by_mail(here, quiet_from_local="22:00", quiet_until_local="05:00")
    here.change(runner, quiet_from_local="08:00", quiet_until_local="10:30")

    rounds.work(here.installation)

    (delivery,) = here.deliveries(runner)
    assert (delivery.state, delivery.due_at) == ("waiting", datetime(2026, 11, 18, 10, 30, tzinfo=UTC))
    here.later(minutes=91)
    rounds.work(here.installation)
    assert len(here.mails()) == 1


# -- with a real server ----------------------------------------------------------------------------------------------


def test_permanent_bounce_marks_the_address(served: Place, server: MailServer) -> None:
    server.answer_to_recipient = "550 5.1.1 no such user"
    runner = _by_mail(served)

    rounds.work(served.installation)

    assert served.athlete(runner).email_bounced_at == served.now
    assert (served.deliveries(runner)[0].state, served.deliveries(runner)[0].outcome) == ("done", "address_refused")
    served.later(days=3)
    served.run_done(runner)
    assert served.deliveries(runner)[-1].channel == "pages"


@pytest.mark.parametrize(
    "refuse", [{"answer_to_recipient": "451 4.3.2 not now"}, {"answer_to_text": "451 4.3.0 try later"}]
)
def test_temporary_refusal_is_no_doubt_and_is_retried_with_growing_waits(
    served: Place, server: MailServer, refuse: dict[str, str]
) -> None:
    ((name, answer),) = refuse.items()
    setattr(server, name, answer)
    runner = _by_mail(served)
    waits = []
    for _ in range(4):
        rounds.work(served.installation)
        (delivery,) = served.deliveries(runner)
        waits.append((delivery.due_at - served.now).total_seconds())
        served.clock.at = delivery.due_at
    setattr(server, name, None)

    rounds.work(served.installation)

    assert all(later > 1.9 * sooner for sooner, later in pairwise(waits))
    assert (served.deliveries(runner)[0].outcome, len(server.taken)) == ("sent", 1)
    assert served.athlete(runner).email_bounced_at is None


@pytest.mark.parametrize(
    ("lost", "killed", "outcome"),
    [(1, False, "sent"), (9, False, "maybe_sent"), (0, True, "sent")],
    ids=["once", "always", "with the worker, before its commit"],
)
def test_lost_answer_leads_to_one_more_copy_with_the_same_message_id(
    served: Place, server: MailServer, monkeypatch: pytest.MonkeyPatch, lost: int, killed: bool, outcome: str
) -> None:
    runner = _by_mail(served)
    if killed:
        hand_over = served.installation.postbox.hand_over

        def kill(*values: Any, **named: Any) -> None:
            """No ladder catches the end of the process."""
            hand_over(*values, **named)
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(served.installation.postbox, "hand_over", kill)
            with pytest.raises(KeyboardInterrupt):
                rounds.work(served.installation)
        served.later(seconds=31)  # the lease
    for attempt in range(6):
        server.lose_connection_after_text = attempt < lost
        rounds.sweep(served.installation)
        served.clock.at = max(served.deliveries(runner)[0].due_at, served.now)

    ids = [_read(taken.content)["Message-ID"] for taken in server.taken]
    assert (len(ids), len(set(ids))) == (2, 1)
    assert served.deliveries(runner)[0].outcome == outcome


def test_a_confirmation_goes_only_to_the_address_that_is_asked_for_now(served: Place, server: MailServer) -> None:
    runner = served.runner(email="first@example.org", email_confirmed_at=None)
    for address in ("first@example.org", "second@example.org"):
        with served.asked(runner) as coach:
            coach.athlete.email = address
            letters.confirm_address(served.installation, coach.session, coach.athlete)

    rounds.work(served.installation)

    assert [taken.recipients for taken in server.taken] == [["second@example.org"]]
    assert "https://coach.example.org/confirm-address/" in _text(server.taken[0].content)


def test_a_mail_that_a_later_routine_takes_back_leaves_its_place_to_it(here: Place) -> None:
    runner = here.runner(channels={"post_run": "mail", "rest_day": "mail"})
    here.run_done(runner)
    with here.asked(runner) as coach:
        made = coach.session.merge(here.suggestion(runner))
        routine, decision = decisions.routine_of(made), made.decision
        named = {"decision": Decision.REST_DAY, "rule": "rest_day", "reason": "A rest day.", "routine": routine}
        for _ in range(2):
            made.deliveries[0].state, made.deliveries[0].written_at = "done", here.now
            made = coach.suggest(Verdict(dose=routine.dose, **named), decision, None)
        coach.suggest(Verdict(dose=routine.dose, **named), decision, None)

    assert [delivery.outcome for delivery in here.deliveries(runner)] == [None, None, "never_written", None]
    assert here.deliveries(runner)[-1].state == "waiting"
