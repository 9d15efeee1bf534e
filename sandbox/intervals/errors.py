"""intervals.icu's error bodies: its own JSON, Spring's JSON, and Cloudflare's HTML in front of it."""

from __future__ import annotations

from typing import Any

from flask import Response

from sandbox.handling import ApiError, as_json

CHALLENGE = "<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>Checking your browser</body></html>"


class IntervalsError(ApiError):
    """An error answer. `body`: JSON, or HTML as text, or None for an empty body."""

    def __init__(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        super().__init__(str(body))
        self.status = status
        self.body = body
        self.headers = headers or {}

    def answer(self) -> Response:
        if self.body is None or isinstance(self.body, str):
            return Response(self.body or b"", self.status, self.headers)
        answer = as_json(self.body, self.status)
        answer.headers.update(self.headers)
        return answer


def own(status: int, error: str) -> IntervalsError:
    return IntervalsError(status, {"status": status, "error": error})


def spring(status: int, error: str, path: str, timestamp: str) -> IntervalsError:
    path = path.removeprefix("/intervals")
    return IntervalsError(status, {"timestamp": timestamp, "status": status, "error": error, "path": path})


def challenge() -> IntervalsError:
    headers = {"cf-mitigated": "challenge", "Content-Type": "text/html; charset=UTF-8"}
    return IntervalsError(403, CHALLENGE, headers)


def access_denied(status: int = 403) -> IntervalsError:
    return own(status, "Access denied" if status == 403 else "Unauthorized")


def no_date_time(text: str, status: int = 422) -> IntervalsError:
    where = f"Text '{text}' could not be parsed at index {min(len(text), 10)}"
    return own(status, f"java.time.format.DateTimeParseException: {where}")


def json_parse_error(why: str) -> IntervalsError:
    return own(400, f"JSON parse error: {why}")
