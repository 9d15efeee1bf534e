"""Persistence: tables, transactions, migrations, backup."""

from collections.abc import Callable

from sqlalchemy import event
from sqlalchemy.orm import Session

from adductor.store.engine import Store, words_of

__all__ = ["Store", "after_commit", "words_of"]


def after_commit(session: Session, do: Callable[[], None]) -> None:
    """Call ``do`` once the session's transaction is committed; never when it is rolled back."""
    event.listen(session, "after_commit", lambda _: do(), once=True)
