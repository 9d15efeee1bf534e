"""The runner's pages: the way in, the first questions, home, what was decided and why, the routine, settings, privacy."""

from __future__ import annotations

# Importing a module registers its routes.
from service.pages import (  # noqa: F401
    assets,
    calendar,
    errors,
    home,
    notifications,
    privacy,
    progress,
    review,
    routine,
    settings,
    start,
)
from service.pages.access import blueprint

__all__ = ["blueprint"]
