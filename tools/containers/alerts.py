"""Each shipped alert is caused once, seen firing in Prometheus, and its cause is taken away again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import yaml

from tools.containers.stack import Stack, until

LARGE = {"name": "large", "athletes": None, "overall": [2000, 20_000], "read": [1000, 10_000]}


def fire_all(stack: Stack) -> str:
    """Cause every alert of the shipped rules. Raises Failed for one that is not seen."""
    shipped = yaml.safe_load((stack.work / "deploy" / "prometheus" / "adductor.rules.yml").read_text())
    names = {rule["alert"] for group in shipped["groups"] for rule in group["rules"]}
    until(lambda: not firing(stack), "no alert fires before its cause", 60)
    seen: list[str] = []
    for number, (cause, expected) in enumerate(CAUSES, start=1):
        if number == len(CAUSES):  # a spent day lasts until the next one
            until(lambda: not firing(stack), "all alerts end with their causes", 240)
        with cause(stack):
            for name in expected:
                until(lambda name=name: name in firing(stack), f"{name} fires", 240)  # type: ignore[misc]
                seen.append(name)
    missing = sorted(names - set(seen))
    return f"{len(seen)} of {len(names)} seen" + (f"; without a cause: {', '.join(missing)}" if missing else "")


def firing(stack: Stack) -> set[str]:
    """The alerts that fire now."""
    alerts = stack.prometheus("alerts")["alerts"]
    return {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}


@contextmanager
def _stopped(stack: Stack, *services: str) -> Iterator[None]:
    stack.compose("stop", *services)
    try:
        yield
    finally:
        stack.compose("up", "-d", "--wait", *services)


@contextmanager
def _web_is_down(stack: Stack) -> Iterator[None]:
    with _stopped(stack, "web"):
        yield


@contextmanager
def _broker_is_down(stack: Stack) -> Iterator[None]:
    with _stopped(stack, "redis"):
        yield


@contextmanager
def _database_is_down(stack: Stack) -> Iterator[None]:
    """An event comes meanwhile."""
    (activity,) = stack.record(1)
    stack.wait_for_notes([activity])
    with _stopped(stack, "postgres"):
        stack.ask("POST", f"activities/{activity}/announce")
        yield


@contextmanager
def _no_work_is_done(stack: Stack) -> Iterator[None]:
    """Worker and clock are stopped while a run waits, and rows grow old."""
    stack.compose("stop", "worker", "beat")
    try:
        stack.record(1)
        stack.sql("UPDATE inbox_events SET due_at = now() - interval '1 hour' WHERE state = 'waiting'")
        stack.sql("UPDATE activities SET fetched_at = now() - interval '8 days'")
        yield
    finally:
        stack.sql("UPDATE activities SET fetched_at = now()")
        stack.compose("up", "-d", "worker", "beat")  # without waiting for their health: the late note comes at once


@contextmanager
def _late_note_came(_: Stack) -> Iterator[None]:
    """The run that waited has its note now."""
    yield


@contextmanager
def _row_has_failed(stack: Stack) -> Iterator[None]:
    stack.sql("UPDATE deliveries SET state = 'failed' WHERE id = (SELECT min(id) FROM deliveries WHERE state = 'done')")
    yield
    stack.sql("UPDATE deliveries SET state = 'done' WHERE state = 'failed'")


@contextmanager
def _strava_fails(stack: Stack) -> Iterator[None]:
    fault = stack.ask("POST", "faults", endpoint="activities.get", status=500)["id"]
    activities = stack.record(3)
    yield
    stack.ask("DELETE", f"faults/{fault}")
    stack.wait_for_notes(activities, within_s=300)


@contextmanager
def _day_is_nearly_spent(stack: Stack) -> Iterator[None]:
    limits = stack.ask("GET", "state")["limits"]
    overall, read = (limits[name]["used"][1] for name in ("overall", "read"))
    nearly = {"overall": [2000, overall + 8 + overall // 20], "read": [2000, read + 6 + read // 20]}
    stack.ask("POST", "switches", tier={**LARGE, **nearly})
    stack.record(1)
    yield


@contextmanager
def _no_subscription(stack: Stack) -> Iterator[None]:
    stack.compose("exec", "-T", "web", "adductor", "strava", "unsubscribe")
    yield
    stack.compose("exec", "-T", "web", "adductor", "strava", "subscribe")


@contextmanager
def _backup_is_old(stack: Stack) -> Iterator[None]:
    stack.compose("exec", "-T", "web", "adductor", "db", "backed-up")
    stack.sql("UPDATE heartbeats SET at = at - interval '3 days' WHERE part = 'backup'")
    yield
    stack.compose("exec", "-T", "web", "adductor", "db", "backed-up")


CAUSES: tuple[tuple[Callable[[Stack], AbstractContextManager[None]], tuple[str, ...]], ...] = (
    (_no_work_is_done, ("AdductorQueueOld", "AdductorDataTooOld", "AdductorPartSilent")),
    (_late_note_came, ("AdductorNotesSlow",)),
    (_web_is_down, ("AdductorNotScraped",)),
    (_broker_is_down, ("AdductorPartDown",)),
    (_database_is_down, ("AdductorWebhooksNotStored",)),
    (_row_has_failed, ("AdductorGivenUp",)),
    (_strava_fails, ("AdductorStravaRefuses",)),
    (_no_subscription, ("AdductorNoSubscription",)),
    (_backup_is_old, ("AdductorNoBackup",)),
    (_day_is_nearly_spent, ("AdductorBudgetLow",)),
)
