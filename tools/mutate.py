"""Does a test notice? `python -m tools.mutate` changes every constant of the coach and drops every rule, one at a time.

Each change is made in a forked process, in memory, and the tests of the coach run there until the first failure. Prints
the changes that no test noticed; exits 1 when there are any.
"""

from __future__ import annotations

import contextlib
import io
import math
import os
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from types import ModuleType
from typing import Any, NamedTuple

import pytest
from _pytest.main import pytest_runtestloop as run_tests

from adductor.catalogue import models
from adductor.coaching import constants, dose, progression, rules

FAST = [f"tests/coaching/test_{name}.py" for name in ("cases", "routine", "progression", "forecast")] + [
    "tests/catalogue",
    "tests/scenario",
]
# The package shows functions under the names of these modules.
DECIDE = import_module("adductor.coaching.decide")
WEEK = import_module("adductor.coaching.week")


class Change(NamedTuple):
    """One change: what it is called, and what makes it."""

    name: str
    make: Callable[[], None]


def variants(value: Any) -> Iterator[tuple[str, Any]]:
    """Values close to this one: numbers a little off, collections with one member missing or changed."""
    if isinstance(value, bool) or (isinstance(value, float) and math.isinf(value)):
        return
    if isinstance(value, int):
        yield f"{value + 1}", value + 1
        yield f"{value - 1}", value - 1
    elif isinstance(value, float):
        yield f"{value * 1.2:g}", value * 1.2
        yield f"{value * 0.8:g}", value * 0.8
    elif isinstance(value, frozenset):
        for member in sorted(value, key=str):
            yield f"without {member}", value - {member}
    elif isinstance(value, dict):
        for key, member in value.items():
            yield f"without {key}", {k: v for k, v in value.items() if k != key}
            for name, other in variants(member):
                yield f"{key}: {name}", value | {key: other}
    elif isinstance(value, tuple):
        for index, member in enumerate(value):
            for name, other in variants(member):
                yield f"[{index}] {name}", (*value[:index], other, *value[index + 1 :])


def _set(module: ModuleType, name: str, value: Any) -> Callable[[], None]:
    return lambda: setattr(module, name, value)


def changes() -> Iterator[Change]:
    """Every change that a test should notice."""
    for module in (constants, models, WEEK, progression):
        for name, value in vars(module).items():
            if name.isupper() and not name.startswith("_"):
                for variant, changed in variants(value):
                    yield Change(f"{name} {variant}", _set(module, name, changed))
    for rule in rules.RULES:
        left = tuple(other for other in rules.RULES if other is not rule)
        yield Change(f"without the rule {rule.name}", _set(DECIDE, "RULES", left))
    for reason in dose.LIGHT_WHEN:
        kept = tuple(other for other in dose.LIGHT_WHEN if other is not reason)
        yield Change(f"without the reason {reason.__name__}", _set(dose, "LIGHT_WHEN", kept))


class Mutating:
    """A pytest plugin: the tests are collected once and run anew for every change, each time in a forked process."""

    def __init__(self) -> None:
        self.total = 0
        self.unnoticed: list[str] = []
        self.problem = ""

    def noticed(self, session: pytest.Session, change: Change | None) -> bool:
        """Whether a test fails with this change."""
        sys.stdout.flush()
        child = os.fork()
        if child:
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        if change is not None:
            change.make()
        # The first failure says enough.
        session.config.option.maxfail = 1
        try:
            run_tests(session)
        finally:
            os._exit(1 if session.testsfailed else 0)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Make every change; in place of running the tests once."""
        if session.testsfailed or self.noticed(session, None):
            self.problem = "the tests fail without any change"
            return True
        for change in changes():
            self.total += 1
            if not self.noticed(session, change):
                self.unnoticed.append(change.name)
        return True


def main() -> int:
    """Make every change, count what was noticed."""
    mutating = Mutating()
    with contextlib.redirect_stdout(io.StringIO()) as said:
        pytest.main(["-q", "-p", "no:cacheprovider", *FAST], plugins=[mutating])
    if mutating.problem or not mutating.total:
        print(mutating.problem or said.getvalue())
        return 1
    for name in mutating.unnoticed:
        print(f"not noticed: {name}")
    print(f"{mutating.total - len(mutating.unnoticed)} of {mutating.total} changes noticed")
    return 1 if mutating.unnoticed else 0


if __name__ == "__main__":
    sys.exit(main())
