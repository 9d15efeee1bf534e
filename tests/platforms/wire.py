"""A client, canned answers, and a look at what went over the wire."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from adductor.platforms.base import PlatformError
from adductor.platforms.strava.client import StravaClient
from tests.platforms.conftest import CountingBudget
from tests.platforms.racing import NOON

SECRET = "s3cr3t-of-the-application"
ACCESS = "a4b945687g-access"
REFRESH = "e5n567567r-refresh"
RUN = {
    "id": 7,
    "athlete": {"id": 3},
    "name": "Run",
    "sport_type": "Run",
    "start_date": "2026-11-22T11:00:00Z",
    "start_date_local": "2026-11-22T12:00:00Z",
    "timezone": "(GMT+01:00) Europe/Berlin",
    "utc_offset": 3600.0,
    "moving_time": 2_700,
    "description": None,
}
TOKENS = {
    "token_type": "Bearer",
    "access_token": ACCESS,
    "refresh_token": REFRESH,
    "expires_at": 1_795_370_700,
    "expires_in": 21_600,
}
ATHLETE = {"id": 3, "firstname": "Ada", "lastname": "Runner", "measurement_preference": "feet"}


def client_of(server: HTTPServer, budget: CountingBudget) -> StravaClient:
    return client_at(server.url_for("/api/v3"), budget, oauth_url=server.url_for("/oauth/"))


def client_at(
    api_url: str, budget: CountingBudget, timeout_s: float = 5, *, oauth_url: str | None = None
) -> StravaClient:
    return StravaClient(
        client_id="4711",
        client_secret=SECRET,
        api_url=api_url,
        oauth_url=oauth_url or api_url,
        budget=budget,
        timeout_s=timeout_s,
        now=lambda: NOON,
    )


def answer(status: int = 200, body: Any = "", headers: dict[str, str] | None = None) -> Response:
    text = body if isinstance(body, str | bytes) else json.dumps(body)
    return Response(text, status, headers, content_type="application/json; charset=utf-8")


def fault(message: str, *errors: tuple[str, str, str]) -> dict[str, Any]:
    return {"message": message, "errors": [dict(zip(("resource", "field", "code"), e, strict=True)) for e in errors]}


def failure(call: Callable[[], object]) -> PlatformError:
    """The error of a call, which must not show a secret in any form."""
    with pytest.raises(PlatformError) as caught:
        call()
    error = caught.value
    shown = "".join(traceback.format_exception(error)) + repr(error) + str(error.__context__) + str(error.details)
    assert not any(secret in shown for secret in (SECRET, ACCESS, REFRESH))
    return error


def only_request(server: HTTPServer) -> Request:
    ((request, _),) = server.log
    return request
