"""A web process says every few seconds that it can store events. A gap in that is an outage (adductor.pipeline.outages)."""

from __future__ import annotations

import threading

from adductor import logs
from adductor.installation import Installation
from adductor.pipeline import heartbeats, outages

log = logs.get(__name__)


def start(installation: Installation) -> None:
    """Begin, in a thread that ends with the process."""
    threading.Thread(target=_beat_forever, args=(installation,), name="pulse", daemon=True).start()


def _beat_forever(installation: Installation) -> None:
    stopped = threading.Event()
    while True:
        try:
            outages.web_is_alive(installation)
        except Exception as error:  # a database that takes no beat takes no event: the gap tells
            log.warning("no sign of life could be stored", problem=type(error).__name__)
        # A little faster than a beat is written, so that none is late.
        stopped.wait(heartbeats.EVERY.total_seconds() / 2)
