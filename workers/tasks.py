"""The tasks: each calls one function of the pipeline."""

from __future__ import annotations

import time
from typing import Any

from celery.signals import after_task_publish

from adductor.athletes import personal_data, revocation, rotate_keys
from adductor.jobs import prompts, retention, rounds
from adductor.jobs import reconcile as missed
from adductor.queue import heartbeats, timers, worker
from workers.app import app, installation


@app.task(name="wake")
def wake() -> None:
    """Events have come: drain what is due, as far as the time of one task goes. The sweep finds the rest."""
    rounds.work(installation())


@app.task(name="sweep")
def sweep() -> None:
    """The round that needs no message: it finds what a lost one would have said."""
    rounds.sweep(installation())


_asked_at = [-heartbeats.EVERY.total_seconds()]


@after_task_publish.connect(sender="sweep")
def _the_clock_ticks(**_: Any) -> None:
    """Only the clock asks for sweeps: that it just did is its sign of life."""
    if time.monotonic() - _asked_at[0] >= heartbeats.EVERY.total_seconds():
        _asked_at[0] = time.monotonic()
        heartbeats.beat(installation(), "beat")


@app.task(name="clock")
def clock() -> None:
    """Whose prompt time has come?"""
    until = time.monotonic() + worker.BEGIN_WITHIN_S
    while prompts.tick(installation(), until=until) == timers.BATCH:
        pass


@app.task(name="expire")
def expire() -> None:
    """Delete what has been kept as long as it may be, show that nothing older is left, seal under the newest key."""
    here = installation()
    if retention.expire(here):
        personal_data.finish_leaving(here)
        retention.check(here)
        rotate_keys.rotate_keys(here)


@app.task(name="reconcile")
def reconcile() -> None:
    """Look for what no event told us, as far as the budget's share goes; give back what runners who left had given."""
    here = installation()
    revocation.revoke_due(here)
    missed.tick(here, until=time.monotonic() + worker.BEGIN_WITHIN_S)
