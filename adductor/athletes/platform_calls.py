"""Calls to a platform for one connection: with a good token, and with each kind of failure in the queue's terms."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from adductor import logs
from adductor.athletes import connections, tokens
from adductor.installation import Installation
from adductor.platforms.base import Caller, ErrorKind, KeepsCalendar, LoggedActivity, Platform, PlatformError, Priority
from adductor.queue import retry
from adductor.queue.retry import Final, RetryLater
from adductor.store.models import Connection

log = logs.get(__name__)
T = TypeVar("T")

# Permissions of which one may be missing.
_NOT_THE_LOG = ("write", "calendar", "wellness")
# The operator has to act, and may do so at any time.
_FOR_THE_OPERATOR = frozenset({ErrorKind.INACTIVE, ErrorKind.CAP, ErrorKind.MISCONFIGURED})


def call(
    installation: Installation, connection: Connection, priority: Priority, do: Callable[[Platform, Caller], T]
) -> T:
    """Return ``do(platform, caller)``; it takes from the athlete's share of the budget.

    Raises Final or RetryLater; NOT_FOUND comes through as PlatformError, since only the caller knows what it means. A refused
    token is refreshed once. Only a refused refresh ends the connection.
    """
    athlete = str(connection.athlete_id)
    refused: str | None = None
    while True:
        try:
            access = tokens.access(installation, connection.id, not_this=refused)
            result = do(installation.platform(access.platform), Caller(access.token, priority, athlete))
        except tokens.NotConnectedError:
            raise Final("not_connected", "the runner is not connected") from None
        except tokens.UnconfirmedRefreshError as error:
            connections.rest(installation, connection, because="a refresh was refused whose predecessor was lost")
            raise RetryLater("the refresh token was refused after a refresh whose answer was lost") from error
        except PlatformError as error:
            if error.kind is ErrorKind.UNAUTHORIZED and refused is None:
                refused = access.token
                continue
            raise _translate(installation, connection, error) from error
        if access.troubled:
            connections.recover(installation, connection)
        return result


def read(
    installation: Installation, connection: Connection, activity_id: str, priority: Priority
) -> LoggedActivity | None:
    """Read one activity; None when the platform finds none."""
    try:
        return call(
            installation, connection, priority, lambda platform, caller: platform.get_activity(caller, activity_id)
        )
    except PlatformError:  # NOT_FOUND: the other kinds are translated
        return None


def calendar_call(
    installation: Installation, connection: Connection, priority: Priority, do: Callable[[KeepsCalendar, Caller], T]
) -> T:
    """As `call`, of a platform with a calendar."""

    def with_calendar(platform: Platform, caller: Caller) -> T:
        if not isinstance(platform, KeepsCalendar):
            raise Final("no_calendar", f"{platform.label} keeps no calendar")
        return do(platform, caller)

    return call(installation, connection, priority, with_calendar)


def _translate(installation: Installation, connection: Connection, error: PlatformError) -> Exception:
    kind = error.kind
    if kind is ErrorKind.NOT_FOUND:
        return error
    if kind is ErrorKind.REVOKED:
        if connections.disconnect_now(installation, connection):
            return Final("revoked", error.message)
        return RetryLater("the runner connected anew while the platform was asked")
    if kind is ErrorKind.SCOPE_MISSING:
        if not any(word in detail for detail in error.details for word in _NOT_THE_LOG):
            # Without reading the log nothing is left to do; without writing there is mail (see deliveries).
            connections.stop_reading(installation, connection)
        return Final("scope_missing", error.message)
    if kind is ErrorKind.UNAUTHORIZED:
        connections.note_refusal(installation, connection)
        return RetryLater(error.message)
    if kind is ErrorKind.PERMANENT:
        return Final("refused_by_platform", error.message)
    if kind in _FOR_THE_OPERATOR:
        log.error("platform refuses this installation", kind=str(kind), problem=error.message)
        return RetryLater(error.message, wait=timedelta(seconds=retry.POLICY.longest_wait_s))
    wait = None
    if error.retry_at is not None:
        wait = max(error.retry_at - installation.clock.now(), timedelta(0))
    return RetryLater(error.message, wait=wait, budget=kind is ErrorKind.RATE_LIMITED)
