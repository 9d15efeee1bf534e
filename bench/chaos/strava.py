"""What the run says to the sandbox, and what it asks it at the end."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import requests

_PAGE = 500


class Strava:
    """The sandbox's admin API. Safe for threads."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._of_thread = threading.local()

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None, **query: Any) -> Any:
        """An answer; None for a 409 (somebody else was first). Raises RuntimeError for any other refusal."""
        session = getattr(self._of_thread, "session", None)
        if session is None:
            session = self._of_thread.session = requests.Session()
            session.trust_env = False
        answer = session.request(method, f"{self._url}/admin/{path}", json=body, params=query, timeout=60)
        if answer.status_code == 409:
            return None
        if answer.status_code >= 400:
            raise RuntimeError(f"the sandbox refused {method} {path}: {answer.status_code} {answer.text[:300]}")
        return answer.json() if answer.content else {}

    def truth(self, activity: int) -> dict[str, Any]:
        found: dict[str, Any] = self.ask("GET", f"activities/{activity}")
        return found

    def truths(self) -> dict[int, dict[str, Any]]:
        """Every activity as it really is, with everything ever written into it."""
        found: dict[int, dict[str, Any]] = {}
        after = 0
        while page := self.ask("GET", "activities", after=after, limit=_PAGE):
            found.update((truth["id"], truth) for truth in page)
            after = page[-1]["id"]
        return found

    def calls_since(self, number: int) -> list[dict[str, Any]]:
        calls: list[dict[str, Any]] = self.ask("GET", "calls", since=number, limit=20_000)["calls"]
        return calls

    def deliveries(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask("GET", "deliveries", limit=1_000_000)["deliveries"]
        return found

    def waiting(self) -> int:
        count: int = self.ask("GET", "state")["deliveries"]["waiting"]
        return count

    def limits(self) -> dict[str, Any]:
        found: dict[str, Any] = self.ask("GET", "state")["limits"]
        return found
