"""Heartbeat of a web process: written while it can store events. A gap is an outage (adductor.jobs.outages)."""

from __future__ import annotations

import threading
import time

from adductor import logs
from adductor.installation import Installation
from adductor.jobs import outages
from adductor.queue import heartbeats
from service.inbox_writer import InboxWriter

log = logs.get(__name__)


def start(installation: Installation, writer: InboxWriter) -> None:
    """Begin, in a thread that ends with the process."""

    def beat_forever() -> None:
        while True:
            beat(installation, writer)
            # A little faster than a heartbeat is written, so that none is late.
            time.sleep(heartbeats.EVERY.total_seconds() / 2)

    threading.Thread(target=beat_forever, name="heartbeat", daemon=True).start()


def beat(installation: Installation, writer: InboxWriter) -> None:
    """Write one heartbeat. While events can't be stored, none is written, until a probe can be stored again."""
    failed_before = writer.failing
    if failed_before and not outages.can_store(installation):
        return
    try:
        outages.web_is_alive(installation)
        heartbeats.compare_clocks(installation)
    except Exception as error:  # a database that takes no heartbeat takes no event
        writer.failing = True
        log.warning("heartbeat write failed", problem=type(error).__name__)
    else:
        if failed_before:  # a failure that came after this heartbeat began stays
            writer.failing = False
