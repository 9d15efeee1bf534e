"""The Celery application. Every setting says why it is there; figures come from docs/decisions/002-queue.md."""

from __future__ import annotations

import os
import threading
from typing import Any

from celery import Celery
from celery.signals import beat_init, setup_logging, worker_init, worker_ready, worker_shutdown, worker_shutting_down

from adductor import logs
from adductor.installation import Installation
from adductor.queue import heartbeats, worker
from adductor.settings import Settings, load

log = logs.get(__name__)

SWEEP_EVERY_S = 1.0
# A prompt at 17:30 comes a few seconds after 17:30 of the runners' time. In a faster time it is looked at
# twice a second.
CLOCK_EVERY_S = 5.0
EXPIRE_EVERY_S = 600.0
# On SIGTERM: process managers wait ten seconds before they kill.
ENDS_WITHIN_S = 8.0


def celery_broker_url(redis_url: str | None) -> str:
    """Kombu's name for the same address: it spells a unix socket differently from redis-py."""
    if redis_url is None:
        return "redis://127.0.0.1:6379/0"
    return redis_url.replace("unix://", "redis+socket://", 1)


def clock_every_s(settings: Settings) -> float:
    """How often to look whose prompt time has come, in real seconds."""
    return CLOCK_EVERY_S if settings.clock_speed == 1 else SWEEP_EVERY_S / 2


def configure(app: Celery, settings: Settings) -> None:
    """Apply our settings."""
    app.conf.update(
        broker_url=celery_broker_url(settings.redis),
        # Nobody reads results: the database holds what came of everything.
        task_ignore_result=True,
        result_backend=None,
        # A wake-up is acknowledged when its work is done, and comes back when the worker dies over it.
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        # Late acks with prefetching would park wake-ups behind a slow one.
        worker_prefetch_multiplier=1,
        # A note is nine tenths waiting for Strava: threads wait more cheaply than processes, and what processes would
        # give (a row that ends its worker, a row that hangs) is kept in adductor.queue.rows. See docs/decisions/008.
        worker_pool="threads",
        worker_concurrency=settings.worker_threads,
        # A broker that is down at start or later is waited for, for as long as it takes.
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={
            # A killed worker's message comes back after this; the sweep is faster. Longer than any task (90 s).
            "visibility_timeout": 300,
            # How often unacknowledged messages are looked for; with throttle 1 every round looks.
            "unacked_restore_interval": 10,
            "unacked_restore_throttle": 1,
            # A half-open connection is noticed in seconds, not minutes.
            "socket_timeout": 5,
            "socket_connect_timeout": 1,
            "health_check_interval": 10,
            # Several installations may share one Redis.
            "global_keyprefix": "adductor:",
        },
        # Publishing never holds up a webhook: one quick second try, then the sweep finds the row.
        task_publish_retry_policy={"max_retries": 1, "interval_start": 0, "interval_step": 0.1, "interval_max": 0.2},
        # Half a write to Strava is worse than a wake-up handled twice.
        worker_cancel_long_running_tasks_on_connection_loss=False,
        # Python's own logging is set up in one place (adductor.logs).
        worker_hijack_root_logger=False,
        task_default_queue="events",
        # Which message is taken first: Redis has four steps, 0 (the rounds of beat) before 3, 6 and 9. Those rounds expire
        # after seconds. Behind the wake-ups of a busy hour they would all expire unread, and with them what only they
        # find: rows whose wake-up is lost, and what ended processes held.
        task_routes={"wake": {"priority": 6}, "expire": {"priority": 9}, "reconcile": {"priority": 9}},
        beat_schedule={
            # Expiring by the next one: a queue full of sweeps after an outage helps nobody.
            "sweep": {"task": "sweep", "schedule": SWEEP_EVERY_S, "options": {"expires": SWEEP_EVERY_S * 5}},
            "clock": {
                "task": "clock",
                "schedule": clock_every_s(settings),
                "options": {"expires": max(clock_every_s(settings) * 2, SWEEP_EVERY_S)},
            },
            "expire": {"task": "expire", "schedule": EXPIRE_EVERY_S, "options": {"expires": EXPIRE_EVERY_S}},
            # As often as prompts are looked at: an index says in a moment that nobody is due.
            "reconcile": {
                "task": "reconcile",
                "schedule": clock_every_s(settings),
                "options": {"expires": max(clock_every_s(settings) * 2, SWEEP_EVERY_S)},
            },
        },
        # The schedule above is all there is to remember; beat keeps its file in the data folder.
        beat_schedule_filename=str(settings.data_dir / "beat-schedule"),
        beat_max_loop_interval=1,
        timezone="UTC",
    )


app = Celery("adductor", include=["workers.tasks"])
_installation: Installation | None = None


@app.on_configure.connect
def _configure(sender: Celery, **_: Any) -> None:
    configure(sender, load())


def installation() -> Installation:
    """This process's own."""
    global _installation
    if _installation is None:
        _installation = Installation(load())
    return _installation


@setup_logging.connect
def _logging(**_: Any) -> None:
    logs.configure(load().log_format, "worker")


@beat_init.connect
def _beat_logging(**_: Any) -> None:
    logs.configure(load().log_format, "beat")


@worker_init.connect
def _prepare(**_: Any) -> None:
    # Half a second and 50 MB, and not in the way of the first note; before there are threads that would all want it.
    from adductor.platforms.strava import client

    client.preload()


@worker_ready.connect
def _ready(**_: Any) -> None:
    heartbeats.beat(installation(), "worker")


@worker_shutting_down.connect
def _shutting_down(**_: Any) -> None:
    # In Celery's signal handler: only what can't wait for a lock.
    worker.stopping.set()
    threading.Thread(target=_end_in_time, name="end-in-time", daemon=True).start()


def _end_in_time() -> None:
    """Rows at work may end. A row that hasn't by then returns to the queue when its lease runs out."""
    threading.Event().wait(ENDS_WITHIN_S)
    os._exit(0)


@worker_shutdown.connect
def _close(**_: Any) -> None:
    if _installation is not None:
        _installation.close()
