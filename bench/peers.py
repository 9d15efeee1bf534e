"""Two usual ways to take webhooks with Flask, for comparison; neither keeps the product's promises.

Both store the event as the floor does. "thread" then starts a thread; "celery" sends a task an event through Redis to a
worker with as many threads as ours. The work is one GET of the activity and one PUT of its private note: no decision, no
budget, no retry, no look at the standing text. An athlete without a token costs nothing.

Usage: `python -m bench.peers HOST:PORT FOLDER thread|celery`, and `celery -A bench.peers worker`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import requests
from celery import Celery

from bench.floor import THREADS, create_app, serve
from bench.servers import Server, free_port, started, until

WAYS = {"thread": "Flask, a thread an event", "celery": "Flask, a Celery task an event"}
_API, _TOKENS, _BROKER = "PEER_API_URL", "PEER_TOKENS", "PEER_BROKER_URL"
_LINE = "Adductors: 2 sets of squeezes, 4 minutes."

app = Celery("peer", broker=os.environ.get(_BROKER))
app.conf.update(task_ignore_result=True)


def write_note(owner: int, activity: int) -> None:
    """Read the activity and write its note."""
    token = json.loads(Path(os.environ[_TOKENS]).read_text()).get(str(owner))
    if token is None:
        return
    url, headers = f"{os.environ[_API]}/activities/{activity}", {"Authorization": f"Bearer {token}"}
    note = requests.get(url, headers=headers, timeout=30).json().get("private_note") or ""
    requests.put(url, headers=headers, json={"private_note": f"{note}\n\n{_LINE}"}, timeout=30)


_task = app.task(name="write_note")(write_note)


def _start_thread(event: dict[str, Any]) -> None:
    threading.Thread(target=write_note, args=(event["owner_id"], event["object_id"]), daemon=True).start()


def _send_task(event: dict[str, Any]) -> None:
    _task.delay(event["owner_id"], event["object_id"])


@contextmanager
def peer(way: str, folder: Path, api_url: str, tokens: dict[int, str]) -> Iterator[Server]:
    """Run one of them; ``tokens``: access tokens by Strava's id."""
    folder.mkdir(parents=True)
    (folder / "tokens").write_text(json.dumps(tokens))
    broker, address = free_port(), f"127.0.0.1:{free_port()}"
    values = {_API: api_url, _TOKENS: str(folder / "tokens"), _BROKER: f"redis://127.0.0.1:{broker}/0"}
    with ExitStack() as stack:

        def start(name: str, *command: str) -> subprocess.Popen[bytes]:
            (folder / name).mkdir()
            return stack.enter_context(started([*command], values, folder / name))

        if way == "celery":
            start("redis", "redis-server", "--bind", "127.0.0.1", "--port", str(broker), "--save", "")
            options = ("--pool=threads", f"--concurrency={THREADS}", "--loglevel=WARNING")
            worker = start("worker", sys.executable, "-m", "celery", "-A", "bench.peers", "worker", *options)
            control = Celery(broker=values[_BROKER]).control
            until(lambda: control.ping(timeout=0.5), worker, folder / "worker")
        process = start("web", sys.executable, "-m", "bench.peers", address, str(folder), way)
        until(lambda: requests.get(f"http://{address}/", timeout=5).ok, process, folder / "web")
        yield Server(address, "/webhook", process)


if __name__ == "__main__":
    ways = {"thread": _start_thread, "celery": _send_task}
    serve(sys.argv[1], create_app(Path(sys.argv[2]) / "peer.db", ways[sys.argv[3]]))
