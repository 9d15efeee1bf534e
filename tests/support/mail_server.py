"""A real mail server on this machine: aiosmtpd with STARTTLS, a login, and answers that a test chooses."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword
from aiosmtpd.smtp import Session as SmtpSession
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER, PASSWORD = "coach", "correct-horse"


@dataclass(frozen=True, slots=True)
class Taken:
    """A mail that the server took."""

    sender: str
    recipients: list[str]
    content: bytes
    encrypted: bool
    user: str | None
    greeting: str | None


class MailServer:
    """Use as a context manager. ``authority`` is the certificate to trust, ``port`` is where it listens."""

    def __init__(self, folder: Path) -> None:
        self.taken: list[Taken] = []
        self.logins = 0
        self.answer_to_recipient: str | None = None
        self.answer_to_text: str | None = None
        self.lose_connection_after_text = False
        self.authority = folder / "authority.pem"
        self._controller = _Controller(
            self,
            hostname="127.0.0.1",
            port=0,
            tls_context=_certificate(self.authority),
            require_starttls=True,
            auth_required=True,
            authenticator=self._login,
        )
        self.port = 0

    def __enter__(self) -> Self:
        self._controller.start()
        assert self._controller.server is not None
        self.port = self._controller.server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    @property
    def url(self) -> str:
        return f"smtp://{USER}:{PASSWORD}@localhost:{self.port}?starttls=1"

    def _login(self, _server: Any, session: SmtpSession, _envelope: Any, mechanism: str, data: Any) -> AuthResult:
        self.logins += 1
        right = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        if right:
            session.peer_user = USER  # type: ignore[attr-defined]
        return AuthResult(success=right, handled=right or mechanism not in ("LOGIN", "PLAIN"))

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: SmtpSession, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self.answer_to_recipient is not None:
            return self.answer_to_recipient
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: SmtpSession, envelope: Envelope) -> str:  # noqa: N802
        if self.answer_to_text is not None:
            return self.answer_to_text
        content = envelope.content
        assert isinstance(content, bytes)
        encrypted, user = session.ssl is not None, getattr(session, "peer_user", None)
        sender = envelope.mail_from or ""
        self.taken.append(Taken(sender, list(envelope.rcpt_tos), content, encrypted, user, session.host_name))
        if self.lose_connection_after_text:
            assert server.transport is not None
            server.transport.abort()
        return "250 OK"


class _Controller(Controller):
    server: Any

    def _trigger_server(self) -> None:
        """A first connection, to the port that the system chose."""
        assert self.server is not None
        with socket.create_connection(self.server.sockets[0].getsockname()) as probe:
            probe.recv(1024)


def _certificate(file: Path) -> ssl.SSLContext:
    """A server's side with a certificate of its own, which is in ``file`` with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=2))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    plain = serialization.NoEncryption()
    own = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    file.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM) + own)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context
