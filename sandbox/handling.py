"""A call of the application while it is handled, by either company: admission, faults, the view, error bodies, the log."""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flask import Response, g, jsonify, request

from sandbox.base import BaseWorld, real_ms_since
from sandbox.faults import Fault


class ApiError(Exception):
    """An error answer of a company."""

    @abstractmethod
    def answer(self) -> Response:
        """The answer as the company gives it."""


@dataclass
class Handling:
    """`error_body`: the company's for a status. Admission fills in `caller_id`, `over_limit`, `headers` of the answer."""

    here: BaseWorld
    endpoint: str
    object_id: int | str | None
    error_body: Callable[[int], Any]
    caller_id: int | str | None = None
    over_limit: bool = False
    headers: dict[str, str] = field(default_factory=dict)
    hits: list[Fault] = field(default_factory=list)

    def run(
        self, admit: Callable[[Handling], None], view: Callable[[], Any], meddle: Callable[[Fault], None]
    ) -> Response:
        """Answer the call. `meddle` makes the edit of a fault right after a good answer was made."""
        arrived, start = time.time(), time.perf_counter()
        status: int | None = None
        try:
            try:
                admit(self)
                self.hits = self.here.faults.hit(self.endpoint, self.caller_id, self.object_id)
                answer = self._happen("before")
                if answer is None:
                    answer = finished(view())
                    for fault in self.hits:
                        if fault.edit is not None and answer.status_code == 200:
                            meddle(fault)
                    answer = self._happen("after") or answer
            except ApiError as error:
                answer = error.answer()
            status = None if answer.status_code == 499 else answer.status_code
            if status != 401:  # which carries no limits
                answer.headers.update(self.headers)
            return answer
        finally:
            self.here.log_call(
                at=self.here.clock.now(), real_s=arrived, endpoint=self.endpoint, method=request.method,
                path=request.path, status=status, ms=real_ms_since(start), activity_id=self.object_id,
                runner_id=self.caller_id or g.get("runner_id"), over_limit=self.over_limit,
                faults=[fault.id for fault in self.hits], fields=_fields_sent(),
            )  # fmt: skip

    def _happen(self, when: str) -> Response | None:
        """Apply the faults; returns the answer of a fault that replaces the usual one."""
        answer: Response | None = None
        for fault in (fault for fault in self.hits if fault.when == when):
            if fault.delay_ms:
                time.sleep(fault.delay_ms / 1000)
            if fault.drop:
                _drop_connection()
                return Response(status=499)
            if fault.html is not None or fault.body is not None:
                kind = "application/json" if fault.html is None else "text/html"
                answer = Response(fault.html or fault.body, fault.status, mimetype=kind)
            elif fault.status is not None:
                answer = as_json(self.error_body(fault.status), fault.status)
        return answer


def _drop_connection() -> None:
    """Reset the client's connection instead of an answer."""
    sock = request.environ.get("werkzeug.socket")
    if sock is None:
        raise ConnectionAbortedError("the sandbox dropped this call on purpose")
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.shutdown(socket.SHUT_RDWR)


def _fields_sent() -> list[str]:
    """The names of the fields of a form or a JSON body, for the log."""
    body = request.get_json(silent=True) if request.is_json else None
    rows = body if isinstance(body, list) else [body]
    return sorted({*request.form, *(str(name) for row in rows if isinstance(row, dict) for name in row)})


def as_json(body: Any, status: int) -> Response:
    answer = jsonify(body)
    answer.status_code = status
    return answer


def finished(result: Any) -> Response:
    """The answer of a view that returned JSON, or (JSON, status), or a finished Response."""
    if isinstance(result, Response):
        return result
    body, status = result if isinstance(result, tuple) else (result, 200)
    return as_json(body, status)
