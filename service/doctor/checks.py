"""The checks of `adductor doctor`, in the order in which one failure explains the next. `/ops` shows what fails of some."""

from __future__ import annotations

from service.doctor import here, strava
from service.doctor.base import Check

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
)
ON_THE_PAGE = (*_OF_THE_FIGURES, Check("subscription", here.known_subscription, _DATABASE))
CHECKS = (
    *_OF_THE_FIGURES,
    Check("time", strava.time, _APPLICATION),
    Check("callback", strava.callback),
    Check("subscription", strava.subscription, _DATABASE | _APPLICATION),
    Check("athlete cap", strava.athletes, _DATABASE | _APPLICATION),
    Check("runners", here.runners, _DATABASE),
    Check("token keys", here.keys, _DATABASE),
    Check("mail", here.mail),
)
