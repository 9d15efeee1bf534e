"""Handing mails over to a real SMTP server, with STARTTLS and login, and what its answers mean."""

from __future__ import annotations

import email
import email.policy
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest

from adductor.mail import messages
from adductor.mail.messages import Frame
from adductor.mail.transport import (
    AddressRefusedError,
    MailLaterError,
    MailRefusedError,
    MailUnsureError,
    Postbox,
)
from tests.support.mail_server import PASSWORD, USER, MailServer


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MailServer]:
    with MailServer(tmp_path) as running:
        monkeypatch.setenv("SSL_CERT_FILE", str(running.authority))
        yield running


def _message(to: str = "runner@example.org") -> EmailMessage:
    frame = Frame(
        sender="Adductor Coach <coach@example.org>",
        to=to,
        at=datetime(2026, 11, 18, 9, 0, tzinfo=UTC),
        unsubscribe_link="https://coach.example.org/unsubscribe/token",
        settings_link="https://coach.example.org/settings",
    )
    return messages.letter_mail(frame, "confirm", key="abc", link="https://coach.example.org/confirm-address/token")


def _postbox(server: MailServer, user: str = USER, password: str = PASSWORD, query: str = "?starttls=1") -> Postbox:
    return Postbox(f"smtp://{user}:{password}@localhost:{server.port}{query}", Path("/nonexistent"))


def test_a_mail_goes_out_over_starttls_with_login(server: MailServer) -> None:
    _postbox(server).hand_over(_message())

    (taken,) = server.taken
    assert (taken.sender, taken.recipients) == ("coach@example.org", ["runner@example.org"])
    assert taken.encrypted
    assert taken.user == USER
    read = email.message_from_bytes(taken.content, policy=email.policy.default)
    assert read["Message-ID"] == "<confirm-abc@example.org>"


def test_a_wrong_password_waits_for_the_operator(server: MailServer) -> None:
    with pytest.raises(MailLaterError, match="refuses our user or password") as caught:
        _postbox(server, password="wrong-secret").hand_over(_message())

    assert "wrong-secret" not in str(caught.value)
    assert server.taken == []


def test_no_password_and_no_mail_goes_to_a_server_whose_certificate_is_unknown(
    server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")

    with pytest.raises(MailLaterError):
        _postbox(server).hand_over(_message())

    assert server.logins == 0
    assert server.taken == []


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ("550 5.1.1 no such user", AddressRefusedError),
        ("550 unknown", AddressRefusedError),
        ("550 5.2.1 mailbox disabled", AddressRefusedError),
        ("552 5.2.2 mailbox full", MailLaterError),
        ("554 5.7.1 relay access denied", MailLaterError),
        ("550 5.7.1 blocked by policy", MailLaterError),
        ("450 4.2.0 greylisted", MailLaterError),
    ],
)
def test_what_the_server_says_about_the_recipient_decides(
    server: MailServer, answer: str, error: type[Exception]
) -> None:
    server.answer_to_recipient = answer
    went_out = []

    with pytest.raises(error) as caught:
        _postbox(server).hand_over(_message(), about_to=lambda: went_out.append(1))

    assert type(caught.value) is error
    assert went_out == []


@pytest.mark.parametrize(
    ("answer", "error"),
    [("451 4.3.0 try later", MailLaterError), ("554 5.6.0 looks like spam", MailRefusedError)],
)
def test_what_the_server_says_about_the_text_decides(server: MailServer, answer: str, error: type[Exception]) -> None:
    server.answer_to_text = answer

    with pytest.raises(error):
        _postbox(server).hand_over(_message())


def test_a_server_lost_after_the_text_leaves_doubt_and_says_so(server: MailServer) -> None:
    server.lose_connection_after_text = True
    went_out = []

    with pytest.raises(MailUnsureError):
        _postbox(server).hand_over(_message(), about_to=lambda: went_out.append(1))

    assert went_out == [1]
    assert len(server.taken) == 1


def test_a_server_that_isnt_there_is_tried_again_later() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    with pytest.raises(MailLaterError):
        Postbox(f"smtp://127.0.0.1:{port}", Path("/nonexistent")).hand_over(_message())


def test_a_server_that_hangs_up_at_once_is_tried_again_later() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=lambda: listening.accept()[0].close())
        thread.start()
        with pytest.raises(MailLaterError):
            Postbox(f"smtp://127.0.0.1:{listening.getsockname()[1]}", Path("/nonexistent")).hand_over(_message())
        thread.join()


def test_without_a_server_the_mail_is_kept_whole_and_once(tmp_path: Path) -> None:
    postbox = Postbox(None, tmp_path / "mail")

    for _ in range(2):
        postbox.hand_over(_message())

    (kept,) = (tmp_path / "mail").iterdir()
    assert kept.suffix == ".eml"
    read = email.message_from_bytes(kept.read_bytes(), policy=email.policy.default)
    assert read["To"] == "runner@example.org"
