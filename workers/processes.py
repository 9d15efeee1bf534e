"""The worker and beat processes, without Celery's command line, which would bring its whole shell."""

from __future__ import annotations

import os
import platform
import threading
import time
import warnings
from pathlib import Path
from typing import Any

from celery.beat import Service
from celery.exceptions import SecurityWarning
from celery.signals import after_task_publish, worker_ready, worker_shutdown, worker_shutting_down

from adductor import broker, logs
from adductor.queue import heartbeats
from adductor.queue import worker as queue_worker
from adductor.settings import SettingsError
from workers.app import app, installation, tolerated_outage

log = logs.get(__name__)

# On SIGTERM: process managers wait ten seconds before they kill.
ENDS_WITHIN_S = 8.0
_BEAT_RESTARTS_AFTER_S = 1.0


def run_worker(*, with_beat: bool = False, ready_file: str | None = None) -> int:
    """Run the worker until SIGTERM: finish what is at hand, give back the rest. Returns its exit code.

    Raises SettingsError for a Redis Cluster.
    ``with_beat`` runs the clock in a thread. ``ready_file`` is created when the worker takes work.
    """
    if broker.find_problem(installation().redis) == broker.IS_CLUSTER:
        raise SettingsError([f"ADDUCTOR_REDIS_URL {broker.IS_CLUSTER}"])
    # Celery warns root, over ten lines, of a message format (pickle) that ours cannot be in.
    warnings.filterwarnings("ignore", category=SecurityWarning)

    @worker_ready.connect(weak=False)
    def ready(**_: Any) -> None:
        if with_beat:
            threading.Thread(target=_beat_forever, name="beat", daemon=True).start()
        heartbeats.beat(installation(), "worker")
        if ready_file is not None:
            Path(ready_file).touch()

    worker = app.Worker(
        hostname=f"worker-{os.getpid()}@{platform.node()}",
        loglevel="WARNING",
        quiet=True,  # no banner: our own log says what starts
        without_gossip=True,  # workers have nothing to tell each other: the database coordinates
        without_mingle=True,
        without_heartbeat=True,
    )
    worker.start()
    return int(worker.exitcode or 0)


def run_beat() -> None:
    """Run the clock in this process until SIGTERM."""
    app.Beat(loglevel="WARNING", quiet=True).run()


def _beat_forever() -> None:
    """Run the clock in this thread. An error ends its loop, and must not end the clock of a worker that lives on."""
    while True:
        try:
            Service(app).start()
        except Exception as error:
            log.error("beat exited", problem=str(error), restart_in_s=_BEAT_RESTARTS_AFTER_S)
        time.sleep(_BEAT_RESTARTS_AFTER_S)


@after_task_publish.connect(sender="sweep")
def _beat_is_alive(**_: Any) -> None:
    """Only beat asks for sweeps: that it just did is its heartbeat."""
    with tolerated_outage():
        heartbeats.beat(installation(), "beat")


@worker_shutting_down.connect
def _shutting_down(**_: Any) -> None:
    # In Celery's signal handler: only work that needs no lock.
    queue_worker.stopping.set()
    threading.Thread(target=_end_in_time, name="end-in-time", daemon=True).start()


def _end_in_time() -> None:
    """Watchdog of the shutdown: a row that is not done in time returns to the queue when its lease runs out."""
    time.sleep(ENDS_WITHIN_S)
    os._exit(0)


@worker_shutdown.connect
def _close(**_: Any) -> None:
    installation().close()
