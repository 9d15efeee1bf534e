"""The checks of `adductor doctor`, in the order in which one failure explains the next."""

from __future__ import annotations

from service.doctor import here, strava
from service.doctor.base import Check, FailedError

__all__ = ["CHECKS", "NEED_STRAVA", "Check", "FailedError"]

CHECKS = (
    Check("database", here.database),
    Check("broker", here.broker),
    Check("clock, worker", here.at_work),
    Check("events", here.work_waiting),
    Check("data age", here.data_age),
    Check("time", strava.time),
    Check("callback", strava.callback),
    Check("subscription", strava.subscription),
    Check("rate budget", strava.budget),
    Check("athlete cap", strava.athletes),
    Check("runners", here.runners),
    Check("token keys", here.keys),
    Check("mail", here.mail),
)
# Without an application there is no Strava to ask.
NEED_STRAVA = frozenset({"time", "subscription", "athlete cap"})
