"""After a new key was put first: every stored token sealed anew under it, so that the older keys can be dropped.

A token's row changes under a refresh that is under way only by that refresh: it tells by the sealed text whether the runner
has connected anew meanwhile, and would give up the only refresh token that still works. So a row under a lease is left for
the next round; a refresh seals under the newest key anyway.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import or_, select, update

from adductor import logs
from adductor.installation import Installation
from adductor.store.models import Revocation, Token
from adductor.vault import VaultError

log = logs.get(__name__)

# So many rows in one transaction: some milliseconds of SQLite's only writer.
BATCH = 100


@dataclass(frozen=True, slots=True)
class Standing:
    """How many tokens stand where, also of those who left and whose access Strava has not taken back yet.

    ``unreadable`` open with none of the keys that are set.
    """

    newest: int = 0
    older: int = 0
    unreadable: int = 0


@dataclass(frozen=True, slots=True)
class Resealed:
    """What a round did. ``busy`` were being refreshed; ``unreadable`` open with none of the keys that are set."""

    done: int = 0
    already: int = 0
    busy: int = 0
    unreadable: int = 0


def standing(installation: Installation) -> Standing:
    """Under which keys the stored tokens are. Reads all of them; a thousand take a fraction of a second."""
    newest = older = unreadable = 0
    vault = installation.vault
    for rows in _batches(installation):
        for row in rows:
            if vault.is_newest(row.access_sealed) and vault.is_newest(row.refresh_sealed):
                newest += 1
            elif vault.opens(row.access_sealed) and vault.opens(row.refresh_sealed):
                older += 1
            else:
                unreadable += 1
    for left in _left(installation):
        if vault.is_newest(left.token_sealed):
            newest += 1
        elif vault.opens(left.token_sealed):
            older += 1
        else:
            unreadable += 1
    return Standing(newest, older, unreadable)


def reseal(installation: Installation) -> Resealed:
    """Seal under the newest key what isn't. May run beside everything else, also twice at once."""
    done = already = busy = unreadable = 0
    vault = installation.vault
    for rows in _batches(installation):
        changes = []
        for row in rows:
            if vault.is_newest(row.access_sealed) and vault.is_newest(row.refresh_sealed):
                already += 1
                continue
            try:
                changes.append((row, vault.reseal(row.access_sealed), vault.reseal(row.refresh_sealed)))
            except VaultError:
                unreadable += 1
        if changes:
            changed = _store(installation, changes)
            done += changed
            busy += len(changes) - changed
    for left in _left(installation):
        if vault.is_newest(left.token_sealed):
            already += 1
        elif vault.opens(left.token_sealed):
            done += _store_left(installation, left, vault.reseal(left.token_sealed))
        else:
            unreadable += 1
    if done or unreadable:
        log.info("tokens sealed anew", done=done, busy=busy, unreadable=unreadable)
    return Resealed(done, already, busy, unreadable)


def _batches(installation: Installation) -> Iterator[list[Token]]:
    last = 0
    while True:
        with installation.store.read() as session:
            rows = list(
                session.scalars(select(Token).where(Token.athlete_id > last).order_by(Token.athlete_id).limit(BATCH))
            )
        if not rows:
            return
        yield rows
        last = rows[-1].athlete_id


def _left(installation: Installation) -> list[Revocation]:
    """The accesses of those who left that Strava has not taken back yet: few, and for a week at most."""
    with installation.store.read() as session:
        return list(session.scalars(select(Revocation).order_by(Revocation.id)))


def _store_left(installation: Installation, seen: Revocation, sealed: bytes) -> int:
    with installation.store.write() as session:
        result = session.execute(update(Revocation).where(Revocation.id == seen.id).values(token_sealed=sealed))
        return int(result.rowcount)  # type: ignore[attr-defined]


def _store(installation: Installation, changes: list[tuple[Token, bytes, bytes]]) -> int:
    real_now = installation.clock.real_now()
    changed = 0
    with installation.store.write() as session:
        for seen, access, refresh in changes:
            result = session.execute(
                update(Token)
                .where(
                    Token.athlete_id == seen.athlete_id,
                    Token.access_sealed == seen.access_sealed,
                    Token.refresh_sealed == seen.refresh_sealed,
                    or_(Token.lease_until.is_(None), Token.lease_until < real_now),
                )
                .values(access_sealed=access, refresh_sealed=refresh)
            )
            changed += int(result.rowcount)  # type: ignore[attr-defined]
    return changed
