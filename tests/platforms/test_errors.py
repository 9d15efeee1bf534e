"""Which kind each answer of Strava's is: status x body, for a call with an athlete's token and for the application's."""

from __future__ import annotations

import json
from typing import Any

import pytest

from adductor.platforms.base import ErrorKind, PlatformError
from adductor.platforms.strava.errors import failure_of
from tests.platforms.conftest import SECRET, fault

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
