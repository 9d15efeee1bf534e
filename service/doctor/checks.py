"""The checks of `adductor doctor`, in the order in which one failure explains the next. `/ops` shows what fails of some."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from service.doctor import FailedError, here, intervals, strava
from service.doctor.status import Status


@dataclass(frozen=True, slots=True)
class Check:
    """``look`` says what is well, or raises FailedError. ``needs``: "database", "application" (one set at Strava)."""

    name: str
    look: Callable[[Status], str]
    needs: frozenset[str] = frozenset()

    def run(self, status: Status) -> str:
        """Look, where that is possible. Raises FailedError."""
        if "database" in self.needs and "database" in status.problems:
            raise FailedError("can't be looked at without the database", "mend the database first")
        if "application" in self.needs and status.other_logs:
            return "no Strava application is set, and other logs are connected"
        if "application" in self.needs and status.here.settings.uses_sandbox:
            raise FailedError(
                "no Strava application is set",
                "set STRAVA_CLIENT_ID and STRAVA_CLIENT_SECRET, or use `adductor up` with its sandbox",
            )
        return self.look(status)


_DATABASE = frozenset({"database"})
_APPLICATION = frozenset({"application"})

# They judge figures that are read anyway, and ask nothing outside.
_OF_THE_FIGURES = (
    Check("database", here.database),
    Check("broker", here.broker),
    Check("clock, worker", here.at_work, _DATABASE),
    Check("events", here.work_waiting, _DATABASE),
    Check("data age", here.data_age, _DATABASE),
    Check("rate budget", here.budget),
    Check("backup", here.backup, _DATABASE),
    Check("operator", here.operator, _DATABASE),
)
ON_THE_PAGE = (
    *_OF_THE_FIGURES,
    Check("subscription", here.known_subscription, _DATABASE),
    Check("intervals.icu", intervals.check, _DATABASE),
)
CHECKS = (
    *_OF_THE_FIGURES,
    Check("time", strava.time, _APPLICATION),
    Check("callback", strava.callback),
    Check("subscription", strava.subscription, _DATABASE | _APPLICATION),
    Check("athlete cap", strava.athletes, _DATABASE | _APPLICATION),
    Check("intervals.icu", intervals.check, _DATABASE),
    Check("runners", here.runners, _DATABASE),
    Check("token keys", here.keys, _DATABASE),
    Check("mail", here.mail),
)
