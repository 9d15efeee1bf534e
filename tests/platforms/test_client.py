"""The client's calls: what goes over the wire, what comes back, and what each failure is called."""

from __future__ import annotations

import gzip
import json
import logging
import os
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from adductor.platforms.base import ErrorKind, PlatformError, Priority, Tokens
from adductor.platforms.strava import transport
from adductor.platforms.strava.client import REQUIRED_SCOPES, StravaClient, Subscription, missing_scopes
from adductor.platforms.strava.limits import quarter_of
from tests.platforms.conftest import CountingBudget
from tests.platforms.racing import NOON, usage

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


@pytest.fixture
def strava(httpserver: HTTPServer, counting: CountingBudget) -> StravaClient:
    return client_of(httpserver, counting)


def client_of(server: HTTPServer, budget: CountingBudget, timeout_s: float = 5) -> StravaClient:
    return StravaClient(
        client_id="4711",
        client_secret=SECRET,
        api_url=server.url_for("/api/v3"),
        oauth_url=server.url_for("/oauth/"),
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


# --- connecting -----------------------------------------------------------------------------------------------------


def test_the_address_to_connect_at_asks_for_all_scopes(strava: StravaClient, httpserver: HTTPServer) -> None:
    url = strava.authorize_url(redirect_uri="http://127.0.0.1:8000/connect/strava/callback", state="st/a te")
    assert url.startswith(httpserver.url_for("/oauth/authorize?"))
    assert parse_qs(urlsplit(url).query) == {
        "client_id": ["4711"],
        "redirect_uri": ["http://127.0.0.1:8000/connect/strava/callback"],
        "response_type": ["code"],
        "approval_prompt": ["auto"],
        "scope": ["read,activity:read_all,activity:write"],
        "state": ["st/a te"],
    }
    assert "approval_prompt=force" in strava.authorize_url(redirect_uri="x", state="y", force=True)


@pytest.mark.parametrize(
    ("granted", "missing"),
    [
        ("read,activity:write,activity:read_all", ()),
        ("activity:read_all,activity:write,read,profile:read_all", ()),
        ("read activity:write activity:read_all", ()),
        ("read,activity:read", ("activity:read_all", "activity:write")),
        ("read,activity:write", ("activity:read_all",)),
        ("", REQUIRED_SCOPES),
    ],
)
def test_the_scopes_that_an_athlete_left_out_are_named(granted: str, missing: tuple[str, ...]) -> None:
    assert missing_scopes(granted) == missing


def test_a_code_becomes_a_grant(strava: StravaClient, httpserver: HTTPServer, counting: CountingBudget) -> None:
    httpserver.expect_oneshot_request("/oauth/token", "POST").respond_with_json(TOKENS | {"athlete": ATHLETE})
    grant = strava.exchange_code("the-code")
    assert grant.tokens == Tokens(ACCESS, REFRESH, datetime(2026, 11, 22, 18, 5, tzinfo=UTC))
    assert (grant.athlete_id, grant.name, grant.timezone, grant.units) == (3, "Ada Runner", None, "imperial")
    request = only_request(httpserver)
    assert request.form.to_dict() == {
        "client_id": "4711",
        "client_secret": SECRET,
        "grant_type": "authorization_code",
        "code": "the-code",
    }
    assert not request.args
    assert "Authorization" not in request.headers
    # OAuth isn't rate-limited.
    assert counting.taken == []


def test_units_are_asked_for_once_when_the_grant_does_not_tell_them(
    strava: StravaClient, httpserver: HTTPServer, counting: CountingBudget
) -> None:
    short = {"id": 3, "firstname": "Ada", "lastname": None}
    httpserver.expect_ordered_request("/oauth/token").respond_with_json(TOKENS | {"athlete": short})
    httpserver.expect_ordered_request(
        "/api/v3/athlete", headers={"Authorization": f"Bearer {ACCESS}"}
    ).respond_with_json(ATHLETE)
    grant = strava.exchange_code("c")
    assert (grant.name, grant.units) == ("Ada", "imperial")
    assert counting.taken == [Priority.CONNECT]


def test_units_that_cannot_be_had_do_not_lose_the_grant(strava: StravaClient, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/oauth/token").respond_with_json(TOKENS | {"athlete": {"id": 3}})
    httpserver.expect_request("/api/v3/athlete").respond_with_data("down", 503)
    assert strava.exchange_code("c").units == "metric"


def test_a_refresh_returns_the_new_pair(strava: StravaClient, httpserver: HTTPServer) -> None:
    httpserver.expect_oneshot_request("/oauth/token", "POST").respond_with_json(TOKENS)
    assert strava.refresh("old-one").refresh_token == REFRESH
    assert only_request(httpserver).form.to_dict() == {
        "client_id": "4711",
        "client_secret": SECRET,
        "grant_type": "refresh_token",
        "refresh_token": "old-one",
    }


def test_a_revoked_token_goes_out_with_the_applications_credentials(
    strava: StravaClient, httpserver: HTTPServer
) -> None:
    httpserver.expect_oneshot_request("/oauth/revoke", "POST").respond_with_data("", 200)
    strava.revoke(REFRESH)
    request = only_request(httpserver)
    assert request.form.to_dict() == {"token": REFRESH}
    assert request.authorization is not None
    assert (request.authorization.username, request.authorization.password) == ("4711", SECRET)


@pytest.mark.parametrize(
    "raw",
    [
        {},
        TOKENS | {"access_token": ""},
        TOKENS | {"refresh_token": None},
        TOKENS | {"expires_at": "soon"},
        TOKENS | {"expires_at": 10**30},
        [],
    ],
)
def test_an_answer_without_usable_tokens_is_worth_a_retry(
    strava: StravaClient, httpserver: HTTPServer, raw: Any
) -> None:
    httpserver.expect_request("/oauth/token").respond_with_json(raw)
    assert failure(lambda: strava.refresh(REFRESH)).kind is ErrorKind.RETRY


def test_tokens_do_not_show_themselves() -> None:
    assert ACCESS not in repr(Tokens(ACCESS, REFRESH, NOON))
    assert REFRESH not in repr(Tokens(ACCESS, REFRESH, NOON))


# --- the log --------------------------------------------------------------------------------------------------------


def test_an_activity_is_read_with_the_token_in_the_header_only(
    strava: StravaClient, httpserver: HTTPServer, counting: CountingBudget
) -> None:
    httpserver.expect_oneshot_request("/api/v3/activities/7", "GET").respond_with_json(
        RUN, headers=usage((4, 40), (3, 30))
    )
    assert strava.get_activity(ACCESS, 7, priority=Priority.RETRY).description == ""
    request = only_request(httpserver)
    assert request.headers["Authorization"] == f"Bearer {ACCESS}"
    assert ACCESS not in request.url
    assert counting.taken == [Priority.RETRY]
    ((headers, status),) = counting.learned
    assert status == 200
    assert {name.lower(): value for name, value in headers.items()}["x-readratelimit-usage"] == "3,30"


def test_a_note_is_written_as_json_and_only_the_field_that_is_given(
    strava: StravaClient, httpserver: HTTPServer
) -> None:
    note = "mine\r\nours \U0001f9b5 %s {id}"
    httpserver.expect_oneshot_request("/api/v3/activities/7", "PUT").respond_with_json(RUN | {"private_note": note})
    assert strava.update_activity(ACCESS, 7, private_note=note).private_note == note
    request = only_request(httpserver)
    assert request.get_json() == {"private_note": note}
    assert not request.args


def test_an_empty_text_clears_and_none_leaves_alone(strava: StravaClient, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/api/v3/activities/7", "PUT").respond_with_json(RUN)
    strava.update_activity(ACCESS, 7, description="")
    assert only_request(httpserver).get_json() == {"description": ""}


def test_writing_nothing_is_a_mistake_of_the_caller(strava: StravaClient) -> None:
    with pytest.raises(ValueError, match="nothing to write"):
        strava.update_activity(ACCESS, 7)


def test_another_activity_than_asked_for_is_not_taken_for_it(strava: StravaClient, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/api/v3/activities/8").respond_with_json(RUN)
    assert failure(lambda: strava.get_activity(ACCESS, 8)).kind is ErrorKind.RETRY


def entries(*ids: int) -> list[dict[str, Any]]:
    day = datetime(2026, 11, 1, tzinfo=UTC)
    return [RUN | {"id": i, "start_date": (day + timedelta(minutes=i)).isoformat()} for i in ids]


def test_a_fortnight_is_one_call(strava: StravaClient, httpserver: HTTPServer, counting: CountingBudget) -> None:
    httpserver.expect_request("/api/v3/athlete/activities", "GET").respond_with_json(entries(1, 3, 2))
    listed = strava.list_activities(ACCESS, after=NOON - timedelta(days=14), priority=Priority.HISTORY)
    assert [activity.id for activity in listed] == [3, 2, 1]
    assert all(activity.description is None for activity in listed)
    after = int((NOON - timedelta(days=14)).timestamp())
    assert only_request(httpserver).args.to_dict() == {"after": str(after), "page": "1", "per_page": "200"}
    assert counting.taken == [Priority.HISTORY]


def test_a_long_list_is_read_page_by_page_and_an_entry_that_shifts_counts_once(
    strava: StravaClient, httpserver: HTTPServer, counting: CountingBudget
) -> None:
    pages = {1: entries(*range(1, 200)), 2: entries(*range(199, 320)), 3: entries(320)}
    httpserver.expect_request("/api/v3/athlete/activities").respond_with_handler(
        lambda request: answer(body=pages[int(request.args["page"])])
    )
    listed = strava.list_activities(ACCESS, after=NOON - timedelta(days=400), before=NOON, priority=Priority.CONNECT)
    assert [activity.id for activity in listed] == list(range(320, 0, -1))
    assert counting.taken == [Priority.CONNECT] * 3


def test_a_list_without_end_is_cut(strava: StravaClient, httpserver: HTTPServer, counting: CountingBudget) -> None:
    httpserver.expect_request("/api/v3/athlete/activities").respond_with_json(entries(*range(1, 201)))
    assert len(strava.list_activities(ACCESS, after=NOON - timedelta(days=14))) == 200
    assert len(counting.taken) == 10


def test_one_broken_entry_does_not_lose_the_list(
    strava: StravaClient, httpserver: HTTPServer, caplog: pytest.LogCaptureFixture
) -> None:
    httpserver.expect_request("/api/v3/athlete/activities").respond_with_json([*entries(1), None, {"name": "x"}])
    assert len(strava.list_activities(ACCESS, after=NOON - timedelta(days=14))) == 1
    assert "left out" in caplog.text


@pytest.mark.parametrize(("after", "before"), [(NOON, None), (NOON + timedelta(days=1), None), (NOON, NOON)])
def test_what_strava_would_answer_with_400_is_not_asked(
    strava: StravaClient, counting: CountingBudget, after: datetime, before: datetime | None
) -> None:
    assert strava.list_activities(ACCESS, after=after, before=before) == []
    assert counting.taken == []


# --- the subscription -----------------------------------------------------------------------------------------------


def test_the_subscription_calls_send_the_secret_in_the_body_where_strava_allows_it(
    strava: StravaClient, httpserver: HTTPServer
) -> None:
    path = "/api/v3/push_subscriptions"
    httpserver.expect_ordered_request(path, "POST").respond_with_json({"id": 12}, 201)
    httpserver.expect_ordered_request(path, "GET").respond_with_json([{"id": 12, "callback_url": "https://x/y"}])
    httpserver.expect_ordered_request(f"{path}/12", "DELETE").respond_with_data("", 204)
    assert strava.create_subscription("https://x/y", "verify") == 12
    assert strava.list_subscriptions() == [Subscription(12, "https://x/y")]
    strava.delete_subscription(12)
    created, listed, deleted = (request for request, _ in httpserver.log)
    application = {"client_id": "4711", "client_secret": SECRET}
    assert created.form.to_dict() == application | {"callback_url": "https://x/y", "verify_token": "verify"}
    assert listed.args.to_dict() == application
    assert deleted.form.to_dict() == application
    assert not created.args
    assert not deleted.args
    assert all("Authorization" not in request.headers for request in (created, listed, deleted))


def test_deleting_a_subscription_that_is_gone_is_fine(strava: StravaClient, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/api/v3/push_subscriptions/12").respond_with_json(fault("Record Not Found"), 404)
    strava.delete_subscription(12)


# --- errors by kind -------------------------------------------------------------------------------------------------

INACTIVE = fault("Forbidden", ("Application", "Status", "Inactive"))
RATE = fault("Rate Limit Exceeded", ("Application", "rate limit", "exceeded"))


@pytest.mark.parametrize(
    ("status", "body", "kind", "permanent"),
    [
        (404, fault("Record Not Found", ("Activity", "id", "not found")), ErrorKind.NOT_FOUND, False),
        (404, "", ErrorKind.NOT_FOUND, False),
        (404, "<html>gone</html>", ErrorKind.RETRY, False),
        (401, fault("Authorization Error", ("Athlete", "access_token", "invalid")), ErrorKind.REVOKED, True),
        (401, "", ErrorKind.REVOKED, True),
        (401, "<html>sign in</html>", ErrorKind.RETRY, False),
        (
            401,
            fault("Authorization Error", ("AccessToken", "activity:write_permission", "missing")),
            ErrorKind.SCOPE_MISSING,
            True,
        ),
        (403, INACTIVE, ErrorKind.INACTIVE, True),
        (403, INACTIVE | {"errors": INACTIVE["errors"][0]}, ErrorKind.INACTIVE, True),
        (403, fault("Limit of connected athletes exceeded"), ErrorKind.CAP, True),
        (403, "<h1>Error 403: Limit of connected athletes exceeded</h1>", ErrorKind.CAP, True),
        (403, fault("Forbidden"), ErrorKind.REFUSED, True),
        (403, "<html>blocked</html>", ErrorKind.RETRY, False),
        (400, fault("Bad Request", ("Activity", "description", "invalid")), ErrorKind.REFUSED, True),
        (422, {"message": "no", "errors": None}, ErrorKind.REFUSED, True),
        (408, "", ErrorKind.RETRY, False),
        (500, fault("oops"), ErrorKind.RETRY, False),
        (502, "<html>bad gateway</html>", ErrorKind.RETRY, False),
        (503, "", ErrorKind.RETRY, False),
        (302, "", ErrorKind.RETRY, False),
        (301, "", ErrorKind.MISCONFIGURED, True),
        (200, "<html>maintenance</html>", ErrorKind.RETRY, False),
        (200, "", ErrorKind.RETRY, False),
        (200, "[]", ErrorKind.RETRY, False),
        (200, "null", ErrorKind.RETRY, False),
        (200, "[" * 100_000, ErrorKind.RETRY, False),
        (200, b"\xff\xfe\x00", ErrorKind.RETRY, False),
        (204, "", ErrorKind.RETRY, False),
        (429, RATE, ErrorKind.RATE_LIMITED, False),
        (429, "<html>slow down</html>", ErrorKind.RATE_LIMITED, False),
    ],
)
def test_what_a_call_for_a_runner_can_meet(
    strava: StravaClient,
    httpserver: HTTPServer,
    counting: CountingBudget,
    status: int,
    body: Any,
    kind: ErrorKind,
    permanent: bool,
) -> None:
    httpserver.expect_request("/api/v3/activities/7").respond_with_response(answer(status, body))
    for call in (
        lambda: strava.get_activity(ACCESS, 7),
        lambda: strava.update_activity(ACCESS, 7, private_note="x"),
    ):
        error = failure(call)
        assert (error.kind, error.permanent) == (kind, permanent)
        assert error.message.endswith(".")
        assert "<" not in error.message
    assert [learned for _, learned in counting.learned] == [status, status]


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, fault("Bad Request", ("Application", "client_id", "invalid")), ErrorKind.MISCONFIGURED),
        (401, fault("Authorization Error", ("Application", "client_secret", "invalid")), ErrorKind.MISCONFIGURED),
        (400, fault("Bad Request", ("RefreshToken", "refresh_token", "invalid")), ErrorKind.REVOKED),
        (400, fault("Bad Request", ("AuthorizationCode", "code", "invalid")), ErrorKind.REFUSED),
        (403, INACTIVE, ErrorKind.INACTIVE),
        (
            403,
            fault("Limit of connected athletes exceeded", ("Application", "connected athletes", "exceeded")),
            ErrorKind.CAP,
        ),
        (404, "", ErrorKind.MISCONFIGURED),
        (429, RATE, ErrorKind.RATE_LIMITED),
        (500, "", ErrorKind.RETRY),
        (200, "<html>", ErrorKind.RETRY),
    ],
)
def test_what_an_oauth_call_can_meet(
    strava: StravaClient, httpserver: HTTPServer, status: int, body: Any, kind: ErrorKind
) -> None:
    httpserver.expect_request("/oauth/token").respond_with_response(answer(status, body))
    assert failure(lambda: strava.refresh(REFRESH)).kind is kind
    assert failure(lambda: strava.exchange_code("c")).kind is kind


def test_a_wrong_secret_at_revoking_is_a_matter_of_settings(strava: StravaClient, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/oauth/revoke").respond_with_response(answer(401, fault("Authorization Error")))
    assert failure(lambda: strava.revoke(REFRESH)).kind is ErrorKind.MISCONFIGURED


def test_a_429_says_when_the_next_window_opens(strava: StravaClient, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/api/v3/activities/7").respond_with_json(
        RATE, 429, headers=usage((101, 300), (101, 300))
    )
    retry_at = failure(lambda: strava.get_activity(ACCESS, 7)).retry_at
    assert retry_at is not None
    assert quarter_of(retry_at) == quarter_of(NOON) + 1


def test_a_429_with_the_day_spent_says_tomorrow(strava: StravaClient, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/api/v3/activities/7").respond_with_json(
        RATE, 429, headers=usage((3, 1_001), (3, 1_001))
    )
    retry_at = failure(lambda: strava.get_activity(ACCESS, 7)).retry_at
    assert retry_at is not None
    assert retry_at.isoformat().startswith("2026-11-23T00:0")


def test_without_budget_no_call_is_made(strava: StravaClient, httpserver: HTTPServer, counting: CountingBudget) -> None:
    counting.refuse = PlatformError(ErrorKind.RATE_LIMITED, "Wait.", retry_at=NOON)
    assert failure(lambda: strava.get_activity(ACCESS, 7)).kind is ErrorKind.RATE_LIMITED
    assert httpserver.log == []
    assert counting.learned == []


def test_what_a_server_echoes_is_not_repeated(strava: StravaClient, httpserver: HTTPServer) -> None:
    echo = fault(f"bad {ACCESS}", (f"Token {ACCESS} " * 5, f"<b>{SECRET}</b>", "invalid"))
    httpserver.expect_request("/api/v3/activities/7").respond_with_json(echo, 403)
    assert failure(lambda: strava.get_activity(ACCESS, 7)).details == ("?/?/invalid",)


# --- a bad line -----------------------------------------------------------------------------------------------------


class RawServer:
    """Answers each connection with given pieces of bytes, a pause between them, then hangs up."""

    def __init__(self, pieces: list[bytes], pause_s: float = 0.0) -> None:
        self._pieces, self._pause_s = pieces, pause_s
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                connection.recv(65_536)
                try:
                    for piece in self._pieces:
                        connection.sendall(piece)
                        time.sleep(self._pause_s)
                except OSError:
                    continue

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()


@pytest.fixture
def raw_server() -> Iterator[Callable[..., StravaClient]]:
    servers: list[RawServer] = []

    def start(*pieces: bytes, pause_s: float = 0.0, timeout_s: float = 5) -> StravaClient:
        servers.append(RawServer(list(pieces), pause_s))
        return StravaClient(
            client_id="4711",
            client_secret=SECRET,
            api_url=servers[-1].url,
            oauth_url=servers[-1].url,
            budget=CountingBudget(),
            timeout_s=timeout_s,
            now=lambda: NOON,
        )

    yield start
    for server in servers:
        server.close()


OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
BODY = json.dumps(RUN).encode()


@pytest.mark.parametrize(
    "pieces",
    [
        [],
        [b"HTTP/1."],
        [b"nonsense\r\n\r\n"],
        [OK + b"Content-Length: 999\r\n\r\n" + BODY],
        [OK + b"Transfer-Encoding: chunked\r\n\r\n10\r\n{"],
        [OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{"],
        [OK + b"Content-Encoding: gzip\r\nContent-Length: 9\r\n\r\nnot gzip!"],
    ],
)
def test_an_answer_that_breaks_off_is_worth_a_retry(
    raw_server: Callable[..., StravaClient], pieces: list[bytes]
) -> None:
    strava = raw_server(*pieces)
    for call in (
        lambda: strava.get_activity(ACCESS, 7),
        lambda: strava.refresh(REFRESH),
        lambda: strava.revoke(REFRESH),
        strava.list_subscriptions,
    ):
        assert failure(call).kind is ErrorKind.RETRY


def test_an_answer_in_small_packed_chunks_is_whole(raw_server: Callable[..., StravaClient]) -> None:
    packed = gzip.compress(json.dumps(RUN | {"private_note": "x" * 50_000}).encode())
    chunks = [b"%x\r\n%b\r\n" % (len(packed[i : i + 7]), packed[i : i + 7]) for i in range(0, len(packed), 7)]
    strava = raw_server(OK + b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n", *chunks, b"0\r\n\r\n")
    assert strava.get_activity(ACCESS, 7).private_note == "x" * 50_000


def test_silence_ends_with_the_timeout(raw_server: Callable[..., StravaClient]) -> None:
    strava = raw_server(b"", pause_s=1, timeout_s=0.2)
    began = time.monotonic()
    error = failure(lambda: strava.get_activity(ACCESS, 7))
    assert time.monotonic() - began < 0.9
    assert (error.kind, error.status) == (ErrorKind.RETRY, None)
    assert "in time" in error.message


def test_an_answer_that_trickles_ends_too(raw_server: Callable[..., StravaClient]) -> None:
    strava = raw_server(OK + b"Content-Length: 999\r\n\r\n", *([b" "] * 60), pause_s=0.05, timeout_s=0.4)
    began = time.monotonic()
    error = failure(lambda: strava.get_activity(ACCESS, 7))
    assert time.monotonic() - began < 2
    assert "in time" in error.message


def test_an_endless_answer_is_cut(raw_server: Callable[..., StravaClient], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "MAX_ANSWER_BYTES", 100_000)
    strava = raw_server(OK + b"\r\n", b" " * 50_000, b" " * 50_000, b" " * 50_000)
    assert "far more" in failure(lambda: strava.get_activity(ACCESS, 7)).message


def test_a_small_answer_that_unpacks_to_an_endless_one_is_cut_too(
    raw_server: Callable[..., StravaClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "MAX_ANSWER_BYTES", 1_000_000)
    bomb = gzip.compress(b" " * 200_000_000, compresslevel=1)
    strava = raw_server(OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb), bomb)
    assert "far more" in failure(lambda: strava.get_activity(ACCESS, 7)).message


def test_nobody_there_is_worth_a_retry_and_shows_no_secret(counting: CountingBudget) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    strava = StravaClient(
        client_id="4711", client_secret=SECRET, api_url=address, oauth_url=address, budget=counting, now=lambda: NOON
    )
    # requests' own error has the whole address in it, and this call's address has the secret in it.
    assert failure(strava.list_subscriptions).kind is ErrorKind.RETRY
    assert counting.learned == [({}, 0)]


@pytest.mark.parametrize("address", ["", "strava", "ftp://strava", "http://"])
def test_an_address_that_is_none_is_a_matter_of_settings(counting: CountingBudget, address: str) -> None:
    strava = StravaClient(
        client_id="4711", client_secret=SECRET, api_url=address, oauth_url=address, budget=counting, now=lambda: NOON
    )
    assert failure(lambda: strava.get_activity(ACCESS, 7)).kind is ErrorKind.MISCONFIGURED


# --- what stays out -------------------------------------------------------------------------------------------------


def test_a_cookie_of_one_athletes_answer_does_not_go_out_with_anothers_call(
    strava: StravaClient, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/api/v3/activities/7").respond_with_json(RUN, headers={"Set-Cookie": "s=1; Path=/"})
    strava.get_activity(ACCESS, 7)
    strava.get_activity("of-another", 7)
    assert all("Cookie" not in request.headers for request, _ in httpserver.log)


def test_a_netrc_does_not_take_the_tokens_place(
    strava: StravaClient, httpserver: HTTPServer, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text(f"machine {httpserver.host} login someone password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    httpserver.expect_request("/api/v3/activities/7").respond_with_json(RUN)
    strava.get_activity(ACCESS, 7)
    assert only_request(httpserver).headers["Authorization"] == f"Bearer {ACCESS}"


def test_a_redirect_is_not_followed_with_the_token(strava: StravaClient, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/api/v3/activities/7").respond_with_data(
        "", 302, headers={"Location": httpserver.url_for("/elsewhere")}
    )
    failure(lambda: strava.get_activity(ACCESS, 7))
    assert len(httpserver.log) == 1


def test_stravalib_does_not_renew_tokens_behind_our_back(
    strava: StravaClient, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("STRAVA_CLIENT_ID", "4711")
    monkeypatch.setenv("STRAVA_CLIENT_SECRET", SECRET)
    httpserver.expect_request("/api/v3/activities/7").respond_with_json(RUN)
    with caplog.at_level(logging.INFO):
        strava.get_activity(ACCESS, 7)
    assert [request.path for request, _ in httpserver.log] == ["/api/v3/activities/7"]
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_no_log_line_at_any_level_holds_a_secret(
    strava: StravaClient, httpserver: HTTPServer, caplog: pytest.LogCaptureFixture
) -> None:
    httpserver.expect_request("/api/v3/push_subscriptions").respond_with_json([])
    httpserver.expect_request("/oauth/token").respond_with_json(TOKENS)
    httpserver.expect_request("/api/v3/activities/7").respond_with_json(RUN)
    with caplog.at_level(logging.DEBUG):
        strava.list_subscriptions()
        strava.get_activity(strava.refresh("old-one").access_token, 7)
    # The test's own server logs the address that it was called at.
    ours = "\n".join(record.getMessage() for record in caplog.records if record.name != "werkzeug")
    assert "push_subscriptions?client_id=4711&client_secret=…" in ours
    assert not any(secret in ours for secret in (SECRET, ACCESS, REFRESH, "old-one"))


def test_one_connection_serves_many_calls_of_many_clients(counting: CountingBudget) -> None:
    connections: set[tuple[str, int]] = set()
    packed = gzip.compress(json.dumps(RUN).encode())

    class KeepsAlive(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            connections.add(self.client_address)
            self.send_response(200)
            self.send_header("Content-Encoding", "gzip")
            chunked = "odd" in self.headers["Authorization"]
            self.send_header("Transfer-Encoding", "chunked") if chunked else self.send_header(
                "Content-Length", str(len(packed))
            )
            self.end_headers()
            self.wfile.write(b"%x\r\n%b\r\n0\r\n\r\n" % (len(packed), packed) if chunked else packed)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), KeepsAlive)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    address = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        for call in range(6):
            StravaClient(
                client_id="1", client_secret="s", api_url=address, oauth_url=address, budget=counting, now=lambda: NOON
            ).get_activity("odd" if call % 2 else "even", 7)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert len(connections) == 1


def test_a_forked_child_uses_a_connection_of_its_own(strava: StravaClient) -> None:
    mine = id(strava._session())
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write_end, b"own" if id(strava._session()) != mine else b"shared")
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(read_end, 10) == b"own"


def test_stravalib_is_loaded_by_the_first_call_only_and_changes_nothing_of_the_process() -> None:
    code = """
import logging, sys, warnings
from datetime import UTC, datetime
from adductor.platforms.strava.client import StravaClient, _stravalib_client
strava = StravaClient(client_id="1", client_secret="s", api_url="http://127.0.0.1:9", oauth_url="http://127.0.0.1:9",
                      budget=None, now=lambda: datetime.now(UTC))
strava.authorize_url(redirect_uri="x", state="y")
assert "stravalib" not in sys.modules
before = (list(warnings.filters), warnings.showwarning, list(logging.getLogger().handlers))
_stravalib_client()(rate_limit_requests=False)
assert "stravalib" in sys.modules
assert before == (list(warnings.filters), warnings.showwarning, list(logging.getLogger().handlers))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
