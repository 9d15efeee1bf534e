"""Twenty workers that need the same runner's token at the same moment renew it once, on both databases."""

from __future__ import annotations

import multiprocessing
import threading
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pytest

from adductor.athletes import tokens
from adductor.installation import Installation
from adductor.platforms.base import ErrorKind, PlatformError
from adductor.platforms.strava import transport
from adductor.settings import load
from adductor.store.models import Athlete
from tests.support.live import MORNING, installation

pytestmark = pytest.mark.processes

PROCESSES, THREADS = 5, 4


def _worker(environment: dict[str, str], connection_id: int, ready: Barrier, given: Any) -> None:
    """A process of its own; each of its threads is a worker with database connections and leases of its own."""
    transport.stravalib_client()
    settings = load(_env_file=None, **environment)
    workers = [Installation(settings) for _ in range(THREADS)]
    for worker in workers:
        assert worker.store.answers()
    beside = threading.Barrier(THREADS)
    ready.wait(120)

    def ask(worker: Installation) -> str:
        beside.wait(60)
        while True:
            try:
                return tokens.access(worker, connection_id).token
            except PlatformError as error:
                # On a busy machine a refresh may take longer than the others wait for it: a row is retried then.
                if error.kind is not ErrorKind.RETRY:
                    return f"failed: {error}"

    with ThreadPoolExecutor(THREADS) as pool:
        given.put(list(pool.map(ask, workers)))
    for worker in workers:
        worker.close()


def test_twenty_workers_renew_one_token_with_one_call(tmp_path: Path, database_url: str) -> None:
    with installation(tmp_path / "live", ADDUCTOR_DATABASE_URL=database_url) as live:
        runner = live.runner()
        live.admin("POST", f"runners/{runner.strava_id}/expire-tokens")
        with live.store.write() as session:
            session.get_one(Athlete, runner.id).connection.expires_at = MORNING.replace(year=2000)
        # The old refresh token is dead once the new one is out: a second call would lose the connection.
        live.admin("POST", "switches", {"tokens": {"rotate": "always"}})
        live.fault(endpoint="oauth.token", delay_ms=300, times=1)
        before = len(live.calls("oauth.token"))
        context = multiprocessing.get_context("spawn")
        ready, given = context.Barrier(PROCESSES), context.Queue()
        names = ("ADDUCTOR_", "STRAVA_")
        environment = {name: value for name, value in live.here.environment.items() if name.startswith(names)}
        workers = [
            context.Process(target=_worker, args=(environment, live.athlete(runner).connection.id, ready, given))
            for _ in range(PROCESSES)
        ]
        for worker in workers:
            worker.start()
        answers = [token for _ in workers for token in given.get(timeout=150)]
        for worker in workers:
            worker.join(30)

        assert len(answers) == PROCESSES * THREADS
        assert len(set(answers)) == 1, set(answers)
        assert not answers[0].startswith("failed")
        assert len(live.calls("oauth.token")) == before + 1
        live.note_comes(live.record(runner))
