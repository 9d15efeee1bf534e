"""Mail transport: an SMTP client, or a folder that keeps the mails when no server is set.

A connection that is lost after the text was sent leaves delivery in doubt. Sender and recipient are asked first, so that only
the last step can be in doubt; the caller is told right before it.
"""

from __future__ import annotations

import hashlib
import os
import re
import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import parseaddr
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

# A mail server may keep a client waiting (greylisting, scanning); a task may run 60 s in all.
SMTP_TIMEOUT_S = 15.0
_PORTS = {"smtp": 25, "smtps": 465}
_LOST = (OSError, smtplib.SMTPServerDisconnected, smtplib.SMTPHeloError)
# RFC 3463: 5.1.x the address, 5.2.x the mailbox. 5.2.2 (full) and 5.7.x (policy, relaying) may pass.
_BAD_ADDRESS = re.compile(rb"5\.(?:1\.\d+|2\.1)\b")
# RFC 5321: what servers without enhanced codes answer for an address that isn't there.
_BAD_ADDRESS_CODES = frozenset({550, 551, 553})
_ENHANCED = re.compile(rb"\b5\.\d{1,3}\.\d{1,3}\b")


class MailError(Exception):
    """The mail was not taken. The message is for the operator and never holds a password."""


class MailLaterError(MailError):
    """It may be taken later."""


class MailRefusedError(MailError):
    """This mail will not be taken."""


class AddressRefusedError(MailRefusedError):
    """There is no such address."""


class MailUnsureError(MailError):
    """The text was sent and no answer came: it may have been taken."""


@dataclass(frozen=True, slots=True)
class _Server:
    host: str
    port: int
    user: str | None
    password: str
    implicit_tls: bool
    starttls: bool


class Postbox:
    """Where mails go. ``smtp_url``: ``smtp://user:password@host:587?starttls=1`` or ``smtps://...``; None: the folder."""

    def __init__(self, smtp_url: str | None, folder: Path) -> None:
        self._server = _server(smtp_url) if smtp_url else None
        self._folder = folder

    def hand_over(self, message: EmailMessage, *, about_to: Callable[[], None] = lambda: None) -> None:
        """Hand the mail over. ``about_to`` is called once, right before the step that can end in doubt.

        Raises MailLaterError, MailRefusedError, AddressRefusedError, MailUnsureError.
        """
        if self._server is None:
            about_to()
            _keep(message, self._folder)
            return
        self._send(self._server, message, about_to)

    def check(self) -> None:
        """Connect and sign in, send nothing. Raises MailLaterError with what is wrong; nothing to check without a server."""
        if self._server is not None:
            _quit(_connected(self._server))

    def _send(self, server: _Server, message: EmailMessage, about_to: Callable[[], None]) -> None:
        sender, recipient = parseaddr(str(message["From"]))[1], parseaddr(str(message["To"]))[1]
        client = _connected(server)
        try:
            self._envelope(client, sender, recipient)
            about_to()
            try:
                code, answer = client.data(_as_sent(message))
            except smtplib.SMTPDataError as error:  # an answer to DATA itself: the text was not sent
                code, answer = error.smtp_code, _bytes(error.smtp_error)
            except _LOST as error:
                raise MailUnsureError(f"the mail server was lost after the text was sent: {error}") from error
            if code >= 500:
                raise MailRefusedError(f"the mail server refuses the mail: {code} {_said(answer)}")
            if code != 250:
                raise MailLaterError(f"the mail server can't take the mail now: {code} {_said(answer)}")
        finally:
            _quit(client)

    def _envelope(self, client: smtplib.SMTP, sender: str, recipient: str) -> None:
        try:
            code, answer = client.mail(sender)
            if code != 250:
                raise MailLaterError(f"the mail server refuses our sender: {code} {_said(answer)}")
            code, answer = client.rcpt(recipient)
        except _LOST as error:
            raise MailLaterError(f"the mail server was lost: {error}") from error
        if code in (250, 251):
            return
        problem = f"the mail server refuses the recipient: {code} {_said(answer)}"
        if code < 500:
            raise MailLaterError(problem)
        if _BAD_ADDRESS.search(answer) or (code in _BAD_ADDRESS_CODES and not _ENHANCED.search(answer)):
            raise AddressRefusedError(problem)
        raise MailLaterError(problem)


def _server(url: str) -> _Server:
    parts = urlsplit(url)
    implicit = parts.scheme == "smtps"
    starttls = parse_qs(parts.query).get("starttls", ["0"])[0].lower() in {"1", "true", "yes"}
    return _Server(
        host=parts.hostname or "localhost",
        port=parts.port or (587 if starttls else _PORTS[parts.scheme]),
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password or ""),
        implicit_tls=implicit,
        starttls=starttls and not implicit,
    )


def _connected(server: _Server) -> smtplib.SMTP:
    """Connect and sign in. Raises MailLaterError."""
    # Certificates are checked; SSL_CERT_FILE names the authority of a private mail server.
    context = ssl.create_default_context()
    client: smtplib.SMTP | None = None
    try:
        if server.implicit_tls:
            client = smtplib.SMTP_SSL(server.host, server.port, timeout=SMTP_TIMEOUT_S, context=context)
        else:
            client = smtplib.SMTP(server.host, server.port, timeout=SMTP_TIMEOUT_S)
        client.ehlo_or_helo_if_needed()
        if server.starttls:
            client.starttls(context=context)
            client.ehlo()
        if server.user is not None:
            client.login(server.user, server.password)
    except (OSError, smtplib.SMTPException) as error:
        if client is not None:
            client.close()
        if isinstance(error, smtplib.SMTPAuthenticationError):
            raise MailLaterError(f"the mail server refuses our user or password ({error.smtp_code})") from error
        raise MailLaterError(f"the mail server can't be used: {error}") from error
    return client


def _quit(client: smtplib.SMTP) -> None:
    try:
        client.quit()
    except (OSError, smtplib.SMTPException):
        client.close()


def _keep(message: EmailMessage, folder: Path) -> None:
    """Write the mail whole. Its name follows its Message-ID: the same mail again is the same file, not a second one."""
    folder.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256(str(message["Message-ID"]).encode()).hexdigest()[:32]
    draft = folder / f".{name}.{os.getpid()}"
    with draft.open("wb") as file:
        file.write(_as_sent(message))
        file.flush()
        os.fsync(file.fileno())
    draft.replace(folder / f"{name}.eml")


def _as_sent(message: EmailMessage) -> bytes:
    """With the line ends of the wire, and lines as long as the message's own policy wants them."""
    return message.as_bytes(policy=message.policy.clone(linesep="\r\n"))


def _bytes(value: bytes | str) -> bytes:
    return value if isinstance(value, bytes) else value.encode(errors="replace")


def _said(answer: bytes) -> str:
    return " ".join(answer.decode(errors="replace").split())[:200]
