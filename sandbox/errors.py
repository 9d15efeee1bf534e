"""Strava's error bodies, word for word as its documentation and users' logs show them."""

from __future__ import annotations

from flask import Response

from sandbox.handling import ApiError, as_json


class StravaError(ApiError):
    """An error answer in Strava's Fault format: a message and a list of (resource, field, code)."""

    def __init__(self, status: int, message: str, *errors: tuple[str, str, str]) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = errors

    def answer(self) -> Response:
        errors = [{"resource": r, "field": f, "code": c} for r, f, c in self.errors]
        return as_json({"message": self.message, "errors": errors}, self.status)


def bad_request(resource: str, field: str, code: str = "invalid") -> StravaError:
    return StravaError(400, "Bad Request", (resource, field, code))


def unauthorized(resource: str, field: str, code: str = "invalid") -> StravaError:
    return StravaError(401, "Authorization Error", (resource, field, code))


def scope_missing(permission: str) -> StravaError:
    """401, not 403: a refresh does not help, and an adapter has to tell the two 401s apart."""
    return unauthorized("AccessToken", permission, "missing")


def not_found(resource: str) -> StravaError:
    return StravaError(404, "Record Not Found", (resource, "id", "not found"))


def inactive() -> StravaError:
    return StravaError(403, "Forbidden", ("Application", "Status", "Inactive"))


def rate_limited() -> StravaError:
    return StravaError(429, "Rate Limit Exceeded", ("Application", "rate limit", "exceeded"))
