"""Structured logs: text for people, JSON for machines; one id follows an event from the webhook to the note."""

from __future__ import annotations

import logging
import math
import re
import sys
import time
from typing import Any, Literal

# structlog draws tracebacks with rich where it finds it. Ours are plain, and rich is 6 MB in every process.
_RICH = {} if "rich" in sys.modules else {"rich": None}
sys.modules.update(_RICH)  # type: ignore[arg-type]  # None is Python's way to say that there is no such module
import structlog  # noqa: E402

for _name in _RICH:
    del sys.modules[_name]

# Names whose values never belong in a log.
_SECRET_NAMES = re.compile(r"token|secret|password|authorization|cookie|api_key", re.IGNORECASE)
_TRACE_SAFE = {"token_expires_at"}
# Secrets inside texts, above all inside libraries' messages about an address: signed links and keys in paths, credentials in
# queries and forms, passwords in URLs, authorisation headers.
_SECRETS_IN_TEXTS = (
    (re.compile(r"(/(?:webhooks/\w+|a|unsubscribe|confirm-address|calendar)/)[\w.%=-]{12,}"), r"\1[hidden]"),
    (
        re.compile(
            r"((?:[\w.]*token|[\w.]*secret|password|code|state|hub\.challenge)[\"']?[=:] ?[\"']?)[\w.~%+/=-]{8,}", re.I
        ),
        r"\1[hidden]",
    ),
    (re.compile(r"(\w+://[^\s:/@]*:)[^\s@/]+@"), r"\1[hidden]@"),
    (re.compile(r"\b(Bearer|Basic) [\w.~+/=-]{8,}", re.I), r"\1 [hidden]"),
)
# Their INFO lines repeat what ours say.
_CHATTY = (
    *("urllib3", "stravalib", "alembic"),
    *("celery.worker.strategy", "celery.worker.request", "celery.app.trace", "celery.beat"),
)
# What they say at a start, which a person at a terminal learns from `adductor up`.
_SAID_AT_START = ("celery.apps.worker", "celery.worker.consumer.connection")
# What they do while the broker is away or refuses: hundreds of lines a second.
_LOGS_EVERY_ATTEMPT = ("celery.bootsteps", "celery.worker", "celery.beat", "kombu", "py.warnings")
_ONCE_IN_S = 30.0
_MADE_HERE = frozenset({"timestamp", "level", "part"})
# Line ends and control characters: with them a visitor could write log lines of their own.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def _hide_secrets(_: Any, __: str, entry: structlog.typing.EventDict) -> structlog.typing.EventDict:
    return {name: value if name in _MADE_HERE else _hidden(value, name) for name, value in entry.items()}


def _hidden(value: Any, name: str = "") -> Any:
    if _SECRET_NAMES.search(name) and name not in _TRACE_SAFE:
        return "[hidden]"
    if isinstance(value, str):
        for pattern, instead in _SECRETS_IN_TEXTS:
            value = pattern.sub(instead, value)
        return value
    if isinstance(value, dict):
        return {key: _hidden(entry, str(key)) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_hidden(entry) for entry in value]
    return value


def _spelled(found: re.Match[str]) -> str:
    return found.group().encode("unicode_escape").decode()


class _Throttle(logging.Filter):
    """Rate limiter for libraries that log every failed attempt: one line of a kind in 30 s, without its traceback."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith(_LOGS_EVERY_ATTEMPT):
            return True
        kind, now = (record.name, record.msg), time.monotonic()
        if now - self._last.get(kind, -math.inf) < _ONCE_IN_S:
            return False
        self._last[kind] = now
        record.msg, record.args = record.getMessage().partition("\n")[0], ()
        record.exc_info = record.exc_text = None
        return True


def _text_line(_: Any, __: str, entry: structlog.typing.EventDict) -> str:
    """`02:53:12 worker: note written (athlete 1, calls 2)`; a terminal shows the local time, a file the date and UTC.

    Control characters are escaped (JSON does so by itself). Only a traceback has further, indented lines.
    """
    at, level, part, event = (entry.pop(name) for name in ("timestamp", "level", "part", "event"))
    at = time.strftime("%H:%M:%S") if sys.stderr.isatty() else at
    trace = entry.pop("exception", "").splitlines()
    details = ", ".join(f"{name} {value}" for name, value in entry.items())
    warned = "" if level == "info" else f"{level}: "
    line = f"{at} {part}: {warned}{event}{f' ({details})' if details else ''}"
    return "\n".join(_CONTROLS.sub(_spelled, text) for text in (line, *(f"    {text}" for text in trace)))


def configure(log_format: Literal["text", "json"], part: str, *, quiet: bool = False) -> None:
    """Set up logging of this process; ``part`` is web, worker, beat, ... Standard-library logs go the same way.

    ``quiet``: errors alone, for commands that print their answer themselves.
    """

    def name_the_part(_: Any, __: str, entry: structlog.typing.EventDict) -> structlog.typing.EventDict:
        # Not bound as context: that is each thread's own.
        entry.setdefault("part", part)
        return entry

    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        name_the_part,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_Throttle())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _hide_secrets,
                structlog.processors.JSONRenderer() if log_format == "json" else _text_line,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.ERROR if quiet else logging.INFO)
    on_terminal = log_format == "text" and sys.stderr.isatty()
    for chatty in (*_CHATTY, *(_SAID_AT_START if on_terminal else ())):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def get(name: str) -> structlog.stdlib.BoundLogger:
    """The logger of a module."""
    logger: structlog.stdlib.BoundLogger = structlog.get_logger(name)
    return logger
