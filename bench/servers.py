"""The servers that webhooks are sent to, each in a folder of its own, killed at the end."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import psutil
import requests
from sqlalchemy import select

from adductor.settings import load
from adductor.store import Store
from adductor.store.models import Subscription
from service import orphans
from service.supervisor import free_port, python

_UP_WITHIN_S = 60.0
T = TypeVar("T")


@dataclass(slots=True)
class Server:
    """A server that takes webhooks."""

    address: str
    path: str
    processes: Callable[[], list[psutil.Process]]
    subscription_id: int
    database: str | None  # ours; None for the floor


@contextmanager
def adductor_up(folder: Path) -> Iterator[Server]:
    """`adductor up` in a folder of its own, with nothing set but where it listens."""
    folder.mkdir()
    web, sandbox = (f"127.0.0.1:{free_port()}" for _ in range(2))
    values = {"ADDUCTOR_DATA_DIR": str(folder / "data"), "ADDUCTOR_BIND": web}
    with started(python("-m", "service.cli", "up", f"--sandbox-bind={sandbox}"), values, folder) as process:
        state = f"http://{sandbox}/admin/state"

        def subscription() -> int | None:
            known = requests.get(state, timeout=5).json()["subscription"]
            return int(known["id"]) if known else None

        subscription_id = until(subscription, process, folder)
        settings = load(_env_file=None, **values)
        store = Store(settings.database)
        # The sandbox made it; it counts as ours once it is kept.
        until(lambda: _kept_subscription(store), process, folder)
        store.close()
        yield Server(
            web, urlsplit(settings.webhook_url).path, lambda: tree(process.pid), subscription_id, settings.database
        )


def _kept_subscription(store: Store) -> int | None:
    with store.read() as session:
        return session.scalar(select(Subscription.subscription_id))


@contextmanager
def floor_server(folder: Path) -> Iterator[Server]:
    """bench/floor_web.py in a folder of its own."""
    folder.mkdir()
    address = f"127.0.0.1:{free_port()}"
    with started(python("-m", "bench.floor_web", address, str(folder)), {}, folder) as process:
        until(lambda: requests.get(f"http://{address}/healthz", timeout=5).ok, process, folder)
        yield Server(address, "/webhook", lambda: tree(process.pid), 1, None)


@contextmanager
def started(arguments: list[str], values: dict[str, str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process and all that it starts; at the end they are killed, for nothing of theirs is kept."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ADDUCTOR_", "STRAVA_"))}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            arguments,
            env={**environment, **values},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=orphans.die_with_parent,
        )
        try:
            yield process
        finally:
            for one in tree(process.pid):
                with contextlib.suppress(psutil.NoSuchProcess):
                    one.kill()
            process.wait()


def tree(pid: int) -> list[psutil.Process]:
    """A process and all below it."""
    try:
        top = psutil.Process(pid)
        return [top, *top.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def until(look: Callable[[], T | None], process: subprocess.Popen[bytes], folder: Path) -> T:
    """What ``look`` finds, as soon as it finds it. Raises RuntimeError with the log's end when it doesn't."""
    give_up_at = time.monotonic() + _UP_WITHIN_S
    while process.poll() is None and time.monotonic() < give_up_at:
        with contextlib.suppress(requests.RequestException):
            if found := look():
                return found
        time.sleep(0.05)  # another process that tells nobody when it is ready
    last = "\n".join((folder / "log").read_text(errors="replace").splitlines()[-15:])
    raise RuntimeError(f"{process.args!r} did not come up; its log ends with\n{last}")
