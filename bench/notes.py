"""How fast a note comes, and how many a worker writes.

`latency`: the whole installation as `adductor up` runs it, with the sandbox 50 ms away; from the moment before the webhook is
sent to the arrival of our write. `throughput`: one worker with a backlog and a Strava that answers at once, beside the same
worker with tasks that do nothing. `workers`: one to three workers on PostgreSQL and Redis with Strava 50 ms away.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from http import client as http_client
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

import redis
import requests
from sqlalchemy import insert

from adductor.installation import Installation
from adductor.jobs import inbox
from adductor.platforms.base import WebhookEvent
from adductor.settings import Settings, load
from adductor.store import Store, migrate
from adductor.store.models import Athlete, LoggedActivity, Token
from bench.figures import Figure, Part, ms, percentile
from bench.stand_in import RUNNER_S_RUNS, arrivals, stand_in
from service.cli.up import running, subscribe_in_words
from service.supervisor import free_port

AWAY_S = 0.05  # a usual answer of Strava's
EVENTS_A_SECOND = 20
_ROUND = 100  # events of which the second slowest is taken for the p99: five seconds
_WITHIN_S = 120.0
_FIRST_RUNNER = 1_000


def measure(quick: bool) -> Part:
    """All of it; ``quick`` with a tenth of the events."""
    part = Part()
    latency(part, events=100 if quick else 400)
    throughput(part, events=200 if quick else 1_000, rounds=1 if quick else 2)
    if not quick:
        workers(part, events=400)
    return part


# -- latency -------------------------------------------------------------------------------------------------------------


def latency(part: Part, *, events: int) -> None:
    """20 events a second, evenly spaced, each the first run of another runner."""
    with _folder() as folder, ExitStack() as stack:
        bind, sandbox = (f"127.0.0.1:{free_port()}" for _ in range(2))
        environment = _environment(
            ADDUCTOR_DATA_DIR=str(folder), ADDUCTOR_BIND=bind, ADDUCTOR_PUBLIC_URL=f"http://{bind}", ADDUCTOR_LOG="json"
        )
        log = stack.enter_context((folder / "parts.log").open("wb"))
        here = stack.enter_context(
            running(load(_env_file=None, **environment), environment, sandbox_bind=sandbox, output=log)
        )
        subscribe_in_words(here.installation)
        http = requests.Session()
        limits = [10_000_000, 100_000_000]
        tier = {"name": "bench", "athletes": 1_000_000, "overall": limits, "read": limits}
        http.post(f"http://{sandbox}/admin/tier", json=tier, timeout=30).raise_for_status()
        number = http.get(f"http://{sandbox}/admin/state", timeout=30).json()["subscription"]["id"]
        known = [_in_the_sandbox(http, f"http://{sandbox}", here.installation) for _ in range(events + 1)]

        address = urlsplit(here.settings.webhook_url)

        def send(activity: int, owner: int) -> float:
            """A connection of its own for each event, as Strava does it; returns when that began."""
            body = json.dumps(_body(number, activity, owner))
            connection = http_client.HTTPConnection(address.netloc, timeout=10)
            sent = time.time()
            connection.request("POST", address.path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            connection.close()
            if answer.status != 200:
                raise RuntimeError(f"a webhook was answered {answer.status}")
            return sent

        def written(count: int) -> dict[int, float]:
            query = {"endpoint": "activities.update", "limit": count + 10}
            calls = http.get(f"http://{sandbox}/admin/calls", params=query, timeout=30).json()["calls"]
            return {call["activity_id"]: call["real_s"] for call in calls}

        (first, owner, _), *rest = known
        send(first, owner)  # the budget learns the limits from the first call's answer
        _until(lambda: len(written(1)) == 1)
        for endpoint in ("activities.get", "activities.update"):
            fault = {"endpoint": endpoint, "delay_ms": AWAY_S * 1000}
            http.post(f"http://{sandbox}/admin/faults", json=fault, timeout=30).raise_for_status()
        trips = [_round_trip(http, f"http://{sandbox}", first, known[0][2]) for _ in range(20)]
        started = time.monotonic()
        with ThreadPoolExecutor(16) as pool:
            sent = {}
            for place, (activity, runner, _) in enumerate(rest):
                time.sleep(max(0.0, started + place / EVENTS_A_SECOND - time.monotonic()))
                sent[activity] = pool.submit(send, activity, runner)
            at = {activity: future.result() for activity, future in sent.items()}
        _until(lambda: len(written(events + 1)) == events + 1)
        trips += [_round_trip(http, f"http://{sandbox}", first, known[0][2]) for _ in range(20)]
        arrived = written(events + 1)
    took = [arrived[activity] - at[activity] for activity in at]  # in the order in which they were sent
    trip = percentile(trips, 0.5)
    rounds = [took[start : start + _ROUND] for start in range(0, len(took), _ROUND)]
    part.figures += [
        _above_the_trip("p50", percentile(took, 0.5), trip, 10, f"longest {ms(max(took))}"),
        _above_the_trip(
            "p99",
            median(percentile(each, 0.99) for each in rounds),
            trip,
            40,
            # A disk that stops for a third of a second meets several notes, and they would be the p99 of all.
            f"median of {len(rounds)} stretches' p99; of all together {ms(percentile(took, 0.99))}",
        ),
    ]


def _above_the_trip(name: str, took: float, trip: float, more_ms: int, remarks: str) -> Figure:
    return Figure(
        f"event to our write arriving, {EVENTS_A_SECOND} events/s, {name}",
        ms(took),
        f"one GET {ms(trip)}",
        f"+{ms(took - trip)}",
        f"at most +{more_ms} ms",
        took - trip <= more_ms / 1000,
        remarks,
    )


def _in_the_sandbox(http: requests.Session, sandbox: str, installation: Installation) -> tuple[int, int, str]:
    """A new connected runner with a run of just now; the run, the runner, the access token."""
    made = http.post(f"{sandbox}/admin/connected-athletes", json={"runner": {"timezone": "UTC"}}, timeout=30).json()
    _runners(installation, [made["runner_id"]], made)
    recording = {"silent": True, "private_note": "Legs fine."}
    address = f"{sandbox}/admin/runners/{made['runner_id']}/activities"
    run = http.post(address, json=recording, timeout=30).json()
    return run["id"], made["runner_id"], made["access_token"]


def _round_trip(http: requests.Session, sandbox: str, activity: int, token: str) -> float:
    started = time.perf_counter()
    http.get(f"{sandbox}/api/v3/activities/{activity}", headers={"Authorization": f"Bearer {token}"}, timeout=30)
    return time.perf_counter() - started


def _body(subscription: int, activity: int, owner: int) -> dict[str, Any]:
    return {
        "object_type": "activity",
        "aspect_type": "create",
        "object_id": activity,
        "owner_id": owner,
        "subscription_id": subscription,
        "event_time": int(time.time()),
        "updates": {},
    }


# -- throughput ----------------------------------------------------------------------------------------------------------


def throughput(part: Part, *, events: int, rounds: int) -> None:
    """Notes a second of one worker process, beside tasks that do nothing, one after the other in turn."""
    ours, floor = [], []
    for _ in range(rounds):
        with _folder() as folder, stand_in() as strava, _redis(folder) as broker:
            environment = _house(folder, broker, strava)
            floor.append(_noop_rate(environment, events * 3))
            with _workers(environment, 1, folder):
                ours.append(_rate_from_backlog(environment, strava, events))
    value, beside = max(ours), max(floor)
    part.figures.append(
        Figure(
            "notes a second, one worker process, Strava answering at once",
            f"{value:.0f}/s",
            f"no-op tasks {beside:.0f}/s",
            f"{value / beside:.2f} x",
            "at least 0.2 x",
            value / beside >= 0.2,
        )
    )


def _noop_rate(environment: Mapping[str, str], tasks: int) -> float:
    """Tasks a second that do nothing, with the same settings of Celery."""
    from bench import noop

    url = environment["ADDUCTOR_REDIS_URL"]
    with _environed(environment):
        noop.publish(tasks)
    worker = subprocess.Popen(
        [sys.executable, "-m", "bench.noop"],
        env=dict(environment),
        stdout=subprocess.DEVNULL,  # Celery's banner
        stderr=subprocess.DEVNULL,
    )
    client = redis.Redis.from_url(url)
    try:
        _until(lambda: client.get(noop.LAST) is not None)
        first, last = (float(client.get(key) or 0) for key in (noop.FIRST, noop.LAST))
    finally:
        worker.kill()
        worker.wait()
        client.flushall()
    return (tasks - 1) / (last - first)


# -- one worker or more --------------------------------------------------------------------------------------------------


def workers(part: Part, *, events: int) -> None:
    """Throughput from a backlog, and how long a note takes at 20 events a second, with 1, 2 and 3 worker processes."""
    from tests.support import postgres

    rows = ["| workers | notes a second | event to note, p50 | p99 |", "|---|---|---|---|"]
    with (
        _folder() as folder,
        stand_in(AWAY_S) as strava,
        _redis(folder) as broker,
        postgres.server(folder / "postgres") as base,
    ):
        for count in (1, 2, 3):
            database = postgres.new_database(base, f"workers_{count}")
            environment = _house(folder / str(count), broker, strava) | {"ADDUCTOR_DATABASE_URL": database}
            with _workers(environment, count, folder):
                rate = _rate_from_backlog(environment, strava, events)
                requests.get(f"{strava}/forget", timeout=30)
                took = _steadily(environment, strava, first=_FIRST_RUNNER + events, events=events // 2)
            p50, p99 = (ms(percentile(took, share)) for share in (0.5, 0.99))
            rows.append(f"| {count} | {rate:.0f} | {p50} | {p99} |")
            requests.get(f"{strava}/forget", timeout=30)
            redis.Redis.from_url(broker).flushall()
    part.tables["Workers"] = "\n".join(
        [
            f"PostgreSQL, Redis, Strava {AWAY_S * 1000:.0f} ms away, {os.cpu_count()} processors shared by all of it and the"
            f" bench. Notes a second from a backlog of {events}; event to note at {EVENTS_A_SECOND} events a second.",
            "",
            *rows,
        ]
    )


def _steadily(environment: Mapping[str, str], strava: str, *, first: int, events: int) -> list[float]:
    """Events at an even pace, stored and announced as the web part does it; seconds from each to its write."""
    installation = _installation(environment)
    owners = range(first, first + events)
    _runners(installation, owners)
    at = {}
    with _waking(environment) as wake:
        started = time.monotonic()
        for place, owner in enumerate(owners):
            time.sleep(max(0.0, started + place / EVENTS_A_SECOND - time.monotonic()))
            at[owner * RUNNER_S_RUNS] = time.time()
            with installation.store.write() as session:
                connection = session.connection()
                ids = list(inbox.put(connection, [_event(owner)], installation.clock.now()))
            wake(ids)
    installation.close()
    return [arrived - at[activity] for arrived, activity in _writes(strava, events)]


# -- what they share -----------------------------------------------------------------------------------------------------


def _environment(**values: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("ADDUCTOR_", "STRAVA_"))}
    return inherited | values


@contextmanager
def _environed(values: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _house(folder: Path, broker: str, strava: str) -> dict[str, str]:
    """Settings of an installation without web part and clock, its database made."""
    return _environment(
        ADDUCTOR_DATA_DIR=str(folder / "data"),
        ADDUCTOR_REDIS_URL=broker,
        ADDUCTOR_LOG="json",
        STRAVA_CLIENT_ID="1",
        STRAVA_CLIENT_SECRET="bench",  # noqa: S106 - of a stand-in on this machine
        ADDUCTOR_STRAVA_API_URL=f"{strava}/api/v3",
        ADDUCTOR_STRAVA_OAUTH_URL=f"{strava}/oauth",
    )


def _settings(environment: Mapping[str, str]) -> Settings:
    return load(_env_file=None, **{name: value for name, value in environment.items() if name.isupper()})


def _installation(environment: Mapping[str, str]) -> Installation:
    settings = _settings(environment)
    store = Store(settings.database)
    migrate.upgrade(store)
    store.close()
    return Installation(settings)


def _rate_from_backlog(environment: Mapping[str, str], strava: str, events: int) -> float:
    """Notes a second while there is always more to do."""
    _backlog(environment, range(_FIRST_RUNNER - 1, _FIRST_RUNNER))
    _writes(strava, 1)  # the rate budget knows its limits after the first answer, and the worker is up
    requests.get(f"{strava}/forget", timeout=30)
    _backlog(environment, range(_FIRST_RUNNER, _FIRST_RUNNER + events))
    return _rate(_writes(strava, events))


def _backlog(environment: Mapping[str, str], owners: range) -> None:
    """Runners who are due a routine, an event of each in the inbox, and the wake-ups for them in the queue."""
    installation = _installation(environment)
    _runners(installation, owners)
    with installation.store.write() as session:
        connection = session.connection()
        ids = list(inbox.put(connection, [_event(owner) for owner in owners], installation.clock.now()))
    installation.close()
    with _waking(environment) as wake:
        for start in range(0, len(ids), 10):
            wake(ids[start : start + 10])


@contextmanager
def _waking(environment: Mapping[str, str]) -> Iterator[Callable[[list[int]], object]]:
    """Wakes the workers of one installation. An application of its own: ours keeps the first broker that it knew."""
    from celery import Celery

    from workers.app import configure

    app = Celery("bench", set_as_current=False)
    configure(app, _settings(environment))
    with app.connection_for_write() as connection:
        producer = app.amqp.Producer(connection)
        yield lambda _: app.send_task("wake", producer=producer)


def _event(owner: int) -> WebhookEvent:
    return WebhookEvent(
        platform="strava",
        subscription_id=1,
        object_type="activity",
        object_id=owner * RUNNER_S_RUNS,
        aspect_type="create",
        event_time=datetime.now(UTC).replace(microsecond=0),
        owner_id=owner,
        updates={},
    )


def _runners(installation: Installation, owners: Any, minted: Mapping[str, Any] | None = None) -> None:
    """Runners with a fortnight of runs who are due a routine."""
    now = installation.clock.now()
    access = installation.vault.seal(minted["access_token"] if minted else "a")
    refresh = installation.vault.seal(minted["refresh_token"] if minted else "r")
    with installation.store.write() as session:
        ids = dict(
            session.execute(
                insert(Athlete).returning(Athlete.platform_athlete_id, Athlete.id),
                [
                    {
                        "platform": "strava",
                        "platform_athlete_id": owner,
                        "connected_at": now - timedelta(days=60),
                        "confirmed_at": now - timedelta(days=60),
                        "screening_completed_at": now - timedelta(days=60),
                        "scopes": "read,activity:read_all,activity:write",
                        "programme_stage": 2,
                        "sessions_completed_total": 9,
                        "last_completed_on": now.date() - timedelta(days=6),
                        "history_read_at": now,
                        "private_note_seen_at": now - timedelta(days=3),
                        # At any hour of the day that the bench is run in.
                        "quiet_from_local": "00:00",
                        "quiet_until_local": "00:00",
                    }
                    for owner in owners
                ],
            ).all()
        )
        session.execute(
            insert(Token),
            [
                {
                    "athlete_id": number,
                    "access_sealed": access,
                    "refresh_sealed": refresh,
                    "expires_at": now + timedelta(hours=6),
                }
                for number in ids.values()
            ],
        )
        session.execute(
            insert(LoggedActivity),
            [
                {
                    "athlete_id": number,
                    "platform_id": owner * RUNNER_S_RUNS + days,
                    "sport": "run",
                    "start": now - timedelta(days=days),
                    "moving_s": 2400,
                    "elapsed_s": 2400,
                    "distance_m": 7200.0,
                    "elevation_gain_m": 30.0,
                    "intensity": "easy",
                    "manual": False,
                    "time_unreliable": False,
                    "uploaded_at": now - timedelta(days=days),
                    "fetched_at": now,
                    "expires_at": now + timedelta(days=6),
                }
                for owner, number in ids.items()
                for days in (3, 5, 8, 10, 12)
            ],
        )


@contextmanager
def _workers(environment: Mapping[str, str], count: int, folder: Path) -> Iterator[None]:
    with ExitStack() as stack:
        for number in range(count):
            log = stack.enter_context((folder / f"worker-{number}.log").open("wb"))
            process = subprocess.Popen(
                [sys.executable, "-m", "service.cli", "worker"], env=dict(environment), stdout=log, stderr=log
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
        yield


@contextmanager
def _redis(folder: Path) -> Iterator[str]:
    """A Redis as the embedded broker is: append-only file, synced each second."""
    binary = shutil.which("redis-server")
    if binary is None:
        raise RuntimeError("the bench needs redis-server; `make system` installs it")
    port = free_port()
    options = ["--port", str(port), "--dir", str(folder), "--appendonly", "yes", "--save", ""]
    process = subprocess.Popen([binary, *options], stdout=subprocess.DEVNULL)
    client = redis.Redis(port=port)

    def answers() -> bool:
        try:
            return bool(client.ping())
        except redis.ConnectionError:
            return False

    try:
        _until(answers)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.kill()
        process.wait()


def _writes(strava: str, count: int) -> list[tuple[float, int]]:
    """When each of so many activities was written to."""

    def writes() -> list[tuple[float, int]]:
        return [(at, number) for at, method, number in arrivals(strava) if method == "PUT"]

    _until(lambda: len(writes()) >= count, every_s=0.25)
    return writes()


def _rate(writes: list[tuple[float, int]]) -> float:
    times = sorted(at for at, _ in writes)
    # From the first to the last but a few: the tail is one thread's, while the others have nothing left.
    whole = times[: max(2, int(len(times) * 0.95))]
    return (len(whole) - 1) / (whole[-1] - whole[0])


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    folder.chmod(0o711)  # PostgreSQL runs as somebody else
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _until(condition: Callable[[], bool], *, every_s: float = 0.05) -> None:
    give_up_at = time.monotonic() + _WITHIN_S
    while not condition():
        if time.monotonic() > give_up_at:
            raise TimeoutError(f"what was measured did not end within {_WITHIN_S:.0f} s")
        time.sleep(every_s)


def main() -> int:
    """One part alone, printed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", choices=["latency", "throughput", "workers"])
    options = parser.parse_args()
    part = Part()
    if options.only == "latency":
        latency(part, events=100 if options.quick else 400)
    elif options.only == "throughput":
        throughput(part, events=200 if options.quick else 1_000, rounds=1 if options.quick else 2)
    elif options.only == "workers":
        workers(part, events=100 if options.quick else 400)
    else:
        part = measure(options.quick)
    for figure in part.figures:
        print(figure.what, figure.value, figure.floor, figure.reached, figure.target, "met" if figure.met else "missed")
    for heading, table in part.tables.items():
        print(heading, table, sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
