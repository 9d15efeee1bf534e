"""The platform's tokens: opened, refreshed before they expire, by one process at a time, stored before use."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, bindparam, or_, select, update

from adductor import logs
from adductor.athletes import revocation
from adductor.installation import Installation
from adductor.platforms.base import ErrorKind, PlatformError, Tokens
from adductor.store.models import Token

# A token is renewed this long before it ends, so that none ends during a call or between two of one note.
MARGIN = timedelta(minutes=10)
# Longer than a refresh can take (the client's timeout is 10 s), shorter than anybody wants to wait.
REFRESH_LEASE = timedelta(seconds=30)
# A refresh takes a tenth of a second. Whoever finds another at it waits this long before giving the work back.
PATIENCE_S = 3.0
_LOOK_AGAIN_S = 0.05

log = logs.get(__name__)

_sealed = Token.__table__
# What `still_good` needs, for whoever reads a row of the runner anyway.
COLUMNS = (_sealed.c.access_sealed, _sealed.c.expires_at)
_TOKEN = select(*_sealed.c).where(
    _sealed.c.athlete_id == bindparam("athlete_id")
)  # built once: asked for at every call


class NotConnectedError(Exception):
    """There is no token: the runner has left, or never came."""


def access_token(installation: Installation, athlete_id: int, *, not_this: str | None = None) -> str:
    """A token that is good for the next minutes.

    ``not_this`` is one that Strava has just refused: it counts as expired. Raises NotConnectedError without a token, and
    PlatformError as the refresh raises it (RETRY when another process is refreshing for unusually long).
    """
    give_up_at = time.monotonic() + PATIENCE_S
    while True:
        with installation.store.read() as session:
            row = session.execute(_TOKEN, {"athlete_id": athlete_id}).first()
        if row is None:
            raise NotConnectedError
        access = still_good(installation, row)
        if access is not None and access != not_this:
            return access
        if _take_the_lease(installation, row):
            return _refresh(installation, row)
        if time.monotonic() > give_up_at:
            raise PlatformError(ErrorKind.RETRY, "another process is refreshing this runner's token")
        time.sleep(_LOOK_AGAIN_S)  # bounded by PATIENCE_S; the refresh that we wait for is one short call


def still_good(installation: Installation, row: Any) -> str | None:
    """The token of a row with COLUMNS, if it is good for the next minutes."""
    if row.expires_at is None or row.expires_at - MARGIN <= installation.clock.now():
        return None
    return installation.vault.open(row.access_sealed)


def store(installation: Installation, athlete_id: int, tokens: Tokens) -> Token:
    """The row that holds these tokens, sealed. The caller adds or merges it."""
    return Token(
        athlete_id=athlete_id,
        access_sealed=installation.vault.seal(tokens.access_token),
        refresh_sealed=installation.vault.seal(tokens.refresh_token),
        expires_at=tokens.expires_at,
    )


def _take_the_lease(installation: Installation, seen: Row[Any]) -> bool:
    """True for one process only, and only while the refresh token is the one that we have seen."""
    real_now = installation.clock.real_now()
    free: ColumnElement[bool] = or_(Token.lease_until.is_(None), Token.lease_until < real_now)
    if seen.lease_holder is not None and installation.holder.gone(seen.lease_holder):
        free = or_(free, Token.lease_holder == seen.lease_holder)
    with installation.store.write() as session:
        result = session.execute(
            update(Token)
            .where(Token.athlete_id == seen.athlete_id, Token.refresh_sealed == seen.refresh_sealed, free)
            .values(lease_until=real_now + REFRESH_LEASE, lease_holder=installation.holder.name)
        )
        return bool(result.rowcount == 1)  # type: ignore[attr-defined]


def _refresh(installation: Installation, seen: Row[Any]) -> str:
    """``seen`` is the row as it was when the lease was taken: what came in its place meanwhile is better than ours."""
    athlete_id = seen.athlete_id
    try:
        tokens = installation.strava.refresh(installation.vault.open(seen.refresh_sealed))
    except PlatformError as error:
        with installation.store.write() as session:
            row = session.get(Token, athlete_id, with_for_update=True)
            if row is not None:
                row.lease_until = row.lease_holder = None
        if error.kind is ErrorKind.REVOKED and row is not None and row.refresh_sealed != seen.refresh_sealed:
            # Refused was a token that is no longer theirs: they have connected anew, and must not be taken for gone.
            raise PlatformError(ErrorKind.RETRY, "the runner connected anew during a refresh") from error
        raise
    with installation.store.write() as session:
        # The old refresh token died with the answer: this commit comes before anything else.
        row = session.get(Token, athlete_id, with_for_update=True)
        if row is None:
            # Left meanwhile: nothing of theirs is kept, and what was given back then was the refresh token that is dead.
            revocation.put_aside(session, installation, tokens.refresh_token)
        else:
            row.lease_until = row.lease_holder = None
            if row.refresh_sealed != seen.refresh_sealed:
                return installation.vault.open(row.access_sealed)
            session.merge(store(installation, athlete_id, tokens))
    if row is None:
        raise NotConnectedError
    log.info("token refreshed", athlete=athlete_id, expires_at=tokens.expires_at.isoformat())
    return tokens.access_token
