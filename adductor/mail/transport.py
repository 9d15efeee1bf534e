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
from email.message import EmailMessage
from email.utils import parseaddr
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

# A mail server may keep a client waiting (greylisting, scanning); a task may run 60 s in all.
SMTP_TIMEOUT_S = 15.0
_LOST = (OSError, smtplib.SMTPServerDisconnected, smtplib.SMTPHeloError)
# RFC 3463: 5.1.x the address, 5.2.x the mailbox. 5.2.2 (full) and 5.7.x (policy, relaying) may pass.
_BAD_ADDRESS = re.compile(rb"5\.(?:1\.\d+|2\.1)\b")
# RFC 5321: what servers without enhanced codes answer for an address that isn't there.
_BAD_ADDRESS_CODES = frozenset({550, 551, 553})
_ENHANCED = re.compile(rb"\b5\.\d{1,3}\.\d{1,3}\b")


class MailLaterError(Exception):
    """The mail was not taken and may be taken later. As of each error here, the message never holds a password."""


class MailRefusedError(Exception):
    """This mail will not be taken."""


class AddressRefusedError(MailRefusedError):
    """There is no such address."""


class MailUnsureError(Exception):
    """The text was sent and no answer came: it may have been taken."""


class Postbox:
    """Where mails go. ``smtp_url``: ``smtp://user:password@host:587?starttls=1`` or ``smtps://...``; None: the folder.

    ``greeting``: the host name told to the server; None lets the library find one.
    """

    def __init__(self, smtp_url: str | None, folder: Path, greeting: str | None = None) -> None:
        self._smtp_url = smtp_url
        self._folder = folder
        self._greeting = greeting

    def hand_over(self, message: EmailMessage, *, about_to: Callable[[], None] = lambda: None) -> None:
        """Hand the mail over. ``about_to`` is called once, right before the step that can end in doubt.

        Raises MailLaterError, MailRefusedError, AddressRefusedError, MailUnsureError.
        """
        if self._smtp_url is None:
            about_to()
            _keep(message, self._folder)
            return
        client = _connect(self._smtp_url, self._greeting)
        try:
            _send_envelope(client, message)
            about_to()
            _send_text(client, message)
        finally:
            _quit(client)

    def check(self) -> None:
        """Connect and sign in, send nothing. Raises MailLaterError with what is wrong; nothing to check without a server."""
        if self._smtp_url is not None:
            _quit(_connect(self._smtp_url, self._greeting))


def _connect(url: str, greeting: str | None) -> smtplib.SMTP:
    """Connect and sign in. Raises MailLaterError."""
    parts = urlsplit(url)
    host = parts.hostname or "localhost"
    starttls = parse_qs(parts.query).get("starttls", ["0"])[0].lower() in {"1", "true", "yes"}
    # Certificates are checked; SSL_CERT_FILE names the authority of a private mail server.
    context = ssl.create_default_context()
    client: smtplib.SMTP | None = None
    try:
        if parts.scheme == "smtps":
            client = smtplib.SMTP_SSL(host, parts.port or 465, greeting, timeout=SMTP_TIMEOUT_S, context=context)
        else:
            client = smtplib.SMTP(host, parts.port or (587 if starttls else 25), greeting, timeout=SMTP_TIMEOUT_S)
        client.ehlo_or_helo_if_needed()
        if starttls and parts.scheme == "smtp":
            client.starttls(context=context)
            client.ehlo()
        if parts.username:
            client.login(unquote(parts.username), unquote(parts.password or ""))
    except (OSError, smtplib.SMTPException) as error:
        if client is not None:
            client.close()
        if isinstance(error, smtplib.SMTPAuthenticationError):
            raise MailLaterError(f"the mail server refuses our user or password ({error.smtp_code})") from error
        raise MailLaterError(f"the mail server can't be used: {error}") from error
    return client


def _send_envelope(client: smtplib.SMTP, message: EmailMessage) -> None:
    sender, recipient = (parseaddr(str(message[header]))[1] for header in ("From", "To"))
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
    is_bad = _BAD_ADDRESS.search(answer) or (code in _BAD_ADDRESS_CODES and not _ENHANCED.search(answer))
    if code >= 500 and is_bad:
        raise AddressRefusedError(problem)
    raise MailLaterError(problem)


def _send_text(client: smtplib.SMTP, message: EmailMessage) -> None:
    answer: bytes | str
    try:
        code, answer = client.data(message.as_bytes())
    except smtplib.SMTPDataError as error:  # an answer to DATA itself: the text was not sent
        code, answer = error.smtp_code, error.smtp_error
    except _LOST as error:
        raise MailUnsureError(f"the mail server was lost after the text was sent: {error}") from error
    if code >= 500:
        raise MailRefusedError(f"the mail server refuses the mail: {code} {_said(answer)}")
    if code != 250:
        raise MailLaterError(f"the mail server can't take the mail now: {code} {_said(answer)}")


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
        file.write(message.as_bytes())
        file.flush()
        os.fsync(file.fileno())
    draft.replace(folder / f"{name}.eml")


def _said(answer: bytes | str) -> str:
    text = answer.decode(errors="replace") if isinstance(answer, bytes) else answer
    return " ".join(text.split())[:200]
