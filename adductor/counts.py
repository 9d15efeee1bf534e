"""Shim over `adductor.metrics` for call sites that still count with a session's commit. To be removed with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adductor import metrics

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

WEBHOOKS, EVENTS, DECISIONS = "webhooks", "events", "decisions"
DELIVERIES, LETTERS, CALLS, HELD_BACK = "deliveries", "letters", "calls", "held_back"
_COUNTERS = {
    WEBHOOKS: metrics.WEBHOOKS,
    EVENTS: metrics.EVENTS,
    DECISIONS: metrics.DECISIONS,
    DELIVERIES: metrics.DELIVERIES,
    LETTERS: metrics.LETTERS,
    CALLS: metrics.CALLS,
    HELD_BACK: metrics.HELD_BACK,
}


class Counts:
    """What `Installation.counts` was."""

    def add(self, name: str, *labels: str) -> None:
        """Count one more."""
        add(name, *labels)

    def close(self) -> None:
        """Nothing is buffered."""


def add(name: str, *labels: str) -> None:
    """Count one more, now."""
    _COUNTERS[name].labels(*labels).inc()


def with_commit(session: Session | None, name: str, *labels: str) -> None:
    """Count one more once the session's transaction is committed."""
    if session is not None:
        _after_commit(session, lambda _: add(name, *labels))


def note_with_commit(session: Session, seconds: float) -> None:
    """Count a written note once the session's transaction is committed. ``seconds``: since its event arrived."""
    _after_commit(session, lambda _: metrics.NOTE_SECONDS.observe(seconds))


def _after_commit(session: Session, call: Any) -> None:
    from sqlalchemy import event

    event.listen(session, "after_commit", call, once=True)
