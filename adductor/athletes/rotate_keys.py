"""Key rotation: every stored token and browser's address under the newest key, so that older keys can be dropped.

A connection under a refresh lease is left for the next round: the refresh recognises its row by the encrypted token, and
encrypts under the newest key anyway.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import or_, select, update

from adductor import logs
from adductor.installation import Installation
from adductor.store.models import BrowserSubscription, Connection, Revocation
from adductor.vault import VaultError

log = logs.get(__name__)

# So many rows in one transaction: some milliseconds of SQLite's only writer.
BATCH = 100


@dataclass(slots=True)
class KeyStatus:
    """How many token rows are encrypted under the newest key, under an older one, under none that is set."""

    newest: int = 0
    older: int = 0
    unreadable: int = 0


Row = Connection | Revocation | BrowserSubscription
_SECRETS: dict[type[Row], tuple[str, ...]] = {
    Connection: ("access_encrypted", "refresh_encrypted"),
    Revocation: ("token_encrypted",),
    BrowserSubscription: ("subscription_encrypted",),
}


def count_keys(installation: Installation) -> KeyStatus:
    """Count rows by key. Reads all of them; a thousand take a fraction of a second."""
    return _walk(installation, store=False)


def rotate_keys(installation: Installation) -> KeyStatus:
    """Encrypt under the newest key what isn't; returns the rows as they were. Safe beside all else, and twice at once."""
    found = _walk(installation, store=True)
    if found.older or found.unreadable:
        log.info("keys rotated", older=found.older, unreadable=found.unreadable)
    return found


def _walk(installation: Installation, *, store: bool) -> KeyStatus:
    found, vault = KeyStatus(), installation.vault
    for row in _rows(installation):
        secrets = _secrets(row)
        if all(vault.is_newest(secret) for secret in secrets.values()):
            found.newest += 1
            continue
        try:
            rotated = {name: vault.rotate(secret) for name, secret in secrets.items()}
        except VaultError:
            found.unreadable += 1
            continue
        found.older += 1
        if store:
            _store(installation, row, rotated)
    return found


def _rows(installation: Installation) -> Iterator[Row]:
    table: type[Row]
    for table in _SECRETS:
        last = 0
        while True:
            wanted = select(table).where(table.id > last).order_by(table.id).limit(BATCH)
            if table is Connection:
                wanted = wanted.where(Connection.access_encrypted.is_not(None))
            with installation.store.read() as session:
                rows: list[Row] = list(session.scalars(wanted))
            if not rows:
                break
            yield from rows
            last = rows[-1].id


def _secrets(row: Row) -> dict[str, bytes]:
    return {name: secret for name in _SECRETS[type(row)] if (secret := getattr(row, name)) is not None}


def _store(installation: Installation, seen: Row, rotated: dict[str, bytes]) -> None:
    """Compare-and-set: only a row that is as it was seen, and under no refresh lease."""
    table = type(seen)
    unchanged = [getattr(table, name) == secret for name, secret in _secrets(seen).items()]
    if isinstance(seen, Connection):
        real_now = installation.clock.real_now()
        unchanged.append(or_(Connection.lease_until.is_(None), Connection.lease_until < real_now))
    with installation.store.write() as session:
        session.execute(update(table).where(table.id == seen.id, *unchanged).values(**rotated))
