"""The client's calls: what goes over the wire, what comes back, and what each failure is called."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pytest_httpserver import HTTPServer

from adductor.platforms.base import (
    ErrorKind,
    Platform,
    PlatformError,
    Priority,
    SubscribesByApi,
    Subscription,
    Tokens,
)
from adductor.platforms.strava.client import StravaClient
from tests.platforms.conftest import CountingBudget
from tests.platforms.racing import NOON, usage
from tests.platforms.wire import (
    ACCESS,
    ATHLETE,
    REFRESH,
    RUN,
    SECRET,
    TOKENS,
    answer,
    failure,
    fault,
    only_request,
)

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


def test_every_platform_says_what_it_can(strava: StravaClient) -> None:
    platform: Platform = strava
    assert (platform.name, platform.label) == ("strava", "Strava")
    assert platform.write_scope in platform.required_scopes
    assert platform.capabilities.private_note
    assert not platform.capabilities.calendar
    assert isinstance(platform, SubscribesByApi)


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


@pytest.mark.parametrize(
    ("status", "profile", "units"),
    [(200, ATHLETE, "imperial"), (200, {}, "metric"), (200, [], "metric"), (503, {}, "metric")],
)
def test_units_are_asked_for_once_and_lose_no_grant(
    strava: StravaClient, httpserver: HTTPServer, counting: CountingBudget, status: int, profile: Any, units: str
) -> None:
    short = {"id": 3, "firstname": "Ada", "lastname": None}
    httpserver.expect_ordered_request("/oauth/token").respond_with_json(TOKENS | {"athlete": short})
    httpserver.expect_ordered_request(
        "/api/v3/athlete", headers={"Authorization": f"Bearer {ACCESS}"}
    ).respond_with_json(profile, status)
    grant = strava.exchange_code("c")
    assert (grant.name, grant.units) == ("Ada", units)
    assert counting.taken == [Priority.CONNECT]


@pytest.mark.parametrize(
    ("changes", "usable"),
    [
        ({}, True),
        ({"access_token": ""}, False),
        ({"access_token": "x" * 4_097}, False),
        ({"refresh_token": None}, False),
        ({"expires_at": "soon"}, False),
        ({"expires_at": 10**30}, False),
        ({"expires_at": True}, False),
    ],
)
def test_refresh_returns_the_new_pair_or_is_worth_a_retry(
    strava: StravaClient, httpserver: HTTPServer, changes: dict[str, Any], usable: bool
) -> None:
    httpserver.expect_oneshot_request("/oauth/token", "POST").respond_with_json(TOKENS | changes)
    if usable:
        assert strava.refresh("old-one") == Tokens(ACCESS, REFRESH, datetime(2026, 11, 22, 18, 5, tzinfo=UTC))
    else:
        assert failure(lambda: strava.refresh("old-one")).kind is ErrorKind.RETRY
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
    assert strava.get_activity(ACCESS, 7, priority=Priority.RETRY, athlete="strava:3").description == ""
    request = only_request(httpserver)
    assert request.headers["Authorization"] == f"Bearer {ACCESS}"
    assert ACCESS not in request.url
    assert (counting.taken, counting.athletes) == ([Priority.RETRY], ["strava:3"])
    ((headers, status),) = counting.learned
    assert status == 200
    assert {name.lower(): value for name, value in headers.items()}["x-readratelimit-usage"] == "3,30"


def test_a_note_is_written_as_json_and_only_the_field_that_is_given(
    strava: StravaClient, httpserver: HTTPServer
) -> None:
    note = "mine\r\nours \U0001f9b5 %s {id}"
    httpserver.expect_request("/api/v3/activities/7", "PUT").respond_with_json(RUN | {"private_note": note})
    assert strava.update_activity(ACCESS, 7, private_note=note).private_note == note
    request = only_request(httpserver)
    assert request.get_json() == {"private_note": note}
    assert not request.args
    httpserver.clear_log()
    strava.update_activity(ACCESS, 7, description="")  # clears; None leaves alone
    assert only_request(httpserver).get_json() == {"description": ""}


def test_writing_nothing_is_a_mistake_of_the_caller(strava: StravaClient) -> None:
    with pytest.raises(ValueError, match="nothing to write"):
        strava.update_activity(ACCESS, 7)


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
    pages |= dict.fromkeys(range(1, 99), entries(*range(1, 201)))  # without end: it is cut
    assert len(strava.list_activities(ACCESS, after=NOON - timedelta(days=14))) == 200
    assert len(counting.taken) == 3 + 10


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


# --- errors by kind -------------------------------------------------------------------------------------------------

RATE = fault("Rate Limit Exceeded", ("Application", "rate limit", "exceeded"))
DEAD = fault("Bad Request", ("RefreshToken", "refresh_token", "invalid"))


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, fault("Authorization Error", ("Athlete", "access_token", "invalid")), ErrorKind.UNAUTHORIZED),
        (403, fault("Forbidden"), ErrorKind.UNEXPECTED),
        (302, "", ErrorKind.RETRY),
        (301, "", ErrorKind.MISCONFIGURED),
        (200, "<html>maintenance</html>", ErrorKind.RETRY),
        (200, "", ErrorKind.RETRY),
        (200, "[]", ErrorKind.RETRY),
        (200, RUN | {"id": 8}, ErrorKind.RETRY),  # another activity than asked for
        (200, "null", ErrorKind.RETRY),
        (200, "[" * 100_000, ErrorKind.RETRY),
        (200, b"\xff\xfe\x00", ErrorKind.RETRY),
        (204, "", ErrorKind.RETRY),
    ],
)
def test_call_for_an_athlete_fails_by_kind_and_is_counted(
    strava: StravaClient, httpserver: HTTPServer, counting: CountingBudget, status: int, body: Any, kind: ErrorKind
) -> None:
    httpserver.expect_request("/api/v3/activities/7").respond_with_response(answer(status, body))
    assert failure(lambda: strava.get_activity(ACCESS, 7)).kind is kind
    assert failure(lambda: strava.update_activity(ACCESS, 7, private_note="x")).kind is kind
    assert [learned for _, learned in counting.learned] == [status, status]


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, DEAD, ErrorKind.REVOKED),
        (200, [], ErrorKind.RETRY),
        (400, fault("Bad Request"), ErrorKind.UNEXPECTED),
        (401, fault("Authorization Error"), ErrorKind.MISCONFIGURED),
        (500, "", ErrorKind.RETRY),
        (200, "<html>", ErrorKind.RETRY),
    ],
)
def test_call_of_the_application_fails_by_kind(
    strava: StravaClient, httpserver: HTTPServer, status: int, body: Any, kind: ErrorKind
) -> None:
    httpserver.expect_request("/oauth/token").respond_with_response(answer(status, body))
    assert failure(lambda: strava.refresh(REFRESH)).kind is kind


@pytest.mark.parametrize(("used", "returns"), [((101, 300), "2026-11-22T12:15"), ((3, 1_001), "2026-11-23T00:0")])
def test_429_says_when_the_spent_window_opens_again(
    strava: StravaClient, httpserver: HTTPServer, used: tuple[int, int], returns: str
) -> None:
    httpserver.expect_request("/api/v3/activities/7").respond_with_json(RATE, 429, headers=usage(used, used))
    error = failure(lambda: strava.get_activity(ACCESS, 7, priority=Priority.CONNECT))
    assert error.retry_at is not None
    assert error.retry_at.isoformat().startswith(returns)


def test_without_budget_no_call_is_made(strava: StravaClient, httpserver: HTTPServer, counting: CountingBudget) -> None:
    counting.refuse = PlatformError(ErrorKind.RATE_LIMITED, "Wait.", retry_at=NOON)
    assert failure(lambda: strava.get_activity(ACCESS, 7)).kind is ErrorKind.RATE_LIMITED
    assert httpserver.log == []
    assert counting.learned == []
