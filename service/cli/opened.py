"""The installation of a one-shot command, run beside `adductor up` or alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from adductor import logs
from adductor.installation import Installation
from adductor.settings import load_beside_up


@contextmanager
def opened(command: str, *, quiet: bool = False) -> Iterator[Installation]:
    """Open it, and close it at the end. ``quiet``: log errors alone. Raises SettingsError."""
    settings = load_beside_up()
    logs.configure(settings.log_format, command, quiet=quiet)
    installation = Installation(settings)
    try:
        yield installation
    finally:
        installation.close()
