"""Client of the sandbox's admin API, and the OAuth round trip of a browser."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests

SCOPES = ("read", "activity:read_all", "activity:write")
_PAGE = 500


class ConnectError(RuntimeError):
    """The OAuth round trip ended without a connection."""


class Sandbox:
    """The admin API at ``url`` of one made-up platform. Safe for threads: each has its own session."""

    def __init__(self, url: str, platform: str = "strava") -> None:
        self.platform = platform
        self.url = url if platform == "strava" else f"{url}/{platform}"
        self._local = threading.local()

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None, **query: Any) -> Any:
        """The answer's JSON; None for 409 (the text changed meanwhile). Raises RuntimeError for another refusal."""
        session = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = requests.Session()
            session.trust_env = False
        answer = session.request(method, f"{self.url}/admin/{path}", json=body, params=query, timeout=60)
        if answer.status_code == 409:
            return None
        if answer.status_code >= 400:
            raise RuntimeError(f"the sandbox refused {method} {path}: {answer.status_code} {answer.text[:300]}")
        return answer.json() if answer.content else {}

    def now(self) -> float:
        """The simulated time, epoch seconds."""
        return float(self.ask("GET", "clock")["now"])

    def new_athlete(self) -> int:
        """A new Strava account; its id."""
        return int(self.ask("POST", "runners", {"timezone": "UTC"})["id"])

    def connect(
        self, web: str, strava_id: int, scopes: Sequence[str] | None = None, *, browser: requests.Session | None = None
    ) -> requests.Session:
        """Connect through the product's OAuth pages; the signed-in browser session. Raises ConnectError.

        Without ``scopes`` all that are asked for are granted.
        """
        browser = browser or requests.Session()
        browser.trust_env = False
        away = browser.get(f"{web}/connect/{self.platform}?again=1", allow_redirects=False, timeout=30)
        asked = dict(parse_qsl(urlsplit(away.headers.get("Location", "")).query))
        form = [*asked.items(), *(("granted", scope) for scope in scopes or asked.get("scope", "").split(","))]
        form += [("runner_id", str(strava_id)), ("answer", "authorize")]
        granted = requests.post(f"{self.url}/oauth/authorize", data=form, allow_redirects=False, timeout=30)
        if "Location" not in granted.headers:
            raise ConnectError(f"the sandbox granted nothing: {granted.status_code} {granted.text[:200]}")
        back = browser.get(granted.headers["Location"], allow_redirects=False, timeout=30)
        if back.status_code != 302:
            raise ConnectError(f"the callback answered {back.status_code}")
        return browser

    def access_token(self, strava_id: int) -> str:
        """The access token of a connected athlete."""
        body = {"scopes": list(SCOPES)}  # of the same scopes: the connection stays as it is
        return str(self.ask("POST", f"runners/{strava_id}/connect", body)["access_token"])

    def record(self, strava_id: int, **recording: Any) -> int:
        """Record an activity, by default an easy run of 45 minutes that ended just now; its id."""
        return int(self.ask("POST", f"runners/{strava_id}/activities", recording)["id"])

    def set_limits(self, limit: int) -> None:
        """A tier with ``limit`` reads a quarter of an hour and any number of athletes."""
        tier = {"name": "bench", "athletes": None, "overall": [limit * 2, limit * 200], "read": [limit, limit * 100]}
        self.ask("POST", "switches", {"tier": tier})

    def activity(self, number: int) -> dict[str, Any]:
        """The activity with every edit ever made to it."""
        found: dict[str, Any] = self.ask("GET", f"activities/{number}")
        return found

    def activities(self) -> dict[int, dict[str, Any]]:
        """Every activity by its id."""
        found: dict[int, dict[str, Any]] = {}
        after = 0
        while page := self.ask("GET", "activities", after=after, limit=_PAGE):
            found.update((entry["id"], entry) for entry in page)
            after = page[-1]["id"]
        return found

    def calls(self, **query: Any) -> list[dict[str, Any]]:
        """The call log: ``since`` a call's number, of one ``endpoint``."""
        found: list[dict[str, Any]] = self.ask("GET", "calls", limit=20_000, **query)["calls"]
        return found

    def deliveries(self) -> list[dict[str, Any]]:
        """Every webhook delivery with its attempts."""
        found: list[dict[str, Any]] = self.ask("GET", "deliveries", limit=1_000_000)["deliveries"]
        return found
