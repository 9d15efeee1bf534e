"""Files by which `adductor up` tells the commands beside it that it runs, and with which broker and Strava."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

_LOCK, _BROUGHT = "up.lock", "up.json"


class InUseError(Exception):
    """Another `adductor up` runs in the folder."""


@contextmanager
def locked(data_dir: Path) -> Iterator[None]:
    """Hold the folder's lock: two installations would share a database file and fight over the socket. Raises InUseError."""
    with (data_dir / _LOCK).open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise InUseError(
                f"another `adductor up` (process {lock.read().strip() or '?'}) uses {data_dir}; "
                "end it, or choose another folder with ADDUCTOR_DATA_DIR"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


@contextmanager
def told(data_dir: Path, brought: Mapping[str, str]) -> Iterator[None]:
    """Keep these variables for `adductor doctor` and other commands."""
    file = data_dir / _BROUGHT
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as written:
        json.dump(dict(brought), written)
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def read(data_dir: Path) -> dict[str, str]:
    """What a running `adductor up` in this folder brought itself; empty when none runs."""
    lock, brought = data_dir / _LOCK, data_dir / _BROUGHT
    try:
        with lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        values: dict[str, str] = json.loads(brought.read_text()) if brought.exists() else {}
        return values
    except OSError:
        return {}
    return {}
