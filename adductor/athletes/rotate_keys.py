"""Key rotation: every stored token encrypted anew under the newest key, so that older keys can be dropped.

A connection under a refresh lease is left for the next round: the refresh recognises its row by the encrypted token, and
encrypts under the newest key anyway.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import or_, select, update

from adductor import logs
from adductor.installation import Installation
from adductor.store.models import Connection, Revocation
from adductor.vault import VaultError

log = logs.get(__name__)

# So many rows in one transaction: some milliseconds of SQLite's only writer.
BATCH = 100


@dataclass(frozen=True, slots=True)
class KeyStatus:
    """How many token rows are encrypted under the newest key, under an older one, under none that is set."""

    newest: int = 0
    older: int = 0
    unreadable: int = 0


@dataclass(frozen=True, slots=True)
class Rotated:
    """The result of a round. ``busy`` rows were being refreshed; ``unreadable`` ones open with none of the set keys."""

    done: int = 0
    already: int = 0
    busy: int = 0
    unreadable: int = 0


Row = Connection | Revocation


def count_keys(installation: Installation) -> KeyStatus:
    """Count rows by key. Reads all of them; a thousand take a fraction of a second."""
    newest = older = unreadable = 0
    for rows in _batches(installation):
        for row in rows:
            if all(installation.vault.is_newest(secret) for secret in _secrets(row).values()):
                newest += 1
            elif all(installation.vault.opens(secret) for secret in _secrets(row).values()):
                older += 1
            else:
                unreadable += 1
    return KeyStatus(newest, older, unreadable)


def rotate_keys(installation: Installation) -> Rotated:
    """Encrypt under the newest key what isn't. Safe beside everything else, and twice at once."""
    done = already = busy = unreadable = 0
    vault = installation.vault
    for rows in _batches(installation):
        for row in rows:
            secrets = _secrets(row)
            if all(vault.is_newest(secret) for secret in secrets.values()):
                already += 1
                continue
            try:
                rotated = {name: vault.rotate(secret) for name, secret in secrets.items()}
            except VaultError:
                unreadable += 1
                continue
            if _store(installation, row, rotated):
                done += 1
            else:
                busy += 1
    if done or unreadable:
        log.info("keys rotated", done=done, busy=busy, unreadable=unreadable)
    return Rotated(done, already, busy, unreadable)


def _batches(installation: Installation) -> Iterator[list[Row]]:
    table: type[Connection] | type[Revocation]
    for table in (Connection, Revocation):
        last = 0
        while True:
            wanted = select(table).where(table.id > last).order_by(table.id).limit(BATCH)
            if table is Connection:
                wanted = wanted.where(Connection.refresh_encrypted.is_not(None))
            with installation.store.read() as session:
                rows: list[Row] = list(session.scalars(wanted))
            if not rows:
                break
            yield rows
            last = rows[-1].id


def _secrets(row: Row) -> dict[str, bytes]:
    names = ("token_encrypted",) if isinstance(row, Revocation) else ("access_encrypted", "refresh_encrypted")
    return {name: getattr(row, name) for name in names}


def _store(installation: Installation, seen: Row, rotated: dict[str, bytes]) -> bool:
    """Compare-and-set: only a row that is as it was seen, and under no refresh lease."""
    table = type(seen)
    unchanged = [getattr(table, name) == secret for name, secret in _secrets(seen).items()]
    if isinstance(seen, Connection):
        real_now = installation.clock.real_now()
        unchanged.append(or_(Connection.lease_until.is_(None), Connection.lease_until < real_now))
    with installation.store.write() as session:
        result = session.execute(update(table).where(table.id == seen.id, *unchanged).values(**rotated))
        return bool(result.rowcount)  # type: ignore[attr-defined]
