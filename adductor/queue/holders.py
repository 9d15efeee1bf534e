"""Who holds a claim, and whether they still live.

A claim has a lease for the case that a whole machine goes. On the same machine a dead process is known at once: each one
keeps a lock on a file of its own, and the kernel lets go of it the moment the process ends, however it ends.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from pathlib import Path
from typing import IO


class Holder:
    """One process as a holder of claims."""

    def __init__(self, folder: Path, name: str, file: IO[bytes]) -> None:
        self.folder = folder
        self.name = name
        self._file = file  # open as long as the process lives: the lock hangs on it
        self._pid = os.getpid()

    @classmethod
    def of(cls, folder: Path) -> Holder:
        """Register this process."""
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{os.getpid()}-{secrets.token_hex(8)}"
        file = (folder / name).open("wb")
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return cls(folder, name, file)

    def gone(self, name: str) -> bool:
        """Whether the process of that name has certainly ended. A name of another machine is not known here: False."""
        if name == self.name:
            return False
        path = self.folder / name
        try:
            with path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return False
        return True

    def tidy(self, keep: set[str]) -> None:
        """Remove the files of ended processes that hold nothing any more."""
        for path in self.folder.iterdir():
            if path.name not in keep and self.gone(path.name):
                path.unlink(missing_ok=True)
