"""Event to note: latency with Strava 50 ms away, and Strava calls a note.

The whole installation as `adductor up` runs it. Latency runs from the moment before the webhook is sent to the arrival of
our write, as the sandbox logs it. The floor is one GET to the same sandbox.
"""

from __future__ import annotations

import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from statistics import median

import requests

from bench import peers
from bench.figures import Figure, ms, percentile
from bench.rows import Rows
from bench.servers import Up, adductor_up, new_activity

AWAY_S = 0.05  # a usual answer of Strava's
# Strava's largest tier lets through a few notes a second; the other is a rush. Each with its number of events.
RATES, QUICK_RATES = {4: 80, 20: 200}, {4: 12, 20: 60}
P50_MORE_MS, P99_MORE_MS = 30, 60
CALLS_A_NOTE = 2
PEER_EVENTS, QUICK_PEER_EVENTS = 30, 8
_ROUND = 100  # events of which the second slowest is the p99: five seconds
_WITHIN_S = 120.0


@dataclass(frozen=True, slots=True)
class Run:
    """A run of an athlete who is due a routine."""

    athlete: int
    activity: int


def measure(quick: bool = False) -> list[Figure]:
    """Two figures of latency, and one of calls."""
    rates = QUICK_RATES if quick else RATES
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="adductor-bench-")))
        up = stack.enter_context(adductor_up(folder, ADDUCTOR_LOG="json"))
        first = learn_limits(up)
        runs = athletes_with_a_run(up, sum(rates.values()))
        for endpoint in ("activities.get", "activities.update"):
            up.sandbox.ask("POST", "faults", {"endpoint": endpoint, "delay_ms": AWAY_S * 1000})
        figures, waiting = [], iter(runs)
        for rate, events in rates.items():
            trips = [_round_trip(up, first) for _ in range(20)]
            these = list(islice(waiting, events))
            sent = send_paced(up, these, rate)
            written = wait_for_writes(up, these)
            took = [written[run.activity] - sent[run.activity].at for run in these]
            figures += _latency(took, median(trips), rate)
            trip = median(trips)
        figures.append(_calls(_calls_a_note(up, runs)))
        for way, what in peers.WAYS.items():
            figures.append(_of_a_peer(up, way, what, folder / way, trip, QUICK_PEER_EVENTS if quick else PEER_EVENTS))
        return figures


def _of_a_peer(up: Up, way: str, what: str, folder: Path, trip: float, events: int) -> Figure:
    """The same trip through a peer, at the lowest rate."""
    runs = athletes_with_a_run(up, events)
    tokens = {run.athlete: up.sandbox.access_token(run.athlete) for run in runs}
    with peers.peer(way, folder, f"{up.sandbox.url}/api/v3", tokens) as server:
        sent = send_paced(replace(up, server=server), runs, min(RATES))
        written = wait_for_writes(up, runs)
    took = [written[run.activity] - sent[run.activity].at for run in runs]
    remarks = f"longest {ms(max(took))}"
    more = f"+{ms(median(took) - trip)}"
    return Figure(f"{what}: event to write, p50", ms(median(took)), f"one GET {ms(trip)}", more, "-", None, remarks)


@dataclass(frozen=True, slots=True)
class Sent:
    """When an event was sent (epoch s), and how long its answer took."""

    at: float
    answered_s: float


def learn_limits(up: Up) -> Run:
    """Lift the sandbox's limits; the budget learns them from the answers about a first run, which is returned."""
    up.sandbox.set_limits(10_000_000)
    [first] = athletes_with_a_run(up, 1)
    _send(up, first)
    wait_for_writes(up, [first])
    return first


def athletes_with_a_run(up: Up, count: int) -> list[Run]:
    """Athletes who are connected and due, each with a run that ended just now and that no event told of."""
    with ThreadPoolExecutor(4) as pool:
        athletes = [up.sandbox.new_athlete() for _ in range(count)]
        list(pool.map(lambda athlete: up.sandbox.connect(up.url, athlete), athletes))
    now = datetime.fromtimestamp(up.sandbox.now(), UTC)
    rows = Rows(up.database)
    rows.prepare_athletes(athletes, now, history_read_at=now)
    for days in (3, 5, 8, 10, 12):
        rows.add_run(athletes, now, days)
    rows.close()
    return [Run(one, up.sandbox.record(one, silent=True, private_note="Legs fine.")) for one in athletes]


def _send(up: Up, run: Run) -> Sent:
    """Send the event on a connection of its own, as Strava does."""
    event = new_activity(up.server, run.activity, run.athlete)
    sent = time.time()
    answer = requests.post(f"http://{up.server.address}{up.server.webhook_path}", json=event, timeout=10)
    answer.raise_for_status()
    return Sent(sent, answer.elapsed.total_seconds())


def send_paced(up: Up, runs: list[Run], rate: int) -> dict[int, Sent]:
    """Send the runs' events at even distances, whatever the answers take."""
    started = time.monotonic()
    sending = {}
    with ThreadPoolExecutor(16) as pool:
        for place, run in enumerate(runs):
            time.sleep(max(0.0, started + place / rate - time.monotonic()))
            sending[run.activity] = pool.submit(_send, up, run)
    return {activity: future.result() for activity, future in sending.items()}


def wait_for_writes(up: Up, runs: list[Run]) -> dict[int, float]:
    """When each activity was written to (epoch s). Raises TimeoutError."""
    wanted = {run.activity for run in runs}
    deadline = time.monotonic() + _WITHIN_S
    while time.monotonic() < deadline:
        writes = {call["activity_id"]: call["real_s"] for call in up.sandbox.calls(endpoint="activities.update")}
        if wanted <= set(writes):
            return {activity: writes[activity] for activity in wanted}
        time.sleep(0.1)  # the sandbox is asked; asking more often would be measured
    raise TimeoutError(f"{len(wanted - set(writes))} notes were not written within {_WITHIN_S:.0f} s")


def _round_trip(up: Up, run: Run) -> float:
    """Seconds of one GET of an activity."""
    token = up.sandbox.access_token(run.athlete)
    began = time.perf_counter()
    headers = {"Authorization": f"Bearer {token}"}
    requests.get(f"{up.sandbox.url}/api/v3/activities/{run.activity}", headers=headers, timeout=30).raise_for_status()
    return time.perf_counter() - began


def _calls_a_note(up: Up, runs: list[Run]) -> float:
    """GETs and PUTs of our application about these activities, a note."""
    ours = {run.activity for run in runs}
    calls = [*up.sandbox.calls(endpoint="activities.get"), *up.sandbox.calls(endpoint="activities.update")]
    return sum(call["activity_id"] in ours for call in calls) / len(runs)


def _latency(took: list[float], trip: float, rate: int) -> list[Figure]:
    rounds = [took[start : start + _ROUND] for start in range(0, len(took), _ROUND)]
    p99 = median(percentile(each, 0.99) for each in rounds)
    rows = (
        ("p50", median(took), P50_MORE_MS, f"longest {ms(max(took))}"),
        ("p99", p99, P99_MORE_MS, f"median of {len(rounds)} stretches' p99"),
    )
    return [
        Figure(
            f"event to our write arriving, {rate} events/s, {name}",
            ms(value),
            f"one GET {ms(trip)}",
            f"+{ms(value - trip)}",
            f"at most +{more} ms",
            met=value - trip <= more / 1000,
            remarks=remarks,
        )
        for name, value, more, remarks in rows
    ]


def _calls(calls: float) -> Figure:
    return Figure(
        "Strava calls a note (GET and PUT)",
        f"{calls:.2f}",
        f"{CALLS_A_NOTE}",
        f"{calls / CALLS_A_NOTE:.2f} x",
        "exactly 2",
        met=calls == CALLS_A_NOTE,
    )
