"""Which message a worker takes first from a real broker that holds many."""

from __future__ import annotations

import pytest
from kombu import Connection

from tests.support.live import Live
from workers import tasks
from workers.app import celery_broker_url

pytestmark = pytest.mark.processes
# Of its own, so that the installation's worker doesn't take from it.
QUEUE = "order-of-messages"


def test_a_sweep_does_not_wait_behind_the_wake_ups_of_a_busy_hour(live: Live) -> None:
    url = celery_broker_url(live.here.settings.redis)
    with Connection(url) as broker:
        for _ in range(40):
            tasks.wake.apply_async(connection=broker, queue=QUEUE)
        tasks.sweep.apply_async(connection=broker, queue=QUEUE)
        with broker.SimpleQueue(QUEUE) as queue:
            taken = [queue.get(timeout=5) for _ in range(41)]
            for message in taken:
                message.ack()

    assert [message.headers["task"] for message in taken] == ["sweep", *["wake"] * 40]
