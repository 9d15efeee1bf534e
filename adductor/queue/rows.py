"""Handling claimed rows side by side in one process.

A row spends nine tenths of its time waiting for the platform, so a process handles several at once, in threads. What a
process of its own for each row would give is kept in other ways: a row that its worker did not survive before runs with
nothing beside it, so that it takes nobody along again; and a row that never ends is noticed, and the process with it.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TypeVar

from adductor import logs

log = logs.get(__name__)

T = TypeVar("T")

# Every wait inside a row ends by itself: a call to the platform after 30 s at most, a statement after 30 s. A row that
# still runs after this hangs in something that nobody foresaw; only the end of the process ends it (real time).
HANGS_AFTER_S = 90.0
_LOOK_EVERY_S = 5.0

_ENDED: Future[None] = Future()
_ENDED.set_result(None)


class Rows:
    """The rows that this process handles at the same time: ``threads`` of them, or one after the other with 1."""

    def __init__(self, threads: int = 1) -> None:
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="row") if threads > 1 else None
        # One after the other needs no places: whoever asks is the one who does it.
        self._free = threading.Semaphore(threads) if threads > 1 else None
        self._alone = threading.Lock()
        self._begun: dict[int, float] = {}  # thread -> when its row began, monotonic
        self._ending = threading.Event()

    def each(self, rows: Sequence[T], do: Callable[[T], None], *, until: float | None = None) -> list[T]:
        """Do the rows, in their order as far as threads are free, and return those that were not begun.

        None is begun after ``until`` (`time.monotonic`) or when the process is ending. Returns when all that were begun
        have ended. What ``do`` raises is raised here.
        """
        left = list(rows)
        running: list[Future[None]] = []
        try:
            while left and self._take(until):
                running.append(self._start(left.pop(0), do))
        finally:
            wait(running)
        for future in running:
            future.result()
        return left

    def alone(self, row: T, do: Callable[[T], None], *, until: float | None = None) -> bool:
        """Do this row with no other beside it in this process. False when there was no time for it."""
        if self._free is None:
            in_time = self._take(until)
            if in_time:
                self._run(row, do)
            return in_time
        with self._alone:
            taken = 0
            try:
                while taken < self._threads and self._take(until):
                    taken += 1
                if taken < self._threads:
                    return False
                self._run(row, do)
            finally:
                for _ in range(taken):
                    self._free.release()
        return True

    def end(self) -> None:
        """Begin no further row; those at hand go on to their end."""
        self._ending.set()

    def watch(self) -> None:
        """From now on a row that hangs ends the process: whoever keeps it starts a new one, and the row is taken up."""
        threading.Thread(target=self._watch, name="row-watch", daemon=True).start()

    def _take(self, until: float | None) -> bool:
        """A place for one more row; False when it is too late for one."""
        while not self._ending.is_set():
            patience_s = _LOOK_EVERY_S if until is None else min(until - time.monotonic(), _LOOK_EVERY_S)
            if patience_s <= 0:
                return False
            if self._free is None or self._free.acquire(timeout=patience_s):
                return True
        return False

    def _start(self, row: T, do: Callable[[T], None]) -> Future[None]:
        if self._pool is None or self._free is None:
            self._run(row, do)
            return _ENDED
        free = self._free

        def run() -> None:
            try:
                self._run(row, do)
            finally:
                free.release()

        return self._pool.submit(run)

    def _run(self, row: T, do: Callable[[T], None]) -> None:
        with self._noted():
            do(row)

    @contextmanager
    def _noted(self) -> Iterator[None]:
        me = threading.get_ident()
        self._begun[me] = time.monotonic()
        try:
            yield
        finally:
            self._begun.pop(me, None)

    def _watch(self) -> None:
        pause = threading.Event()
        while not pause.wait(_LOOK_EVERY_S):
            oldest = min(list(self._begun.values()), default=None)
            if oldest is not None and time.monotonic() - oldest > HANGS_AFTER_S:
                log.error(
                    "a row hangs: this process ends, and its rows are taken up by the next", after_s=HANGS_AFTER_S
                )
                os.kill(os.getpid(), signal.SIGKILL)
