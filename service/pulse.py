"""A web process says every few seconds that it can store events. A gap in that is an outage (adductor.jobs.outages)."""

from __future__ import annotations

import threading

from adductor import logs
from adductor.installation import Installation
from adductor.jobs import outages
from adductor.queue import heartbeats
from service.inbox_writer import InboxWriter

log = logs.get(__name__)


def start(installation: Installation, writer: InboxWriter) -> None:
    """Begin, in a thread that ends with the process."""
    threading.Thread(target=_beat_forever, args=(installation, writer), name="pulse", daemon=True).start()


def beat(installation: Installation, writer: InboxWriter) -> None:
    """One sign of life, unless events can't be stored: then the gap tells. Looks whether they can again."""
    failed_before = writer.failing
    if failed_before and not outages.can_store(installation):
        return
    try:
        outages.web_is_alive(installation)
    except Exception as error:  # a database that takes no beat takes no event
        writer.failing = True
        log.warning("no sign of life could be stored", problem=type(error).__name__)
    else:
        if failed_before:  # what failed only now is not made good by a beat that began before
            writer.failing = False


def _beat_forever(installation: Installation, writer: InboxWriter) -> None:
    stopped = threading.Event()
    while True:
        beat(installation, writer)
        # A little faster than a beat is written, so that none is late.
        stopped.wait(heartbeats.EVERY.total_seconds() / 2)
