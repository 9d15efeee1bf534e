"""Giving an access back to Strava after its runner has left, also when Strava can't be reached at that moment.

What is kept for it is the sealed token and nothing else: whose it was is already gone.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from adductor import logs
from adductor.installation import Installation
from adductor.platforms.base import ErrorKind, PlatformError
from adductor.queue import retry
from adductor.store.models import Revocation, Token
from adductor.vault import VaultError

log = logs.get(__name__)

BATCH = 20
# Strava wants everything gone within 30 days; an access that could not be given back for a week is let go.
GIVE_UP_AFTER = timedelta(days=7)
# Taken by a process that ends, it is tried again after this. Giving back twice does no harm.
CLAIMED_FOR = timedelta(minutes=2)
# Strava was reached and doesn't know the token.
_USELESS = frozenset({ErrorKind.REFUSED, ErrorKind.REVOKED, ErrorKind.NOT_FOUND})


def hand_in(session: Session, athlete_id: int, now: datetime) -> int | None:
    """Put this runner's access aside to be given back, in the transaction that ends the connection. None: there is none."""
    token = session.get(Token, athlete_id)
    if token is None:
        return None
    row = Revocation(
        platform="strava", token_sealed=token.refresh_sealed, created_at=now, due_at=now + CLAIMED_FOR, attempts=1
    )
    session.add(row)
    session.flush()
    return row.id


def put_aside(session: Session, installation: Installation, token: str) -> None:
    """Have an access given back that came when its runner had left already."""
    now = installation.clock.now()
    sealed = installation.vault.seal(token)
    session.add(Revocation(platform="strava", token_sealed=sealed, created_at=now, due_at=now))


def give_back_now(installation: Installation, revocation_id: int | None) -> bool:
    """Give back what was put aside, while somebody waits; else `give_back` tries again. Whether Strava has it back."""
    if revocation_id is None:
        return False
    with installation.store.read() as session:
        row = session.get(Revocation, revocation_id)
    return row is not None and _try(installation, row)


def give_back(installation: Installation) -> int:
    """Try again what is due. Returns how many accesses were given back."""
    now = installation.clock.now()
    wanted = select(Revocation.id).where(Revocation.due_at <= now).order_by(Revocation.due_at).limit(BATCH)
    with installation.store.read() as session:
        if session.scalar(wanted.limit(1)) is None:
            return 0
    with installation.store.write() as session:
        rows = session.scalars(
            update(Revocation)
            .where(Revocation.id.in_(wanted.scalar_subquery()), Revocation.due_at <= now)
            .values(due_at=now + CLAIMED_FOR, attempts=Revocation.attempts + 1)
            .returning(Revocation),
            execution_options={"synchronize_session": False},
        ).all()
    return sum(_try(installation, row) for row in rows)


def still_to_give_back(installation: Installation) -> int:
    """How many accesses of runners who have left Strava still thinks we have."""
    with installation.store.read() as session:
        return session.scalar(select(func.count()).select_from(Revocation)) or 0


def _try(installation: Installation, row: Revocation) -> bool:
    problem: Exception | None = None
    try:
        installation.strava.revoke(installation.vault.open(row.token_sealed))
    except (PlatformError, VaultError, RuntimeError) as error:
        problem = error
    now = installation.clock.now()
    # No key to open it, no application to say it with, or Strava doesn't know it: trying again changes nothing.
    hopeless = problem is not None and (not isinstance(problem, PlatformError) or problem.kind in _USELESS)
    too_late = now - row.created_at > GIVE_UP_AFTER
    with installation.store.write() as session:
        if problem is None or hopeless or too_late:
            session.execute(delete(Revocation).where(Revocation.id == row.id))
        else:
            session.execute(
                update(Revocation).where(Revocation.id == row.id).values(due_at=now + retry.after(row.attempts))
            )
    if problem is not None:
        log.warning("access not given back", for_good=hopeless or too_late, problem=str(problem))
    return problem is None
