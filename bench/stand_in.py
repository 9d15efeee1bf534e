"""Strava's two calls of a note, answered at once or after a set time, for benchmarks in which the sandbox would be measured.

The sandbox checks tokens, scopes, limits and faults, which costs one to two milliseconds a call on the same processors that
are measured. This one keeps the private notes in a dictionary. Its clock is the machine's; every arrival is kept.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import requests

_LIMITS = (
    "X-RateLimit-Limit: 1000000,10000000\r\nX-RateLimit-Usage: 1,1\r\n"
    "X-ReadRateLimit-Limit: 1000000,10000000\r\nX-ReadRateLimit-Usage: 1,1\r\n"
)
RUNNER_S_RUNS = 1_000  # activity 1_007_003 is the third run of runner 1_007


class _StandIn:
    def __init__(self, delay_s: float) -> None:
        self.delay_s = delay_s
        self.notes: dict[int, str] = {}
        self.arrivals: list[tuple[float, str, int]] = []
        start = datetime.now(UTC) - timedelta(minutes=50)
        self._activity: dict[str, Any] = {
            "name": "Morning Run",
            "sport_type": "Run",
            "type": "Run",
            "start_date": start.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "start_date_local": start.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "timezone": "(GMT+00:00) UTC",
            "utc_offset": 0.0,
            "moving_time": 2700,
            "elapsed_time": 2700,
            "distance": 8100.0,
            "total_elevation_gain": 40.0,
            "description": "",
        }

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                arrived = time.time()
                line, *headers = head.decode("latin-1").split("\r\n")
                method, path, _ = line.split(" ", 2)
                length = next((int(h.split(":")[1]) for h in headers if h.lower().startswith("content-length:")), 0)
                body = await reader.readexactly(length) if length else b""
                answer = self.answer(method, path, body, arrived)
                if self.delay_s and path.startswith("/api"):
                    await asyncio.sleep(self.delay_s)
                text = json.dumps(answer).encode()
                writer.write(
                    f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{_LIMITS}"
                    f"Content-Length: {len(text)}\r\n\r\n".encode()
                    + text
                )
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def answer(self, method: str, path: str, body: bytes, arrived: float) -> Any:
        if path == "/arrivals":
            return self.arrivals
        if path == "/forget":
            self.arrivals, self.notes = [], {}
            return {}
        if "/activities/" not in path:
            return []
        number = int(path.split("?")[0].rsplit("/", 1)[1])
        self.arrivals.append((arrived, method, number))
        if method == "PUT":
            self.notes[number] = json.loads(body).get("private_note", "")
        note = self.notes.get(number, "Legs fine.")
        return {**self._activity, "id": number, "athlete": {"id": number // RUNNER_S_RUNS}, "private_note": note}


@contextmanager
def stand_in(delay_s: float = 0) -> Iterator[str]:
    """Run one in a process of its own; yields its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.stand_in", str(delay_s)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None  # noqa: S101 - it was asked for
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.kill()
        process.wait()


def arrivals(url: str) -> list[tuple[float, str, int]]:
    """When (epoch s), how and about which activity it was called."""
    return [tuple(entry) for entry in requests.get(f"{url}/arrivals", timeout=30).json()]


async def _main(delay_s: float) -> None:
    server = await asyncio.start_server(_StandIn(delay_s).serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("delay_s", type=float)
    asyncio.run(_main(parser.parse_args().delay_s))
