"""The HTTP session under stravalib: where requests really go, how long they may take, how much they may bring.

stravalib hard-codes Strava's addresses, sets no timeout and reads bodies of any size. A session of our own is the place
to settle all three without touching it.
"""

from __future__ import annotations

import http.client
import logging
import os
import re
import threading
import time
from collections.abc import Mapping
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
import urllib3

from adductor import __version__

# The two origins that stravalib writes into its requests.
STRAVALIB_API = "https://www.strava.com/api/v3"
STRAVALIB_OAUTH = "https://www.strava.com/oauth"

# 200 summaries with their map lines come to about 1 MB, a long race with all its segments to 3.
MAX_ANSWER_BYTES = 16 * 2**20
_CHUNK_BYTES = 64 * 2**10
# A host that is up accepts within a round trip or two; the rest of the time is for the answer.
_CONNECT_TIMEOUT_S = 5.0


class AnswerTooLargeError(requests.RequestException):
    """The answer is larger than any that we ask for."""


class AnswerTooSlowError(requests.Timeout):
    """The answer trickles: each byte came in time, all of them together didn't."""


class StravaSession(requests.Session):
    """A pooled session for one thread.

    ``timeout_s`` bounds the wait for a connection, for the first byte, and for the whole body after it: a call ends
    within about three times that. ``last_status`` and ``last_headers`` are those of the last answer; 0 and empty when
    none came.
    """

    def __init__(self, *, api_url: str, oauth_url: str, timeout_s: float) -> None:
        super().__init__()
        self._origins = ((STRAVALIB_API, api_url.rstrip("/")), (STRAVALIB_OAUTH, oauth_url.rstrip("/")))
        self._timeout_s = timeout_s
        self._environment: dict[tuple[str, ...], dict[str, Any]] = {}
        self.headers["User-Agent"] = f"adductor-coach/{__version__}"
        # One session serves many athletes: a cookie from one athlete's answer must not go out with another's call.
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        # Else requests would put what a ~/.netrc says about the host in place of the athlete's token.
        self.auth = _leave_as_it_is
        self.last_status = 0
        self.last_headers: Mapping[str, str] = {}

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        """As requests', at the address that is set. Raises requests.RequestException when no whole answer came."""
        self.last_status, self.last_headers = 0, {}
        kwargs["timeout"] = (min(_CONNECT_TIMEOUT_S, self._timeout_s), self._timeout_s)
        # A redirect would turn a POST into a GET; it is an answer like another, and never a good one.
        kwargs["allow_redirects"] = False
        kwargs["stream"] = True
        response = super().request(method, self._address(url), *args, **kwargs)
        self.last_status, self.last_headers = response.status_code, response.headers
        try:
            response._content = _read_bounded(response, time.monotonic() + self._timeout_s)
            response._content_consumed = True  # type: ignore[attr-defined]
        except BaseException:
            # Half-read: the connection can't be used again.
            response.close()
            raise
        return response

    def merge_environment_settings(self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
        """Proxies and certificates as the environment has them. It is read once: requests reads it anew for every call."""
        origin = tuple(str(url).split("/", 3)[:3])
        if origin not in self._environment:
            self._environment[origin] = dict(super().merge_environment_settings(url, proxies, stream, verify, cert))
        return dict(self._environment[origin])

    def _address(self, url: str | bytes) -> str:
        text = url.decode() if isinstance(url, bytes) else url
        for written, real in self._origins:
            if text == written or text.startswith(written + "/"):
                return real + text[len(written) :]
        raise requests.exceptions.InvalidURL("not one of Strava's addresses")


_of_thread = threading.local()


def pooled_session(*, api_url: str, oauth_url: str, timeout_s: float) -> StravaSession:
    """This thread's session for these addresses, its connections kept alive between calls.

    A forked child gets its own: parent and child must not talk over one connection.
    """
    if getattr(_of_thread, "pid", None) != os.getpid():
        _of_thread.pid = os.getpid()
        _of_thread.sessions = {}
        _hide_secrets_in_urllib3_log()
    sessions: dict[tuple[str, str, float], StravaSession] = _of_thread.sessions
    key = (api_url, oauth_url, timeout_s)
    if key not in sessions:
        sessions[key] = StravaSession(api_url=api_url, oauth_url=oauth_url, timeout_s=timeout_s)
    return sessions[key]


def _leave_as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _read_bounded(response: requests.Response, deadline_s: float) -> bytes:
    body = bytearray()
    while chunk := _read_some(response):
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise AnswerTooLargeError(f"more than {MAX_ANSWER_BYTES} bytes")
        if time.monotonic() > deadline_s:
            raise AnswerTooSlowError("the answer didn't end in time")
    return bytes(body)


def _read_some(response: requests.Response) -> bytes:
    try:
        # read1: what is there now. A plain read waits until the chunk is full, each byte restarting the timeout.
        chunk: bytes = response.raw.read1(_CHUNK_BYTES, decode_content=True)
    except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError) as error:
        # Each means that the answer broke off, or can't be unpacked.
        raise requests.ConnectionError(type(error).__name__) from None
    return chunk


_SECRET_IN_QUERY = re.compile(r"(client_secret|access_token|refresh_token|code|verify_token)=[^&\s\"']+")


class _HideSecrets(logging.Filter):
    """The list of subscriptions takes the client secret in its address, and urllib3 logs addresses at DEBUG."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                _SECRET_IN_QUERY.sub(r"\1=…", arg) if isinstance(arg, str) else arg for arg in record.args
            )
        return True


def _hide_secrets_in_urllib3_log() -> None:
    logger = logging.getLogger("urllib3.connectionpool")
    if not any(isinstance(known, _HideSecrets) for known in logger.filters):
        logger.addFilter(_HideSecrets())
