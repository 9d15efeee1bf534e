"""What a worker does when it is woken, and what happens every few seconds without being asked."""

from __future__ import annotations

from adductor.installation import Installation
from adductor.jobs import deliveries, events, letters
from adductor.queue import claims, worker

# Deliveries first: their events were first, and a note follows its reading at once.
JOBS = (deliveries.JOB, events.JOB, letters.JOB)


def work(installation: Installation) -> int:
    """Run due rows of every job until nothing is due; returns how many."""
    return worker.drain(installation, JOBS)


def sweep(installation: Installation) -> int:
    """Recover rows of ended workers, then work: this finds what a lost wake-up would have said."""
    claims.recover_expired(installation)
    return work(installation)
