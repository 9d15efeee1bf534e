"""A worker with our settings of Celery whose tasks do nothing: the floor of `bench.notes`."""

from __future__ import annotations

import os
import sys
import time
from functools import cache

import redis
from celery import Celery

from adductor.settings import load
from workers.app import configure

FIRST, LAST = "noop:first", "noop:last"


@cache
def _app() -> Celery:
    app = Celery("noop")
    configure(app, load())
    app.conf.update(beat_schedule={}, task_default_queue="noop")
    app.task(name="noop")(_noop)
    return app


@cache
def _redis() -> redis.Redis:
    return redis.Redis.from_url(os.environ["ADDUCTOR_REDIS_URL"])


def _noop(key: str | None) -> None:
    if key is not None:
        _redis().set(key, repr(time.time()))


def publish(count: int) -> None:
    """So many tasks, the first and the last of which write down when they ran."""
    app = _app()
    with app.connection_for_write() as connection:
        producer = app.amqp.Producer(connection)
        for number in range(count):
            key = FIRST if number == 0 else LAST if number == count - 1 else None
            app.send_task("noop", args=[key], producer=producer)
    _app.cache_clear()


if __name__ == "__main__":
    worker = _app().Worker(loglevel="ERROR", without_gossip=True, without_mingle=True, without_heartbeat=True)
    worker.start()
    sys.exit(worker.exitcode)
