"""Page latency beside a bare Flask.

An athlete with a year of record, signed in through the OAuth pages of a running `adductor up`. The floor (bench/floor.py)
answers "hello" on the same server. Both are asked over one kept connection each, in turns. tests/browser weighs the pages.
"""

from __future__ import annotations

import http.client
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from bench.figures import Figure, ms, percentile
from bench.rows import Rows
from bench.servers import adductor_up, flask_floor
from tests.support.runners import place

TARGET_S = 0.020
ROUNDS, QUICK_ROUNDS, WARM_ROUNDS = 40, 8, 3
YEAR_WEEKS, QUICK_WEEKS = 52, 4
_BROWSER = {"Accept": "text/html", "Accept-Encoding": "gzip", "Accept-Language": "en", "User-Agent": "bench"}


@dataclass(slots=True)
class Page:
    """One page and its figures."""

    path: str
    seconds: list[float] = field(default_factory=list)


def measure(quick: bool = False) -> list[Figure]:
    """A figure a page."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="adductor-bench-")))
        cookie, routine = _prefill(folder / "ours", QUICK_WEEKS if quick else YEAR_WEEKS)
        up = stack.enter_context(adductor_up(folder / "ours"))
        floor = stack.enter_context(flask_floor(folder / "floor"))
        pages = [Page(path.format(routine=routine)) for path in _PATHS]
        hello = Page("/")
        rounds = QUICK_ROUNDS if quick else ROUNDS
        _time_in_turns(floor.address, hello, up.server.address, pages, cookie, rounds)
    return [_figure(page, median(hello.seconds), routine) for page in pages]


_PATHS = (
    "/home", "/suggestions", "/suggestions/{routine}", "/routine/{routine}", "/exercises", "/check-in", "/settings",
    "/privacy",
)  # fmt: skip


def _prefill(folder: Path, weeks: int) -> tuple[str, str]:
    """Connect an athlete and give them weeks of record until now; their cookie and the public id of their last routine."""
    with adductor_up(folder) as up:
        strava = up.sandbox.new_athlete()
        browser = up.sandbox.connect(up.url, strava)
        rows, now = Rows(up.database), datetime.now(UTC)
        begin = now - timedelta(weeks=weeks)
        rows.prepare_athletes([strava], begin, history_read_at=now)
        rows.add_sessions([strava], now, range(6, weeks * 7, 4))
        rows.close()
    with place(folder / "data", begin) as here:
        while here.now < now - timedelta(days=4):
            here.run_done(1)
            here.later(days=3.5)
        routine = here.suggestion(1).public_id
    return "; ".join(f"{name}={value}" for name, value in browser.cookies.items()), routine


def _time_in_turns(floor: str, hello: Page, web: str, pages: list[Page], cookie: str, rounds: int) -> None:
    least, ours = (http.client.HTTPConnection(address, timeout=30) for address in (floor, web))
    for number in range(WARM_ROUNDS + rounds):
        for page in pages:
            for connection, asked in ((least, hello), (ours, page)):
                took = _timed(connection, asked.path, cookie)
                if number >= WARM_ROUNDS:
                    asked.seconds.append(took)
    least.close()
    ours.close()


def _timed(connection: http.client.HTTPConnection, path: str, cookie: str) -> float:
    began = time.perf_counter()
    connection.request("GET", path, headers={**_BROWSER, "Cookie": cookie})
    answer = connection.getresponse()
    answer.read()
    took = time.perf_counter() - began
    if answer.status != 200:
        raise RuntimeError(f"{path} answered {answer.status}, not a page")
    return took


def _figure(page: Page, floor: float, routine: str) -> Figure:
    middle = median(page.seconds)
    return Figure(
        f"page {page.path.replace(routine, 'ID')}",
        ms(middle),
        f"hello {ms(floor)}",
        f"{middle / floor:.1f} x",
        f"median at most {ms(TARGET_S)}",
        met=middle <= TARGET_S,
        remarks=f"p99 {ms(percentile(page.seconds, 0.99))}",
    )
