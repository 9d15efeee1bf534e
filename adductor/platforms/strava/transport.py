"""stravalib on its low level, on our HTTP session: all that has to be undone or added, each with its reason.

stravalib hard-codes Strava's address, sets no timeout, reads bodies of any size, sleeps for its own rate limiter,
refreshes tokens without a lock, and changes the process when it is imported.
"""

from __future__ import annotations

import functools
import logging
import os
import threading
import warnings
from typing import TYPE_CHECKING, Any

import requests

from adductor import __version__
from adductor.platforms.transport import PlatformSession

if TYPE_CHECKING:
    from stravalib import Client
    from stravalib.protocol import ApiV3

# The address that stravalib writes into its requests.
_STRAVALIB_API = "https://www.strava.com/api/v3"


class StravaSession(PlatformSession):
    """A session whose calls by stravalib go to the API that is set."""

    def __init__(self, *, api_url: str, timeout_s: float) -> None:
        super().__init__(timeout_s=timeout_s, user_agent=f"adductor-coach/{__version__}")
        self._api_url = api_url.rstrip("/")

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        """As `PlatformSession.request`, at the API that is set."""
        address = str(url)
        if address.startswith(_STRAVALIB_API):
            address = self._api_url + address.removeprefix(_STRAVALIB_API)
        return super().request(method, address, *args, **kwargs)


def protocol(session: StravaSession, access_token: str | None) -> ApiV3:
    """stravalib's low level for one call: it returns raw JSON and raises requests' errors. No sleeping limiter."""
    client = stravalib_client()(access_token=access_token, rate_limit_requests=False, requests_session=session)
    # With these it would refresh tokens by itself: without a lock, and without storing them.
    client.protocol.client_id = None
    client.protocol.client_secret = None
    return client.protocol


_importing = threading.Lock()


@functools.cache
def stravalib_client() -> type[Client]:
    """Import stravalib's Client (0.5 s, 50 MB) without its effects on the process.

    It changes the warning filters, sends all warnings to the log, and writes a line to the root logger for each client
    made without a refresh token.
    """
    with _importing, warnings.catch_warnings():
        show = warnings.showwarning
        os.environ.setdefault("SILENCE_TOKEN_WARNINGS", "true")
        from stravalib import Client

        if warnings.showwarning is not show:
            logging.captureWarnings(False)
    return Client
