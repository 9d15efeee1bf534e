"""A database that is away ends a round in one log line, at most one in 30 s; the next round tries again."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from celery import Task
from sqlalchemy import exc

from adductor import logs
from adductor.store import words_of

log = logs.get(__name__)

LOG_EVERY_S = 30.0
_logged_at = -math.inf


@contextmanager
def tolerated() -> Iterator[None]:
    """Swallow the errors of a database that is away, busy or read-only; others are faults of ours and go on."""
    global _logged_at
    try:
        yield
    except (exc.OperationalError, exc.InterfaceError, exc.TimeoutError) as error:
        if time.monotonic() - _logged_at > LOG_EVERY_S:
            _logged_at = time.monotonic()
            log.warning("database away", problem=words_of(error))


class Round(Task):
    """A task that outlives an outage of the database."""

    abstract = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with tolerated():
            return super().__call__(*args, **kwargs)
