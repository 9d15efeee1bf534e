"""Calls to the platform for one runner: with a good token, and with what each kind of failure means for them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from adductor import logs
from adductor.athletes import connection, tokens
from adductor.installation import Installation
from adductor.platforms.base import ErrorKind, PlatformError
from adductor.queue import retry

log = logs.get(__name__)
T = TypeVar("T")


class StopError(Exception):
    """No further try helps. ``outcome`` is kept with the row, ``problem`` says it in words."""

    def __init__(self, outcome: str, problem: str) -> None:
        super().__init__(problem)
        self.outcome = outcome
        self.problem = problem


class LaterError(Exception):
    """Try again after ``wait`` of the runners' time. ``budget``: nothing went out, the rate limit leaves no call now."""

    def __init__(self, wait: timedelta, problem: str, *, budget: bool = False) -> None:
        super().__init__(problem)
        self.wait = wait
        self.problem = problem
        self.budget = budget


def call(
    installation: Installation, athlete_id: int, attempt: int, do: Callable[[str], T], *, known: str | None = None
) -> T:
    """Do ``do(access_token)``. Raises StopError or LaterError; NOT_FOUND comes through as PlatformError.

    A refused token is renewed once. When that fails too, the runner has left, and is disconnected here. ``known``: the
    runner's token, where it was read a moment ago.
    """
    refused: str | None = None
    while True:
        try:
            token = known or tokens.access_token(installation, athlete_id, not_this=refused)
            return do(token)
        except tokens.NotConnectedError:
            raise StopError("not_connected", "the runner is not connected") from None
        except PlatformError as error:
            if error.kind is ErrorKind.REVOKED and refused is None and _came_from_the_call(error):
                refused, known = token, None
                continue
            raise _in_our_terms(installation, athlete_id, attempt, error) from error


def _came_from_the_call(error: PlatformError) -> bool:
    """A refused access token answers 401; a dead refresh token 400, and then there is nothing left to renew."""
    return error.status == 401


def _in_our_terms(installation: Installation, athlete_id: int, attempt: int, error: PlatformError) -> Exception:
    kind = error.kind
    if kind is ErrorKind.NOT_FOUND:
        return error
    if kind in (ErrorKind.RETRY, ErrorKind.RATE_LIMITED):
        wait = retry.after(attempt)
        if error.retry_at is not None:
            wait = max(error.retry_at - installation.clock.now(), timedelta(0))
        return LaterError(wait, error.message, budget=kind is ErrorKind.RATE_LIMITED)
    if kind is ErrorKind.REVOKED:
        connection.disconnect_now(installation, athlete_id, because="revoked")
        return StopError("revoked", error.message)
    if kind is ErrorKind.SCOPE_MISSING:
        if not any("write" in detail for detail in error.details):
            # Without reading there is nothing left to do; without writing there is mail (see deliveries).
            connection.cannot_read(installation, athlete_id)
        return StopError("scope_missing", error.message)
    if kind in (ErrorKind.INACTIVE, ErrorKind.CAP, ErrorKind.MISCONFIGURED):
        # The operator has to act, and may well: keep the row and look again at the longest wait.
        log.error("the platform refuses this installation", kind=str(kind), problem=error.message)
        return LaterError(timedelta(seconds=retry.LONGEST_WAIT_S), error.message)
    return StopError("refused", error.message)
