"""Shared by the admin API: access control, body parsing, error answers."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any, TypeVar

from flask import Blueprint, Response, jsonify, request
from pydantic import BaseModel, ValidationError

from sandbox.activities import problems_of
from sandbox.base import UnknownError

blueprint = Blueprint("admin", __name__, url_prefix="/admin")

B = TypeVar("B", bound=BaseModel)


class RefusedError(ValueError):
    """The request is invalid; each line of `problems` names a field and its fault."""

    def __init__(self, *problems: str) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def guard(blueprint: Blueprint) -> None:
    """Let only this machine in, and answer errors as JSON."""
    blueprint.before_request(_only_from_here)
    blueprint.register_error_handler(RefusedError, lambda error: problem(400, *error.problems))
    blueprint.register_error_handler(UnknownError, lambda error: problem(404, str(error)))


def _only_from_here() -> Response | None:
    address = ipaddress.ip_address(request.remote_addr or "0.0.0.0")  # noqa: S104 - "unknown", not a bind
    mapped = getattr(address, "ipv4_mapped", None)
    if not (mapped or address).is_loopback:
        return problem(403, "the admin API answers only to this machine (loopback)")
    return None


def problem(status: int, *problems: str) -> Response:
    answer = jsonify({"problems": list(problems)})
    answer.status_code = status
    return answer


guard(blueprint)


def body(model: type[B]) -> B:
    """The JSON body as that model; an empty body counts as `{}`."""
    raw: Any = {}
    if request.get_data(cache=True):
        raw = json_object()
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        raise RefusedError(*problems_of(error)) from None


def json_object(what: str = "") -> dict[str, Any]:
    """The JSON body as it is. Raises `RefusedError` when it is no object."""
    raw = request.get_json(silent=True, force=True)
    if not isinstance(raw, dict):
        raise RefusedError(f"the body has to be a JSON object{what}")
    return raw


def query(name: str, convert: Callable[[str], Any], default: Any = None) -> Any:
    text = request.args.get(name)
    if text is None:
        return default
    try:
        return convert(text)
    except ValueError:
        raise RefusedError(f"{name}: {text!r} is no {convert.__name__}") from None
