"""Revoking tokens at their platform after the athlete has left, also when the platform can't be reached at that moment.

A row holds the encrypted token and nothing that names the athlete.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from adductor import logs
from adductor.installation import Installation
from adductor.platforms.base import ErrorKind, PlatformError
from adductor.queue import retry, timers
from adductor.queue.retry import RetryLater
from adductor.queue.timers import Timer
from adductor.store.models import Connection, Revocation
from adductor.vault import VaultError

log = logs.get(__name__)

# Strava wants everything deleted within 30 days; a token that could not be revoked for a week is dropped.
GIVE_UP_AFTER = timedelta(days=7)
# The lease of the first attempt. Revoking twice does no harm.
LEASE = timedelta(minutes=2)
# The platform answered and doesn't know the token.
_UNKNOWN_TOKEN = frozenset({ErrorKind.UNAUTHORIZED, ErrorKind.REVOKED, ErrorKind.NOT_FOUND, ErrorKind.REFUSED})


def queue(session: Session, platform: str, token_encrypted: bytes | None, now: datetime) -> int | None:
    """Queue a token in the transaction that ends its connection, leased to `revoke_now`. None: there is no token."""
    if token_encrypted is None:
        return None
    row = Revocation(platform=platform, token_encrypted=token_encrypted, created_at=now, due_at=now + LEASE)
    session.add(row)
    session.flush()
    return row.id


def queue_token_of(session: Session, connection: Connection, now: datetime) -> int | None:
    """Queue the connection's token: of platforms without refresh tokens the access token."""
    return queue(session, connection.platform, connection.refresh_encrypted or connection.access_encrypted, now)


def revoke_now(installation: Installation, queued: Iterable[int | None]) -> bool:
    """Revoke queued tokens while the athlete waits; `revoke_due` retries them. Returns whether the platform took one."""
    taken = False
    for revocation_id in queued:
        if revocation_id is not None:
            with suppress(RetryLater):
                taken |= _revoke(installation, revocation_id)
    return taken


def revoke_due(installation: Installation) -> int:
    """Revoke what is due; returns how many tokens."""
    return timers.tick(installation, TIMER)


def _revoke(installation: Installation, revocation_id: int) -> bool:
    """Revoke one token; returns whether the platform took it. Raises RetryLater."""
    with installation.store.write() as session:
        row = session.get(Revocation, revocation_id)
        if row is None:
            return False
        row.attempts += 1
    problem: Exception | None = None
    try:
        installation.platform(row.platform).revoke(installation.vault.decrypt(row.token_encrypted))
    except PlatformError as error:
        problem = error
        too_late = installation.clock.now() - row.created_at > GIVE_UP_AFTER
        if error.kind not in _UNKNOWN_TOKEN and not too_late:
            raise RetryLater(error.message, wait=retry.POLICY.wait(row.attempts)) from error
    except (VaultError, RuntimeError) as error:  # no key to decrypt it, or no application to revoke it with
        problem = error
    with installation.store.write() as session:
        session.execute(delete(Revocation).where(Revocation.id == revocation_id))
    if problem is not None:
        log.warning("revocation dropped", attempt=row.attempts, problem=str(problem))
    return problem is None


TIMER = Timer("revocation", Revocation.due_at, _revoke, retry_after=timedelta(0), final_after=timedelta(0))
