"""The checks of `adductor doctor`, in the order in which one failure explains the next. `/ops` shows what fails of some."""

from __future__ import annotations

from service.doctor import here, strava
from service.doctor.base import Check

_DATABASE = frozenset({"database"})
_APPLICATION = frozenset({"application"})

_DATABASE_CHECK = Check("database", here.database)
_OF_THE_FIGURES = (
    Check("broker", here.broker),
    Check("clock, worker", here.at_work, _DATABASE),
    Check("events", here.work_waiting, _DATABASE),
    Check("data age", here.data_age, _DATABASE),
    Check("rate budget", here.budget),
)
CHECKS = (
    _DATABASE_CHECK,
    *_OF_THE_FIGURES[:-1],
    Check("time", strava.time, _APPLICATION),
    Check("callback", strava.callback),
    Check("subscription", strava.subscription, _DATABASE | _APPLICATION),
    _OF_THE_FIGURES[-1],
    Check("athlete cap", strava.athletes, _DATABASE | _APPLICATION),
    Check("runners", here.runners, _DATABASE),
    Check("token keys", here.keys, _DATABASE),
    Check("mail", here.mail),
)
# Those that judge figures which are read anyway, and ask nothing outside.
ON_THE_PAGE = (_DATABASE_CHECK, *_OF_THE_FIGURES, Check("subscription", here.known_subscription, _DATABASE))
