"""The tasks: each drains one job. A message is a wake-up call; the work itself stands in the database."""

from __future__ import annotations

import time

from adductor.athletes import revocation, rotate_keys
from adductor.jobs import duties, leaving, planned_notes, poll, prompts, retention, rounds
from adductor.jobs import reconcile as missed
from adductor.queue import heartbeats, timers, worker
from workers.app import app, installation

# In the data folder: its age tells a container's health check that clock, broker and workers are at work. A check that
# starts Python costs 91 MB and seconds.
AT_WORK = "at-work"


@app.task(name="wake")
def wake() -> None:
    """Drain what is due, as far as the time of one task goes. The sweep finds the rest."""
    rounds.work(installation())


@app.task(name="sweep")
def sweep() -> None:
    """Drain what a lost wake-up would have announced, then look at the athletes whose prompt time has come.

    A round that was made is the heartbeat of clock and worker together.
    """
    here = installation()
    rounds.sweep(here)
    if heartbeats.beat(here, "clock"):
        (here.settings.data_dir / AT_WORK).touch()
    until = time.monotonic() + worker.BEGIN_WITHIN_S
    while timers.tick(here, prompts.TIMER, until=until) == timers.BATCH:
        pass


@app.task(name="expire")
def expire() -> None:
    """Delete what is past its retention, check that nothing older is left, encrypt tokens with the newest key."""
    here = installation()
    if retention.expire(here):
        leaving.finish(here)
        retention.check(here)
        rotate_keys.rotate_keys(here)


@app.task(name="reconcile")
def reconcile() -> None:
    """Look for missed events, as far as the budget's share goes; revoke the tokens of athletes who left.

    Last come the planned NOTEs: they are in no hurry.
    """
    here = installation()
    revocation.revoke_due(here)
    until = time.monotonic() + worker.BEGIN_WITHIN_S
    timers.tick(here, poll.TIMER, until=until)
    missed.tick(here, until=until)
    timers.tick(here, planned_notes.TIMER, until=until)


@app.task(name="upkeep")
def keep_up() -> None:
    """Run the duties that are due: the subscription check, the ping while all is well, the operator's weekly mail."""
    for duty in duties.DUTIES:
        duties.run_due(installation(), duty)
