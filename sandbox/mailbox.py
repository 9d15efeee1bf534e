"""The mails that the application kept in its mail folder, as a runner's mail program would show them."""

from __future__ import annotations

import base64
import email
import email.policy
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

SHOWN = 200


@dataclass(frozen=True, slots=True)
class Mail:
    """One `.eml` file. `name` is its file name, `arrived` the time of the file, UTC."""

    name: str
    arrived: datetime
    subject: str
    sender: str
    to: str
    text: str
    html: str | None
    headers: list[tuple[str, str]]


def _part(message: EmailMessage, kind: str) -> str | None:
    part = message.get_body((kind,))
    if part is None:
        return None
    try:
        content = part.get_content()
    except (LookupError, ValueError):
        return "(this part can't be read)"
    return content if isinstance(content, str) else None


def _with_inline_pictures(html: str, message: EmailMessage) -> str:
    """Replace `cid:` addresses by inline pictures: a page cannot reach into a mail."""
    for part in message.walk():
        cid = str(part.get("Content-ID", "")).strip("<>")
        if cid and part.get_content_maintype() == "image":
            payload = part.get_payload(decode=True)
            if isinstance(payload, bytes):
                data = f"data:{part.get_content_type()};base64,{base64.b64encode(payload).decode()}"
                html = html.replace(f"cid:{cid}", data)
    return html


def read(file: Path) -> Mail:
    """Raises OSError when the file is gone. A damaged mail is shown as far as it can be read."""
    raw = file.read_bytes()
    message = email.message_from_bytes(raw, policy=email.policy.default)
    html = _part(message, "html")
    return Mail(
        name=file.name,
        arrived=datetime.fromtimestamp(file.stat().st_mtime, UTC),
        subject=str(message.get("Subject", "(no subject)")),
        sender=str(message.get("From", "")),
        to=str(message.get("To", "")),
        text=_part(message, "plain") or "",
        html=_with_inline_pictures(html, message) if html is not None else None,
        headers=[(name, str(value)) for name, value in message.items()],
    )


def newest_first(mail_dir: Path | None) -> list[Mail]:
    """At most the newest 200; none when there is no folder yet."""
    if mail_dir is None or not mail_dir.is_dir():
        return []
    found: list[tuple[int, Path]] = []
    for file in mail_dir.rglob("*.eml"):
        try:
            found.append((file.stat().st_mtime_ns, file))
        except OSError:
            continue  # deleted since the listing
    mails = []
    for _, file in sorted(found, reverse=True)[:SHOWN]:
        try:
            mails.append(read(file))
        except OSError:
            continue
    return mails


def one(mail_dir: Path | None, name: str) -> Mail | None:
    """The mail with that file name."""
    return next((mail for mail in newest_first(mail_dir) if mail.name == name), None)


_HEAD = re.compile(r"<head[^>]*>", re.IGNORECASE)


def as_page(html: str) -> str:
    """The HTML part so that its links open in a new tab instead of inside the mailbox."""
    base = '<base target="_blank">'
    if _HEAD.search(html):
        return _HEAD.sub(lambda found: found.group(0) + base, html, count=1)
    return base + html
