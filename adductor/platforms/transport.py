"""An HTTP session for one thread: timeouts, bounded answers, no cookies, no redirects, no credentials of the machine."""

from __future__ import annotations

import http.client
import logging
import time
from collections.abc import Mapping
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
import urllib3

# 200 summaries with their map lines come to about 1 MB, a long race with all its segments to 3.
MAX_ANSWER_BYTES = 16 * 2**20
_CHUNK_BYTES = 64 * 2**10
# A host that is up accepts within a round trip or two; the rest of the time is for the answer.
_CONNECT_TIMEOUT_S = 5.0

# At DEBUG urllib3 logs addresses, and an address may hold a secret.
logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)


class AnswerTooLargeError(requests.RequestException):
    """The answer is larger than any that we ask for."""


# In this order: some of them are kinds of others. An exception's own text may hold an address with a secret.
_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (requests.Timeout, "didn't answer in time"),
    (AnswerTooLargeError, "answered far more than expected"),
    (requests.exceptions.SSLError, "couldn't be reached over TLS (certificate or protocol)"),
    (requests.exceptions.JSONDecodeError, "answered something that can't be read"),
    (requests.RequestException, "couldn't be reached, or the connection dropped,"),
    (Exception, "answered something that can't be read"),
)


def reason_of(error: Exception) -> str:
    """Why no answer that can be read came, to stand behind a platform's name."""
    return next(reason for kind, reason in _REASONS if isinstance(error, kind))


class PlatformSession(requests.Session):
    """A session for one thread, its connections kept alive between calls.

    ``timeout_s`` bounds the wait for a connection, for the first byte, and for the whole body after it: a call ends
    within about three times that. ``last_status`` and ``last_headers`` are those of the last answer; 0 and empty
    without one.
    """

    def __init__(self, *, timeout_s: float, user_agent: str) -> None:
        super().__init__()
        self._timeout_s = timeout_s
        self.last_status = 0
        self.last_headers: Mapping[str, str] = {}
        self.headers["User-Agent"] = user_agent
        # One session serves many athletes: a cookie from one athlete's answer must not go out with another's call.
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        # Else requests would put a host's entry in ~/.netrc in place of the athlete's token.
        self.auth = lambda request: request

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        """As requests'. Raises requests.RequestException when no whole answer came."""
        self.last_status, self.last_headers = 0, {}
        kwargs |= {
            "timeout": (min(_CONNECT_TIMEOUT_S, self._timeout_s), self._timeout_s),
            # A redirect would turn a POST into a GET; it is an answer like another, and never a good one.
            "allow_redirects": False,
            "stream": True,
        }
        response = super().request(method, url, *args, **kwargs)
        self.last_status, self.last_headers = response.status_code, response.headers
        try:
            response._content = _read_bounded(response, time.monotonic() + self._timeout_s)
            response._content_consumed = True  # type: ignore[attr-defined]
        except BaseException:
            response.close()  # half-read: the connection can't be used again
            raise
        return response


def _read_bounded(response: requests.Response, deadline_s: float) -> bytes:
    body = bytearray()
    while True:
        try:
            # read1 returns the bytes that are there. A plain read waits for a full chunk, and each byte restarts its
            # timeout.
            chunk = response.raw.read1(_CHUNK_BYTES, decode_content=True)
        except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError) as error:
            # The answer broke off, or can't be unpacked.
            raise requests.ConnectionError(type(error).__name__) from None
        if not chunk:
            return bytes(body)
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise AnswerTooLargeError(f"more than {MAX_ANSWER_BYTES} bytes")
        if time.monotonic() > deadline_s:
            raise requests.Timeout("the answer didn't end in time")
