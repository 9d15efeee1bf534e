"""The file by which `adductor up` locks its folder, and tells the commands beside it which broker and Strava it brought."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

_FILE = "up.json"


class InUseError(Exception):
    """Another `adductor up` runs in the folder."""


@contextmanager
def locked(data_dir: Path) -> Iterator[Callable[[Mapping[str, str]], None]]:
    """Hold the folder's lock: two installations would share a database file and fight over the socket.

    Gives a function that keeps variables for the commands beside it. Raises InUseError.
    """
    with os.fdopen(os.open(data_dir / _FILE, os.O_RDWR | os.O_CREAT, 0o600), "r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            process = json.loads(file.read() or "{}").get("process", "?")
            raise InUseError(
                f"another `adductor up` (process {process}) uses {data_dir}; "
                "end it, or choose another folder with ADDUCTOR_DATA_DIR"
            ) from None

        def tell(brought: Mapping[str, str]) -> None:
            file.seek(0)
            file.truncate()
            file.write(json.dumps({"process": os.getpid(), "brought": dict(brought)}))
            file.flush()

        tell({})
        try:
            yield tell
        finally:
            file.truncate(0)


def read(data_dir: Path) -> dict[str, str]:
    """The variables that a running `adductor up` in this folder brought itself; empty when none runs."""
    try:
        with (data_dir / _FILE).open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return dict(json.loads(file.read() or "{}").get("brought", {}))
    except OSError:
        pass
    return {}
