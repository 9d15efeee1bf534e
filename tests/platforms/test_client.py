"""The client's calls: what goes over the wire, what comes back, and which kind each failure is."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import Mock
from urllib.parse import parse_qs, urlsplit

import pytest
from pytest_httpserver import HTTPServer

from adductor.platforms.base import (
    Caller,
    ErrorKind,
    Grant,
    PlatformError,
    Priority,
    SubscribesByApi,
    Subscription,
    Tokens,
)
from adductor.platforms.strava.client import Client as StravaClient
from adductor.platforms.strava.errors import failure_of
from tests.platforms.conftest import (
    ACCESS,
    ATHLETE,
    MINE,
    NOON,
    REFRESH,
    RUN,
    SECRET,
    TOKENS,
    failure,
    fault,
    only_request,
    usage,
)

APPLICATION = {"client_id": "4711", "client_secret": SECRET}
ODD_BODIES = ("<html>maintenance</html>", "", "[]", "null", "[" * 100_000, b"\xff\xfe\x00")
PAIR = Tokens(ACCESS, REFRESH, datetime(2026, 11, 22, 18, 5, tzinfo=UTC))


def test_authorize_url_asks_for_all_scopes(strava: StravaClient, httpserver: HTTPServer) -> None:
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
    assert isinstance(strava, SubscribesByApi)


@pytest.mark.parametrize(
    ("athlete", "name", "units"),
    [
        (ATHLETE, "Ada Runner", "imperial"),
        ({"id": 3, "firstname": "Ada\0", "lastname": None}, "Ada\ufffd", "metric"),
        (ATHLETE | {"measurement_preference": "meters", "firstname": 5}, "Runner", "metric"),
    ],
)
def test_exchanged_code_is_a_grant_and_a_refresh_the_new_pair(
    strava: StravaClient, httpserver: HTTPServer, counting: Mock, athlete: Any, name: str, units: str
) -> None:
    httpserver.expect_request("/oauth/token", "POST").respond_with_json(TOKENS | {"athlete": athlete})
    expected = Grant(tokens=PAIR, external_id="3", name=name, timezone=None, units=units)
    assert strava.exchange_code("the-code") == expected
    assert not {ACCESS, REFRESH} & set(repr(expected).split("'"))
    assert strava.refresh("old-one") == PAIR
    assert [request.form.to_dict() for request, _ in httpserver.log] == [
        APPLICATION | {"grant_type": "authorization_code", "code": "the-code"},
        APPLICATION | {"grant_type": "refresh_token", "refresh_token": "old-one"},
    ]
    counting.take.assert_not_called()  # OAuth calls aren't the API's


@pytest.mark.parametrize(
    "changes",
    [
        *({"access_token": token} for token in ("", "x" * 4_097)),
        {"refresh_token": None},
        *({"expires_at": at} for at in ("soon", 10**30, True)),
        *({"athlete": athlete} for athlete in ({"id": 0}, None)),
    ],
)
def test_tokens_that_are_unusable_are_worth_a_retry(
    strava: StravaClient, httpserver: HTTPServer, changes: dict[str, Any]
) -> None:
    httpserver.expect_request("/oauth/token", "POST").respond_with_json(TOKENS | {"athlete": ATHLETE} | changes)
    assert failure(lambda: strava.exchange_code("the-code")).kind is ErrorKind.RETRY
    if "athlete" not in changes:
        assert failure(lambda: strava.refresh("old-one")).kind is ErrorKind.RETRY


def test_revoked_token_goes_out_with_the_applications_credentials(strava: StravaClient, httpserver: HTTPServer) -> None:
    httpserver.expect_oneshot_request("/oauth/revoke", "POST").respond_with_data("", 200)
    strava.revoke(REFRESH)
    request = only_request(httpserver)
    assert request.form.to_dict() == {"token": REFRESH}
    assert request.authorization is not None
    assert (request.authorization.username, request.authorization.password) == ("4711", SECRET)


# --- the log --------------------------------------------------------------------------------------------------------


def test_read_sends_the_token_in_the_header_only_and_reports_to_the_budget(
    strava: StravaClient, httpserver: HTTPServer, counting: Mock
) -> None:
    figures = usage((4, 40), (3, 30))
    httpserver.expect_oneshot_request("/api/v3/activities/7", "GET").respond_with_json(RUN, headers=figures)
    assert strava.get_activity(Caller(ACCESS, Priority.RETRY, "strava:3"), "strava:7").description == ""
    request = only_request(httpserver)
    assert request.headers["Authorization"] == f"Bearer {ACCESS}"
    assert ACCESS not in request.url
    counting.take.assert_called_once_with(Priority.RETRY, "strava:3")
    ((headers, status), _) = counting.learn.call_args
    assert (status, headers["X-ReadRateLimit-Usage"]) == (200, "3,30")


def test_write_sends_json_with_only_the_field_that_is_given(strava: StravaClient, httpserver: HTTPServer) -> None:
    note = "mine\r\nours \U0001f9b5 %s {id}"
    httpserver.expect_request("/api/v3/activities/7", "PUT").respond_with_json(RUN | {"private_note": note})
    assert strava.update_activity(MINE, "strava:7", "private_note", note).private_note == note
    strava.update_activity(MINE, "strava:7", "description", "")
    assert [request.get_json() for request, _ in httpserver.log] == [{"private_note": note}, {"description": ""}]
    assert not any(request.args for request, _ in httpserver.log)


def test_list_of_a_fortnight_is_one_call_and_a_broken_entry_is_left_out(
    strava: StravaClient, httpserver: HTTPServer, counting: Mock, caplog: pytest.LogCaptureFixture
) -> None:
    day = datetime(2026, 11, 1, tzinfo=UTC)
    runs = [RUN | {"id": number, "start_date": (day + timedelta(minutes=number)).isoformat()} for number in (1, 3, 2)]
    listed = [*runs, None, {"name": "x"}]
    httpserver.expect_request("/api/v3/athlete/activities", "GET").respond_with_json(listed)
    after = NOON - timedelta(days=14)
    activities = strava.list_activities(Caller(ACCESS, Priority.HISTORY), after=after)
    assert [(activity.id, activity.description) for activity in activities] == [
        (f"strava:{number}", None) for number in (3, 2, 1)
    ]
    assert caplog.text.count("left out") == 2
    for future in (NOON, NOON + timedelta(days=1)):  # Strava would answer 400
        assert strava.list_activities(MINE, after=future) == []
    expected = {"after": str(int(after.timestamp())), "per_page": "200"}
    assert only_request(httpserver).args.to_dict() == expected
    counting.take.assert_called_once_with(Priority.HISTORY, None)


def test_subscription_calls_send_the_secret_in_the_body_where_strava_allows_it(
    strava: StravaClient, httpserver: HTTPServer
) -> None:
    path = "/api/v3/push_subscriptions"
    httpserver.expect_request(path, "POST").respond_with_json({"id": 12}, 201)
    httpserver.expect_request(path, "GET").respond_with_json([{"id": 12, "callback_url": "https://x/y"}])
    httpserver.expect_oneshot_request(f"{path}/12", "DELETE").respond_with_data("", 204)
    httpserver.expect_request(f"{path}/12", "DELETE").respond_with_data("{}", 404)  # deleted already
    assert strava.create_subscription("https://x/y", "verify") == 12
    assert strava.list_subscriptions() == [Subscription(12, "https://x/y")]
    for _ in range(2):
        strava.delete_subscription(12)
    created, listed, deleted, _ = (request for request, _ in httpserver.log)
    assert created.form.to_dict() == APPLICATION | {"callback_url": "https://x/y", "verify_token": "verify"}
    assert listed.args.to_dict() == deleted.form.to_dict() == APPLICATION
    assert not any(request.args or "Authorization" in request.headers for request in (created, deleted))


# --- errors by kind -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "kind", "of_refresh"),
    [
        (401, fault("", ("Athlete", "access_token", "invalid")), ErrorKind.UNAUTHORIZED, ErrorKind.MISCONFIGURED),
        (400, fault("", ("RefreshToken", "refresh_token", "invalid")), ErrorKind.UNEXPECTED, ErrorKind.REVOKED),
        (403, fault("Forbidden"), ErrorKind.UNEXPECTED, ErrorKind.UNEXPECTED),
        (301, "", ErrorKind.MISCONFIGURED, ErrorKind.MISCONFIGURED),
        *((200, body, ErrorKind.RETRY, ErrorKind.RETRY) for body in (*ODD_BODIES, RUN | {"id": 8})),
        *((status, "", ErrorKind.RETRY, ErrorKind.RETRY) for status in (204, 302, 500)),
    ],
)
def test_call_fails_by_kind_is_counted_and_follows_no_redirect(
    strava: StravaClient,
    httpserver: HTTPServer,
    counting: Mock,
    status: int,
    body: Any,
    kind: ErrorKind,
    of_refresh: ErrorKind,
) -> None:
    text, elsewhere = body if isinstance(body, str | bytes) else json.dumps(body), {"Location": httpserver.url_for("/")}
    for path in ("/api/v3/activities/7", "/oauth/token"):
        httpserver.expect_request(path).respond_with_data(text, status, elsewhere, content_type="application/json")
    assert failure(lambda: strava.get_activity(MINE, "strava:7")).kind is kind
    assert failure(lambda: strava.update_activity(MINE, "strava:7", "private_note", "x")).kind is kind
    assert [told.args[1] for told in counting.learn.call_args_list] == [status, status]
    assert failure(lambda: strava.refresh(REFRESH)).kind is of_refresh
    assert len(httpserver.log) == 3


@pytest.mark.parametrize(("used", "returns"), [((101, 300), "2026-11-22T12:15"), ((3, 1_001), "2026-11-23T00:0")])
def test_429_says_when_the_spent_window_opens_again(
    strava: StravaClient, httpserver: HTTPServer, used: tuple[int, int], returns: str
) -> None:
    httpserver.expect_request("/api/v3/activities/7").respond_with_json({}, 429, headers=usage(used))
    error = failure(lambda: strava.get_activity(Caller(ACCESS, Priority.CONNECT), "strava:7"))
    assert error.retry_at is not None
    assert error.retry_at.isoformat().startswith(returns)


def test_call_without_budget_is_not_made(strava: StravaClient, httpserver: HTTPServer, counting: Mock) -> None:
    counting.take.side_effect = PlatformError(ErrorKind.RATE_LIMITED, "Wait.", retry_at=NOON)
    assert failure(lambda: strava.get_activity(MINE, "strava:7")).kind is ErrorKind.RATE_LIMITED
    assert httpserver.log == []
    counting.learn.assert_not_called()


# --- which kind each answer is: status x body, for a call with an athlete's token and for the application's ------------

INACTIVE = fault("Forbidden", ("Application", "Status", "Inactive"))
CAP = fault("Limit of connected athletes exceeded")
RATE = fault("Rate Limit Exceeded", ("Application", "rate limit", "exceeded"))
BAD_BEARER = fault("Authorization Error", ("Athlete", "access_token", "invalid"))
OTHER = fault("Bad Request", ("Activity", "description", "invalid"))
WITHOUT_CODES = [{"message": "no", "errors": []}, {"message": "no", "errors": None}, {}, ""]
PAGE = "<html>someone's proxy</html>"

KNOWN = {401, 404, 408, 425}
R, U = ErrorKind.RETRY, ErrorKind.UNEXPECTED
# status, body, kind for a call with an athlete's token, kind for a call of the application (OAuth, subscription)
TABLE: list[tuple[int, Any, ErrorKind, ErrorKind]] = [
    *((401, body, ErrorKind.UNAUTHORIZED, ErrorKind.MISCONFIGURED) for body in (BAD_BEARER, *WITHOUT_CODES)),
    *(
        (401, fault("", ("AccessToken", f"activity:{what}_permission", "missing")), *[ErrorKind.SCOPE_MISSING] * 2)
        for what in ("write", "read")
    ),
    (401, PAGE, R, R),
    # Only a refused refresh ends a connection.
    (400, fault("Bad Request", ("RefreshToken", "refresh_token", "invalid")), U, ErrorKind.REVOKED),
    (400, fault("", ("Application", "client_id", "invalid")), ErrorKind.MISCONFIGURED, ErrorKind.MISCONFIGURED),
    (400, fault("", ("AuthorizationCode", "code", "invalid")), ErrorKind.REFUSED, ErrorKind.REFUSED),
    (400, fault("", ("PushSubscription", "callback url", "not verifiable")), ErrorKind.REFUSED, ErrorKind.REFUSED),
    (400, fault("", ("PushSubscription", "", "already exists")), ErrorKind.REFUSED, ErrorKind.REFUSED),
    (403, INACTIVE, ErrorKind.INACTIVE, ErrorKind.INACTIVE),
    (403, INACTIVE | {"errors": INACTIVE["errors"][0]}, ErrorKind.INACTIVE, ErrorKind.INACTIVE),
    (403, CAP, ErrorKind.CAP, ErrorKind.CAP),
    (403, f"<h1>Error 403: {CAP['message']}</h1>", ErrorKind.CAP, ErrorKind.CAP),
    *(
        (404, body, ErrorKind.NOT_FOUND, ErrorKind.MISCONFIGURED)
        for body in (fault("Record Not Found"), *WITHOUT_CODES)
    ),
    (404, PAGE, R, R),
    *((429, body, ErrorKind.RATE_LIMITED, ErrorKind.RATE_LIMITED) for body in (RATE, *WITHOUT_CODES, PAGE)),
    *((status, "", ErrorKind.MISCONFIGURED, ErrorKind.MISCONFIGURED) for status in (301, 308)),
    # A 4xx that isn't known to be final is retried, then dead-lettered.
    *((status, body, U, U) for status in {*range(400, 429), 451} - KNOWN for body in (OTHER, *WITHOUT_CODES)),
    *((status, PAGE, R, R) for status in (400, 403, 410, 422)),
    *(
        (status, body, R, R)
        for status in (302, 307, 408, 425, 500, 502, 503, 504, 520, 599)
        for body in (OTHER, "", PAGE)
    ),
]


def error_for(status: int, body: bytes, *, by_token: bool = True) -> PlatformError:
    return failure_of(status, body, doing="reading an activity", by_token=by_token)


@pytest.mark.parametrize(("status", "body", "by_athlete", "by_application"), TABLE)
def test_answer_has_a_kind(status: int, body: Any, by_athlete: ErrorKind, by_application: ErrorKind) -> None:
    content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    for by_token, kind in ((True, by_athlete), (False, by_application)):
        error = error_for(status, content, by_token=by_token)
        assert (error.kind, error.status) == (kind, status)
        assert error.message.endswith(".")
        assert "<" not in error.message


@pytest.mark.parametrize("body", [b"[]", b"null", b"\xff\xfe\x00", b"[" * 100_000, b" \n"])
def test_odd_body_is_no_proof_of_anything(body: bytes) -> None:
    kind = error_for(401, body, by_token=True).kind
    assert kind is (ErrorKind.RETRY if body.strip() else ErrorKind.UNAUTHORIZED)


def test_echo_of_a_secret_is_not_repeated() -> None:
    echo = fault(f"bad {SECRET}", (f"Token {SECRET} " * 5, f"<b>{SECRET}</b>", "invalid"))
    error = error_for(403, json.dumps(echo).encode(), by_token=True)
    assert error.details == ("?/?/invalid",)
    assert SECRET not in error.message
