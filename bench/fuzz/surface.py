"""schemathesis against docs/openapi.yaml: every operation, as described and as forbidden, signed in and not.

Every other signed-in request carries values that open something: a link, a suggestion, a form's token.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any

import schemathesis
import yaml
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from bench.fuzz.inputs import DESCRIPTION
from bench.fuzz.site import Browser, Site, check_all

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

# Answers 503 while there is no broker, which is true of this site.
_MAY_BE_DOWN = "/readyz"
_CHECKS: tuple[Any, ...] = (
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
)


def check_surface(here: Site, *, examples: int, seed: int) -> tuple[int, Counter[int]]:
    """Ask each operation ``examples`` times in each of up to four ways. Raises what schemathesis finds.

    Returns the number of operations, and how many answers had each status.
    """
    operations, statuses = 0, Counter[int]()
    schema = schemathesis.openapi.from_dict(yaml.safe_load(DESCRIPTION.read_text(encoding="utf-8")))

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ["REMOTE_ADDR"] = "127.0.0.1"  # not counted against the limits for visitors
        return here.app.wsgi_app(environ, start_response)

    schema.app = app
    for result in schema.get_all_operations():
        operation: Any = result.ok()  # type: ignore[union-attr]  # raises for a wrong description
        operations += 1
        # Only a query or a body has values that the description forbids; every text may stand in a path.
        forbidden = [GenerationMode.NEGATIVE] if list(operation.query) or list(operation.body) else []
        for mode in (GenerationMode.POSITIVE, *forbidden):
            for browser in (None, here.sign_in()):
                ask = partial(_ask, browser, count(), statuses)
                with suppress(Unsatisfiable):  # no parameters and no body: there is nothing to get wrong
                    check_all(operation.as_strategy(generation_mode=mode), ask, examples=examples, seed=seed)
    return operations, statuses


def _ask(browser: Browser | None, turn: Iterator[int], statuses: Counter[int], case: Case[Any]) -> None:
    """One request, as a visitor or signed in."""
    path = case.operation.path
    if browser is not None and next(turn) % 2:
        case.path_parameters.update(browser.opens(path))
        if isinstance(case.body, dict) and case.media_type == "application/x-www-form-urlencoded":
            case.body["csrf_token"] = browser.csrf_token
    response = case.call(headers={"Cookie": browser.cookie} if browser is not None else None)
    statuses[response.status_code] += 1
    case.validate_response(response, checks=[*_CHECKS, *([] if path == _MAY_BE_DOWN else [not_a_server_error])])
