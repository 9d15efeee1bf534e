"""Revoking tokens at their platform after the athlete has left, also when the platform can't be reached at that moment.

A row holds the encrypted token and nothing that names the athlete.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from adductor import logs
from adductor.installation import Installation
from adductor.platforms.base import ErrorKind, PlatformError
from adductor.queue import retry
from adductor.store.models import Connection, Revocation
from adductor.vault import VaultError

log = logs.get(__name__)

BATCH = 20
# Strava wants everything deleted within 30 days; a token that could not be revoked for a week is dropped.
GIVE_UP_AFTER = timedelta(days=7)
# The lease of one attempt. Revoking twice does no harm.
LEASE = timedelta(minutes=2)
# The platform answered and doesn't know the token.
_UNKNOWN_TOKEN = frozenset({ErrorKind.UNAUTHORIZED, ErrorKind.REVOKED, ErrorKind.NOT_FOUND, ErrorKind.REFUSED})


def queue(session: Session, installation: Installation, platform: str, token: str) -> None:
    """Queue a token that came after its athlete had left; due at once."""
    now = installation.clock.now()
    encrypted = installation.vault.encrypt(token)
    session.add(Revocation(platform=platform, token_encrypted=encrypted, created_at=now, due_at=now))


def queue_connection(session: Session, installation: Installation, connection: Connection) -> int | None:
    """Queue a connection's token in the transaction that ends it, leased to `revoke_now`. None: it has none."""
    if connection.refresh_encrypted is None:
        return None
    now = installation.clock.now()
    row = Revocation(
        platform=connection.platform,
        token_encrypted=connection.refresh_encrypted,
        created_at=now,
        due_at=now + LEASE,
        attempts=1,
    )
    session.add(row)
    session.flush()
    return row.id


def revoke_now(installation: Installation, revocation_id: int | None) -> bool:
    """Revoke a queued token while the athlete waits; `revoke_due` retries it. Returns whether the platform took it."""
    if revocation_id is None:
        return False
    with installation.store.read() as session:
        row = session.get(Revocation, revocation_id)
    return row is not None and _revoke(installation, row)


def revoke_due(installation: Installation) -> int:
    """Revoke what is due; returns how many tokens."""
    now = installation.clock.now()
    wanted = select(Revocation.id).where(Revocation.due_at <= now).order_by(Revocation.due_at).limit(BATCH)
    with installation.store.read() as session:
        if session.scalar(wanted.limit(1)) is None:
            return 0
    with installation.store.write() as session:
        rows = session.scalars(
            update(Revocation)
            .where(Revocation.id.in_(wanted.scalar_subquery()), Revocation.due_at <= now)
            .values(due_at=now + LEASE, attempts=Revocation.attempts + 1)
            .returning(Revocation),
            execution_options={"synchronize_session": False},
        ).all()
    return sum(_revoke(installation, row) for row in rows)


def _revoke(installation: Installation, row: Revocation) -> bool:
    problem: Exception | None = None
    try:
        installation.platform(row.platform).revoke(installation.vault.decrypt(row.token_encrypted))
    except (PlatformError, VaultError, RuntimeError) as error:
        problem = error
    now = installation.clock.now()
    # No key to decrypt it, no application to revoke it with, or a token that the platform doesn't know.
    final = problem is not None and (not isinstance(problem, PlatformError) or problem.kind in _UNKNOWN_TOKEN)
    too_late = now - row.created_at > GIVE_UP_AFTER
    with installation.store.write() as session:
        if problem is None or final or too_late:
            session.execute(delete(Revocation).where(Revocation.id == row.id))
        else:
            due_at = now + retry.DEFAULT.wait(row.attempts)
            session.execute(update(Revocation).where(Revocation.id == row.id).values(due_at=due_at))
    if problem is not None:
        log.warning("revocation failed", dropped=final or too_late, attempt=row.attempts, problem=str(problem))
    return problem is None
