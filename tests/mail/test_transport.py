"""Handing mails over to a real SMTP server, with STARTTLS and login, and what its answers mean."""

from __future__ import annotations

import email
import email.policy
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from adductor.mail.transport import (
    AddressRefusedError,
    MailLaterError,
    MailRefusedError,
    MailUnsureError,
    Postbox,
)
from adductor.settings import load
from service.cli.up import make_plan
from tests.support.mail_server import PASSWORD, USER, MailServer
from tools import examples

MAIL = examples.ALL[0].mail
NO_SUCH_USER = ("5.1.1 no such user", "unknown", "5.2.1 mailbox disabled")
LATER = (
    "552 5.2.2 mailbox full",
    "554 5.7.1 relay access denied",
    "550 5.7.1 blocked by policy",
    "450 4.2.0 greylisted",
)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MailServer]:
    with MailServer(tmp_path) as running:
        monkeypatch.setenv("SSL_CERT_FILE", str(running.authority))
        yield running


NOWHERE = Path("/nonexistent")


def _postbox(server: MailServer, password: str = PASSWORD) -> Postbox:
    return Postbox(server.url.replace(PASSWORD, password), NOWHERE, "coach.example.org")


def test_mail_goes_out_over_starttls_with_login(server: MailServer) -> None:
    _postbox(server).hand_over(MAIL)

    (taken,) = server.taken
    assert (taken.sender, taken.recipients) == ("coach@example.org", [MAIL["To"]])
    assert taken.encrypted
    assert (taken.user, taken.greeting) == (USER, "coach.example.org")
    assert email.message_from_bytes(taken.content, policy=email.policy.default)["Message-ID"] == MAIL["Message-ID"]


def test_wrong_password_or_certificate_waits_for_operator(server: MailServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MailLaterError, match="refuses our user or password") as caught:
        _postbox(server, password="wrong-secret").hand_over(MAIL)
    assert "wrong-secret" not in str(caught.value)
    assert (tried := server.logins) > 0

    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(MailLaterError):
        _postbox(server).hand_over(MAIL)
    assert (server.logins, server.taken) == (tried, [])


@pytest.mark.parametrize(
    ("to", "answer", "error"),
    [
        *(("recipient", f"550 {unknown}", AddressRefusedError) for unknown in NO_SUCH_USER),
        *(("recipient", answer, MailLaterError) for answer in LATER),
        ("text", "451 4.3.0 try later", MailLaterError),
        ("text", "554 5.6.0 looks like spam", MailRefusedError),
        ("text", None, MailUnsureError),  # the connection is lost after the text was sent
    ],
)
def test_answer_of_the_server_decides(server: MailServer, to: str, answer: str | None, error: type[Exception]) -> None:
    if answer is None:
        server.lose_connection_after_text = True
    else:
        setattr(server, f"answer_to_{to}", answer)
    went_out = []

    with pytest.raises(error) as caught:
        _postbox(server).hand_over(MAIL, about_to=lambda: went_out.append(1))

    assert type(caught.value) is error
    assert len(went_out) == (to == "text")
    assert len(server.taken) == (answer is None)


def test_server_that_isnt_there_or_hangs_up_at_once_is_retried_later() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        postbox = Postbox(f"smtp://127.0.0.1:{listening.getsockname()[1]}", NOWHERE)
        thread = threading.Thread(target=lambda: listening.accept()[0].close())
        thread.start()
        with pytest.raises(MailLaterError):
            postbox.hand_over(MAIL)
        thread.join()
    with pytest.raises(MailLaterError):
        postbox.hand_over(MAIL)


def test_mail_without_a_server_is_kept_complete_and_once(tmp_path: Path) -> None:
    postbox = Postbox(None, tmp_path / "mail")

    for _ in range(2):
        postbox.hand_over(MAIL)

    (kept,) = (tmp_path / "mail").iterdir()
    assert kept.suffix == ".eml"
    read = email.message_from_bytes(kept.read_bytes(), policy=email.policy.default)
    assert read["To"] == "runner@example.org"


@pytest.mark.parametrize(
    ("url", "name", "greeting"),
    [
        ("https://coach.example.org:8443", {}, "coach.example.org"),
        # Servers refuse a name that is not fully qualified, and take an address in brackets.
        *((f"http://{host}", {}, None) for host in ("localhost:8000", "web:8000", "192.0.2.7", "[2001:db8::7]")),
        ("http://web:8000", {"ADDUCTOR_EHLO": "mail.example.org"}, "mail.example.org"),
    ],
)
def test_servers_are_greeted_by_a_whole_name_or_address(url: str, name: dict[str, str], greeting: str | None) -> None:
    assert load(_env_file=None, ADDUCTOR_PUBLIC_URL=url, **name).mail_greeting == greeting


def test_mail_reaches_runners_by_a_server_or_the_sandbox_that_up_brought(tmp_path: Path) -> None:
    here = {"ADDUCTOR_DATA_DIR": str(tmp_path), "ADDUCTOR_MAIL_FROM": "coach@example.org"}
    sandbox = load(_env_file=None, **here)
    application = {"STRAVA_CLIENT_ID": "1", "STRAVA_CLIENT_SECRET": "a-made-up-secret"}
    brought = {"STRAVA_CLIENT_ID": "1", "STRAVA_CLIENT_SECRET": make_plan(sandbox).brought["STRAVA_CLIENT_SECRET"]}
    server = {"ADDUCTOR_SMTP_URL": "smtp://mail.example.org"}

    reaches = [load(_env_file=None, **here, **more).sends_mail for more in ({}, brought, application | server)]

    assert reaches == [True, True, True]
    assert not load(_env_file=None, **here, **application).sends_mail
