"""Leases of claimed rows, in real time: one heartbeat thread a process extends those whose row is being handled."""

from __future__ import annotations

import itertools
import os
import secrets
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import update

from adductor import logs
from adductor.store import Store

log = logs.get(__name__)

# A row of a dead worker waits for the rest of its lease; a living worker extends it three times as often.
LEASE = timedelta(seconds=30)
EXTEND_EVERY_S = 10.0
# Every wait inside a row ends by itself: a platform call after 30 s, a statement after 30 s. A row that runs for
# longer hangs: its lease is no longer extended, and another worker takes the row.
HANGS_AFTER_S = 120.0


class Leases:
    """The leases that this process holds, and the heartbeat thread that extends them."""

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        """``clock`` gives real time."""
        self._store = store
        self._now = clock
        self._process = f"{os.getpid()}-{secrets.token_hex(8)}"
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._held: dict[str, tuple[type[Any], int, datetime]] = {}
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

    def new_owner(self) -> str:
        """A name for one claim: a second claim of the same row has another."""
        return f"{self._process}.{next(self._numbers)}"

    def hold(self, table: type[Any], row_id: int, owner: str) -> None:
        """Extend this lease until `release`."""
        with self._lock:
            self._held[owner] = (table, row_id, self._now())
            if self._thread is None:
                self._thread = threading.Thread(target=self._beat, name="leases", daemon=True)
                self._thread.start()

    def release(self, owner: str | None) -> None:
        """The row has ended or waits again."""
        with self._lock:
            self._held.pop(owner or "", None)

    def extend(self) -> None:
        """Extend every lease whose row doesn't hang."""
        real_now = self._now()
        with self._lock:
            held = dict(self._held)
        for owner, (table, row_id, since) in held.items():
            if (real_now - since).total_seconds() >= HANGS_AFTER_S:
                log.error("row hangs", table=table.__tablename__, row=row_id, after_s=HANGS_AFTER_S)
                self.release(owner)
                continue
            extended = update(table).where(table.id == row_id, table.lease_owner == owner)
            extended = extended.values(lease_until=real_now + LEASE)
            # A transaction for each: holding several rows could deadlock with a job that locks the same ones.
            with self._store.write() as session:
                session.execute(extended, execution_options={"synchronize_session": False})

    def close(self) -> None:
        """End the heartbeat thread."""
        self._stop.set()

    def _beat(self) -> None:
        while not self._stop.wait(EXTEND_EVERY_S):
            try:
                self.extend()
            except Exception as error:  # a busy database: the next beat is in time
                log.warning("lease heartbeat failed", problem=type(error).__name__)
