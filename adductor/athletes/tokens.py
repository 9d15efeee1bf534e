"""The platform's tokens: refreshed before they expire by the one process that holds the refresh lease, stored before use."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import or_, update

from adductor import logs
from adductor.athletes import revocation
from adductor.installation import Installation
from adductor.platforms.base import ErrorKind, PlatformError, Tokens
from adductor.store.models import Connection

log = logs.get(__name__)

# A token is refreshed this long before it expires, so that none expires during a call or between two of one note.
MARGIN = timedelta(minutes=10)
# Longer than a refresh can take (the client's timeout is 10 s), shorter than an athlete's patience.
REFRESH_LEASE = timedelta(seconds=30)
# A refresh takes a tenth of a second. A process that finds another at it waits this long, then retries the row later.
PATIENCE_S = 3.0
_POLL_S = 0.05


class NotConnectedError(Exception):
    """There are no tokens: the athlete has left."""


class UnconfirmedRefreshError(Exception):
    """The refresh token was refused after an earlier refresh whose answer was lost: this proves no revocation."""


@dataclass(frozen=True, slots=True)
class Access:
    """An access token that is good for the next minutes, and whether earlier calls with others were refused."""

    token: str
    platform: str
    troubled: bool


def access(installation: Installation, connection_id: int, *, not_this: str | None = None) -> Access:
    """A token for calls. ``not_this`` was refused a moment ago and counts as expired.

    Raises NotConnectedError, UnconfirmedRefreshError, and PlatformError as the refresh raises it (RETRY when another
    process refreshes for unusually long).
    """
    give_up_at = time.monotonic() + PATIENCE_S
    while True:
        with installation.store.read() as session:
            seen = session.get(Connection, connection_id)
        if seen is None or seen.access_encrypted is None:
            raise NotConnectedError
        if seen.refresh_encrypted is None:
            # It never expires; a new consent replaces it, so a refused one was perhaps read a moment too early.
            lasting = installation.vault.decrypt(seen.access_encrypted)
            if lasting == not_this:
                raise PlatformError(ErrorKind.UNAUTHORIZED, f"{seen.platform} refuses this runner's access")
            return Access(lasting, seen.platform, _is_troubled(seen))
        token = None
        if seen.expires_at is not None and seen.expires_at - MARGIN > installation.clock.now():
            token = installation.vault.decrypt(seen.access_encrypted)
        refreshed = token in (None, not_this) and _acquire_lease(installation, seen)
        if refreshed:
            token = _refresh(installation, seen)  # perhaps the same: the platform may keep a token that is still good
        if token is not None and (refreshed or token != not_this):
            return Access(token, seen.platform, _is_troubled(seen))
        if time.monotonic() > give_up_at:
            raise PlatformError(ErrorKind.RETRY, "another process is refreshing this runner's token")
        time.sleep(_POLL_S)  # bounded by PATIENCE_S


def store(installation: Installation, connection: Connection, tokens: Tokens) -> None:
    """Encrypt the tokens into the row; the caller commits."""
    connection.access_encrypted = installation.vault.encrypt(tokens.access_token)
    refresh_token = tokens.refresh_token
    connection.refresh_encrypted = installation.vault.encrypt(refresh_token) if refresh_token is not None else None
    connection.expires_at = tokens.expires_at
    connection.lease_until = connection.lease_owner = None
    connection.refresh_unconfirmed_since = None


def _is_troubled(seen: Connection) -> bool:
    return seen.refused_since is not None or seen.state == Connection.RESTING


def _acquire_lease(installation: Installation, seen: Connection) -> bool:
    """Compare-and-set: true for one process, and only while the refresh token is the one that we have seen."""
    real_now = installation.clock.real_now()
    with installation.store.write() as session:
        result = session.execute(
            update(Connection)
            .where(
                Connection.id == seen.id,
                Connection.refresh_encrypted == seen.refresh_encrypted,
                or_(Connection.lease_until.is_(None), Connection.lease_until < real_now),
            )
            .values(
                lease_until=real_now + REFRESH_LEASE,
                lease_owner=installation.leases.new_owner(),
                refresh_unconfirmed_since=real_now,
            ),
        )
        return bool(result.rowcount == 1)  # type: ignore[attr-defined]


def _refresh(installation: Installation, seen: Connection) -> str:
    """Refresh under the lease. ``seen``: the row before it; a row that changed meanwhile holds better tokens than ours."""
    assert seen.refresh_encrypted is not None  # noqa: S101 - `access` has looked
    try:
        tokens = installation.platform(seen.platform).refresh(installation.vault.decrypt(seen.refresh_encrypted))
    except PlatformError as error:
        raise _after_failure(installation, seen, error) from error
    with installation.store.write() as session:
        # The old refresh token died with the answer: this commit comes before anything else.
        row = session.get(Connection, seen.id, with_for_update=True)
        left = row is None or row.refresh_encrypted is None
        if left:
            # Left meanwhile: what was revoked then was the refresh token that is dead.
            encrypted = installation.vault.encrypt(tokens.refresh_token or tokens.access_token)
            revocation.queue(session, seen.platform, encrypted, installation.clock.now())
        elif row is not None and row.refresh_encrypted != seen.refresh_encrypted and row.access_encrypted is not None:
            return installation.vault.decrypt(row.access_encrypted)
        elif row is not None:
            store(installation, row, tokens)
    if left:
        raise NotConnectedError
    log.info("token refreshed", athlete=seen.athlete_id, expires_at=str(tokens.expires_at))
    return tokens.access_token


def _after_failure(installation: Installation, seen: Connection, error: PlatformError) -> Exception:
    """Release the lease; what the failure means."""
    # An answer of 4xx rotated nothing. No answer, or one of 5xx, leaves open whether the old refresh token still lives.
    answered = error.status is not None and 400 <= error.status < 500
    with installation.store.write() as session:
        row = session.get(Connection, seen.id, with_for_update=True)
        reconnected = row is not None and row.refresh_encrypted != seen.refresh_encrypted
        if row is not None and not reconnected:
            row.lease_until = row.lease_owner = None
            if answered:
                row.refresh_unconfirmed_since = seen.refresh_unconfirmed_since
    if error.kind is not ErrorKind.REVOKED:
        return error
    if reconnected:
        return PlatformError(ErrorKind.RETRY, "the runner connected anew during a refresh")
    if seen.refresh_unconfirmed_since is not None:
        return UnconfirmedRefreshError()
    return error
