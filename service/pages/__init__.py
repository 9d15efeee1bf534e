"""The runner's pages: the way in, the first questions, home, what was decided and why, the routine, settings, privacy."""

from __future__ import annotations

from service.pages import (
    assets,
    calendar,
    check_in,
    errors,
    exercises,
    home,
    privacy,
    review,
    routine,
    settings,
    start,
)
from service.pages.access import blueprint, current_athlete, signed_in

__all__ = [
    "assets",
    "blueprint",
    "calendar",
    "check_in",
    "current_athlete",
    "errors",
    "exercises",
    "home",
    "privacy",
    "review",
    "routine",
    "settings",
    "signed_in",
    "start",
]
