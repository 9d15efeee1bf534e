"""The shared half of the adapters: a session a thread, the budget before each call, metrics and errors by kind after it."""

from __future__ import annotations

import logging
import threading
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import requests

from adductor import __version__
from adductor.platforms.base import Caller, ErrorKind, LoggedActivity, PlatformError
from adductor.platforms.fields import as_list
from adductor.platforms.transport import PlatformSession, reason_of

if TYPE_CHECKING:
    from adductor.platforms.budget import WindowBudget

log = logging.getLogger(__name__)
T = TypeVar("T")
MAX_NAME_CHARS = 200
_NO_ADDRESS = (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, requests.exceptions.MissingSchema)


@dataclass(kw_only=True, eq=False, repr=False)
class PlatformClient:
    """An adapter (`base.Platform`) over HTTP. Safe for threads: each has a session of its own.

    Calls to the API take from ``budget`` first; OAuth calls don't. ``now`` gives an aware time.
    """

    label: ClassVar[str]
    urls: ClassVar[str]  # the settings of its addresses, for people

    client_id: str | None
    client_secret: str
    api_url: str
    oauth_url: str
    public_url: str
    budget: WindowBudget
    now: Callable[[], datetime]
    timeout_s: float = 10

    def __post_init__(self) -> None:
        self._of_thread = threading.local()

    @abstractmethod
    def _failure(self, status: int, body: bytes, doing: str, caller: Caller | None, needs: str) -> PlatformError:
        """The failure that an answer stands for."""

    @abstractmethod
    def _retry_at(self, caller: Caller | None) -> datetime:
        """The time for the next try (UTC) after the last answer, a 429."""

    @abstractmethod
    def _count(self, doing: str, status: int, *, held_back: Caller | None = None) -> None:
        """Count a call that was made (``status`` 0: no answer came), or one that the budget held back."""

    def _budget_of(self, caller: Caller) -> WindowBudget:
        return self.budget

    def _learn(self, budget: WindowBudget) -> None:
        """Report the last answer to the budget."""
        budget.learn(self.session.last_headers, self.session.last_status)

    @property
    def session(self) -> PlatformSession:
        """This thread's session, its connections kept alive between calls."""
        if not hasattr(self._of_thread, "session"):
            agent = f"AdductorCoach/{__version__} (+{self.public_url})"
            self._of_thread.session = PlatformSession(timeout_s=self.timeout_s, user_agent=agent)
        session: PlatformSession = self._of_thread.session
        return session

    def call(self, doing: str, do: Callable[[], T], caller: Caller | None = None, *, needs: str = "") -> T:
        """Make one call and read its answer; any failure becomes a PlatformError that holds nothing of the original.

        Without ``caller`` it is an OAuth call, which the budget doesn't count. ``needs`` names its permission.
        """
        budget = self._budget_of(caller) if caller is not None else None
        if caller is not None and budget is not None:
            try:
                budget.take(caller.priority, caller.athlete)
            except PlatformError:
                self._count(doing, 0, held_back=caller)
                raise
        try:
            return do()
        except (requests.RequestException, ValueError, IndexError, RecursionError) as error:
            failure = self._failure_of(error, doing, caller, needs)
        finally:
            self._count(doing, self.session.last_status)
            if budget is not None:
                self._learn(budget)
        raise failure

    def send(self, method: str, url: str, **request: Any) -> requests.Response:
        """Raises requests.RequestException for every answer but 200."""
        response = self.session.request(method, url, **request)
        if response.status_code != 200:
            raise requests.HTTPError(response=response)
        return response

    def _failure_of(self, error: Exception, doing: str, caller: Caller | None, needs: str) -> PlatformError:
        status = self.session.last_status
        # stravalib lets redirects pass and stumbles over their body.
        if isinstance(error, requests.HTTPError) or 300 <= status < 400:
            body = error.response.content if isinstance(error, requests.HTTPError) else b""
            failure = self._failure(status, body, doing, caller, needs)
            if failure.kind is ErrorKind.RATE_LIMITED:
                failure.retry_at = self._retry_at(caller)
            return failure
        if isinstance(error, _NO_ADDRESS):
            return PlatformError(ErrorKind.MISCONFIGURED, f"Of {self.urls} one isn't an address that can be called.")
        return PlatformError(
            ErrorKind.RETRY, f"{self.label} {reason_of(error)} while {doing}. It is tried again later."
        )

    def listed(self, entries: Any, parse: Callable[[Any], LoggedActivity]) -> list[LoggedActivity]:
        """The activities of a list, newest first; an entry that can't be read is left out and logged."""
        found: list[LoggedActivity] = []
        for entry in as_list(entries):
            try:
                found.append(parse(entry))
            except ValueError as error:
                log.warning("an entry of a list of %s was left out: %s", self.label, error)
        return sorted(found, key=lambda activity: activity.start, reverse=True)


def same(activity: LoggedActivity, activity_id: str) -> LoggedActivity:
    """Raises ValueError for another activity than the one asked for."""
    if activity.id != activity_id:
        raise ValueError("another activity than asked for")
    return activity
