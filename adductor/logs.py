"""Structured logs: text for people, JSON for machines; one id follows an event from the webhook to the note."""

from __future__ import annotations

import logging
import re
import sys
from typing import Any, Literal

import structlog

# Names whose values never belong in a log, however they got there.
_SECRET_NAMES = re.compile(r"token|secret|password|authorization|cookie|api_key", re.IGNORECASE)
_TRACE_SAFE = {"token_expires_at"}


def _hide_secrets(_: Any, __: str, entry: structlog.typing.EventDict) -> structlog.typing.EventDict:
    for name in entry:
        if _SECRET_NAMES.search(name) and name not in _TRACE_SAFE:
            entry[name] = "[hidden]"
    return entry


def configure(log_format: Literal["text", "json"], part: str) -> None:
    """Set up logging of this process; ``part`` is web, worker, beat, ... Standard-library logs go the same way."""

    def name_the_part(_: Any, __: str, entry: structlog.typing.EventDict) -> structlog.typing.EventDict:
        # Not bound as context: that is each thread's own, and a web server's threads are not the one that set this up.
        entry.setdefault("part", part)
        return entry

    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        name_the_part,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _hide_secrets,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for chatty in (
        "urllib3",
        "stravalib",
        "alembic",
        "celery.worker.strategy",
        "celery.app.trace",
        "celery.beat",
        "celery.worker.request",
    ):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def only_errors() -> None:
    """For commands whose answer is for people: what they print themselves is all there is to say."""
    logging.getLogger().setLevel(logging.ERROR)


def get(name: str) -> structlog.stdlib.BoundLogger:
    """The logger of a module."""
    logger: structlog.stdlib.BoundLogger = structlog.get_logger(name)
    return logger
