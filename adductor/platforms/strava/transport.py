"""stravalib on its low level: all that has to be undone or added, each with its reason.

stravalib sets no timeout and reads bodies of any size (`PlatformSession` does neither), refreshes tokens without a lock, and
changes the process when it is imported.
"""

from __future__ import annotations

import functools
import logging
import os
import threading
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import requests
    from stravalib.protocol import ApiV3


def protocol(session: requests.Session, access_token: str | None) -> ApiV3:
    """stravalib for one call: it takes whole addresses, returns raw JSON and raises requests' errors. It never sleeps."""
    api = _stravalib()(access_token=access_token, requests_session=session)
    # With these it would refresh tokens by itself: without a lock, and without storing them.
    api.client_id = api.client_secret = None
    return api


_importing = threading.Lock()


@functools.cache
def _stravalib() -> type[ApiV3]:
    """Import stravalib with the first call to the API (0.5 s, 50 MB), without its effects on the process.

    It changes the warning filters, sends all warnings to the log, and writes a line to the root logger for each client
    made without a refresh token.
    """
    with _importing, warnings.catch_warnings():
        show = warnings.showwarning
        os.environ.setdefault("SILENCE_TOKEN_WARNINGS", "true")
        from stravalib.protocol import ApiV3

        if warnings.showwarning is not show:
            logging.captureWarnings(False)
    return ApiV3
