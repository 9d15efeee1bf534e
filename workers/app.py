"""The Celery application and its settings. Figures come from docs/decisions/002-queue-settings.md."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from celery import Celery, Task
from celery.beat import PersistentScheduler, ScheduleEntry
from celery.signals import setup_logging
from kombu.entity import Queue
from sqlalchemy import exc

from adductor import logs
from adductor.installation import Installation
from adductor.settings import load
from adductor.store import words_of

log = logs.get(__name__)

WAKE_UPS, ROUNDS = "events", "rounds"
# A prompt at 17:30 comes a few seconds after 17:30 of the runners' time; in a faster time it is looked at twice a second.
# An idle installation does little but sweep: a round a second was 2 % of a core.
SWEEP_EVERY_S = 5.0
FAST_SWEEP_EVERY_S = 0.5
RECONCILE_EVERY_S = 30.0
UPKEEP_EVERY_S = 60.0
EXPIRE_EVERY_S = 600.0
# Beat asks for no further round while so many wait.
MOST_ROUNDS_WAITING = 10
LOG_OUTAGE_EVERY_S = 30.0
_logged_at = -math.inf


def celery_broker_url(redis_url: str | None) -> str:
    """Kombu's name for the same address: it spells a unix socket differently from redis-py."""
    url = (redis_url or "redis://127.0.0.1:6379/0").replace("unix://", "redis+socket://", 1)
    if url.startswith("rediss://") and "ssl_cert_reqs=" not in url:
        # Without it Kombu accepts any certificate; redis-py checks.
        url += f"{'&' if '?' in url else '?'}ssl_cert_reqs=required"
    return url


class Scheduler(PersistentScheduler):
    """Beat's scheduler with load shedding instead of expiry, which compares the clocks of two machines."""

    def apply_entry(self, entry: ScheduleEntry, producer: Any = None) -> None:
        """Send the entry's message, unless rounds pile up because no worker takes them."""
        if _rounds_waiting(producer) < MOST_ROUNDS_WAITING:
            super().apply_entry(entry, producer)


def _rounds_waiting(producer: Any) -> int:
    try:
        return int(producer.channel._size(ROUNDS))
    except Exception:  # the broker is away: sending fails in the same way, and logs it
        return 0


@contextmanager
def tolerated_outage() -> Iterator[None]:
    """Swallow the errors of a database that is away, busy or read-only, with a log line in 30 s; others go on."""
    global _logged_at
    try:
        yield
    except (exc.OperationalError, exc.InterfaceError, exc.TimeoutError) as error:
        if time.monotonic() - _logged_at > LOG_OUTAGE_EVERY_S:
            _logged_at = time.monotonic()
            log.warning("database away", problem=words_of(error))


class Round(Task):
    """A task that outlives an outage of the database; the next round tries again."""

    abstract = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with tolerated_outage():
            return super().__call__(*args, **kwargs)


app = Celery("adductor", include=["workers.tasks"], task_cls=Round)
_installation: Installation | None = None
_making = threading.Lock()


@app.on_configure.connect
def _configure(sender: Celery, **_: Any) -> None:
    """Apply our settings."""
    settings = load()
    is_fast = settings.clock_speed != 1
    sweep_every_s = FAST_SWEEP_EVERY_S if is_fast else SWEEP_EVERY_S
    sender.conf.update(
        broker_url=celery_broker_url(settings.redis),
        # Results are rows of the database; nothing reads Celery's.
        task_ignore_result=True,
        result_backend=None,
        # A wake-up is acknowledged when its work is done, and comes back when the worker dies over it.
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        # Late acks with prefetching would park wake-ups behind a slow one.
        worker_prefetch_multiplier=1,
        # A note is nine tenths waiting for Strava, and threads wait more cheaply than processes (docs/decisions/008).
        worker_pool="threads",
        worker_concurrency=settings.worker_threads,
        # A broker that is down at start or later is waited for, for as long as it takes.
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        # A broker that answers with an error (READONLY, OOM, BUSY, NOPERM) is waited for too; by default the worker ends.
        broker_channel_error_retry=True,
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
        task_default_queue=WAKE_UPS,
        # Beat's rounds have a queue of their own, whose length tells beat whether workers keep up.
        task_queues=[Queue(name) for name in (WAKE_UPS, ROUNDS)],  # type: ignore[no-untyped-call]
        # Redis has four priorities, and 0 is taken first: rounds find what lost wake-ups would have said, so they must not
        # wait behind the wake-ups of a busy hour.
        task_routes={
            "wake": {"queue": WAKE_UPS, "priority": 6},
            "sweep": {"queue": ROUNDS, "priority": 0},
            "expire": {"queue": ROUNDS, "priority": 9},
            "reconcile": {"queue": ROUNDS, "priority": 9},
            "upkeep": {"queue": ROUNDS, "priority": 9},
        },
        beat_schedule={
            "sweep": {"task": "sweep", "schedule": sweep_every_s},
            "expire": {"task": "expire", "schedule": EXPIRE_EVERY_S},
            "reconcile": {"task": "reconcile", "schedule": sweep_every_s if is_fast else RECONCILE_EVERY_S},
            "upkeep": {"task": "upkeep", "schedule": SWEEP_EVERY_S if is_fast else UPKEEP_EVERY_S},
        },
        beat_scheduler="workers.app:Scheduler",
        # When each entry was last sent; without it a beat that restarts every few minutes never comes to "expire".
        beat_schedule_filename=str(settings.data_dir / "beat-schedule"),
        # Beat's own idea of an idle sleep is five minutes.
        beat_max_loop_interval=sweep_every_s,
        # Beat compares times; one zone for all machines.
        timezone="UTC",
    )


@setup_logging.connect
def _keep_logging(**_: Any) -> None:
    """A receiver of this signal keeps Celery from setting up logging; adductor.logs has done so."""


def installation() -> Installation:
    """This process's own."""
    global _installation
    with _making:
        if _installation is None:
            _installation = Installation(load())
        return _installation
