"""How long the pages take and how many bytes they send: `python -m bench.pages [--quick]`.

A runner with a year of record (`bench.club`), signed in, at the web part as it is shipped, with its broker; beside it a page
that says hello, from the same server with the same settings (`bench.hello_web`). Both are asked over one kept connection
each, in turns, by a client on this machine: the time is from the request to the last byte of the page. Bytes are what goes
over the wire, heads included: of a first visit with every file that the page names, and of the same page once more.
"""

from __future__ import annotations

import http.client
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from statistics import median
from urllib.parse import urljoin

import requests
from sqlalchemy import select

from adductor.settings import load
from adductor.store import Store
from adductor.store.models import Athlete, Suggestion
from bench import alone
from bench.club import SECRET_KEY, Club
from bench.figures import Figure, Part, ms, percentile
from bench.servers import started, until
from bench.simulate import DAYS, FIRST_DAY
from service.supervisor import Supervisor, free_port, python, start_broker

TARGET_S = 0.020
TARGET_BYTES = 60_000
# Below what one address may ask for in a minute (service.limits), files and all.
ROUNDS, QUICK_ROUNDS = 40, 8
WARM_ROUNDS = 3
YEAR_WEEKS, QUICK_WEEKS = 52, 3
RUNNER = 2  # of `bench.simulate`: five runs a week, always answers
_BROWSER = {
    "Accept": "text/html",
    "Accept-Encoding": "gzip, deflate, br",
    "Accept-Language": "en",
    "User-Agent": "bench",
}
_IN_CSS = re.compile(r"url\(['\"]?([^'\")]+)['\"]?\)")


@dataclass(frozen=True, slots=True)
class _Sent:
    """One answer as it came over the wire."""

    bytes: int
    text: str
    headers: http.client.HTTPMessage


@dataclass(slots=True)
class Page:
    """One page and what was found."""

    name: str
    path: str
    signed_in: bool = True
    seconds: list[float] = field(default_factory=list)
    html_bytes: int = 0
    first_bytes: int = 0
    files: dict[str, _Sent] = field(default_factory=dict)
    again_bytes: int = 0


def measure(quick: bool) -> Part:
    """The pages, slowest and heaviest first in the figures, all of them in the table."""
    rounds = QUICK_ROUNDS if quick else ROUNDS
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="adductor-bench-")))
        settings = _with_a_record(folder, QUICK_WEEKS if quick else YEAR_WEEKS)
        web, hello_web = (f"127.0.0.1:{free_port()}" for _ in range(2))
        settings |= {"ADDUCTOR_BIND": web, "ADDUCTOR_PUBLIC_URL": f"http://{web}"}
        settings["ADDUCTOR_REDIS_URL"] = stack.enter_context(_broker(Path(settings["ADDUCTOR_DATA_DIR"])))
        (folder / "web").mkdir()
        (folder / "hello").mkdir()
        process = stack.enter_context(started(python("-m", "service.cli", "web"), settings, folder / "web"))
        until(lambda: requests.get(f"http://{web}/healthz", timeout=5).ok, process, folder / "web")
        arguments = python("-m", "bench.hello_web", hello_web, str(folder / "hello"))
        process = stack.enter_context(started(arguments, {}, folder / "hello"))
        until(lambda: requests.get(f"http://{hello_web}/", timeout=5).ok, process, folder / "hello")

        public_id, cookie = _the_runner(settings)
        pages = _pages(public_id)
        hello = Page("hello", "/", signed_in=False)
        _time_in_turns(hello_web, hello, web, pages, cookie, rounds)
        for page in pages:
            _weigh(web, page, cookie)
    return _part(pages, hello, "a few weeks" if quick else "a year")


def _pages(public_id: str) -> list[Page]:
    return [
        Page("/ (a visitor)", "/", signed_in=False),
        Page("/home", "/home"),
        Page("/suggestions", "/suggestions"),
        Page("/suggestions/<id>", f"/suggestions/{public_id}"),
        Page("/routine/<id>", f"/routine/{public_id}"),
        Page("/exercises", "/exercises"),
        Page("/check-in", "/check-in"),
        Page("/settings", "/settings"),
        Page("/privacy", "/privacy"),
    ]


# --- what there is to show --------------------------------------------------------------------------------------------


def _with_a_record(folder: Path, weeks: int) -> dict[str, str]:
    """A data folder with one runner who has lived until last week; the settings that go with it."""
    lived, data = folder / "lived", folder / "data"
    with tempfile.TemporaryDirectory(prefix="adductor-club-", dir=_in_memory()) as memory:
        # The calendar of `bench.simulate`, moved so that the last week lived is the one before this.
        end = FIRST_DAY + timedelta(days=7 * weeks)
        moved = (datetime.now(UTC).date() - end).days // 7 * 7
        club = Club(Path(memory), [RUNNER], later_by=timedelta(days=moved))
        try:
            for week in range(min(weeks, DAYS // 7)):
                club.week(week)
        finally:
            club.close()
        shutil.copytree(memory, lived)
    lived.rename(data)
    return {"ADDUCTOR_DATA_DIR": str(data), "ADDUCTOR_SECRET_KEY": SECRET_KEY}


def _in_memory() -> str | None:
    """Living a year syncs some ten thousand times; what is measured afterwards lies on the disk."""
    memory = "/dev/shm"  # noqa: S108 - the system's own folder in memory; ours inside it is private
    return memory if os.access(memory, os.W_OK) else None


@contextmanager
def _broker(data_dir: Path) -> Iterator[str]:
    """The broker that `adductor up` brings: the limits of the pages are counted there."""
    supervisor = Supervisor(output=subprocess.DEVNULL)
    try:
        yield start_broker(supervisor, data_dir, dict(os.environ))
    finally:
        supervisor.end()


def _the_runner(settings: dict[str, str]) -> tuple[str, str]:
    """A suggestion of the runner's, and the cookie of their browser, signed as the web part signs it."""
    from service.app import create_app

    loaded = load(_env_file=None, **settings)
    store = Store(loaded.database)
    try:
        with store.read() as session:
            runner = session.scalars(select(Athlete)).one()
            public_id = session.scalars(select(Suggestion.public_id).order_by(Suggestion.id.desc()).limit(1)).one()
    finally:
        store.close()
    app = create_app(loaded)
    try:
        with app.test_request_context():
            from flask import session as browser

            from service.pages.access import remember

            remember(runner.id, runner.platform_athlete_id)
            answer = app.make_response("")
            app.session_interface.save_session(app, browser, answer)
    finally:
        app.extensions["installation"].close()
    return public_id, answer.headers["Set-Cookie"].split(";", 1)[0]


# --- time -------------------------------------------------------------------------------------------------------------


def _time_in_turns(hello_web: str, hello: Page, web: str, pages: list[Page], cookie: str, rounds: int) -> None:
    floor, ours = http.client.HTTPConnection(hello_web, timeout=30), http.client.HTTPConnection(web, timeout=30)
    try:
        for number in range(WARM_ROUNDS + rounds):
            for page in pages:
                least, took = _timed(floor, hello, cookie), _timed(ours, page, cookie)
                if number >= WARM_ROUNDS:
                    hello.seconds.append(least)
                    page.seconds.append(took)
    finally:
        floor.close()
        ours.close()


def _timed(connection: http.client.HTTPConnection, page: Page, cookie: str) -> float:
    headers = {**_BROWSER, **({"Cookie": cookie} if page.signed_in else {})}
    began = time.perf_counter()
    connection.request("GET", page.path, headers=headers)
    answer = connection.getresponse()
    answer.read()
    took = time.perf_counter() - began
    if answer.status != 200:
        raise RuntimeError(f"{page.path} answered {answer.status}, not a page")
    return took


# --- bytes ------------------------------------------------------------------------------------------------------------


class _Named(HTMLParser):
    """The files that a browser fetches for a page."""

    def __init__(self) -> None:
        super().__init__()
        self.files: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "link" and values.get("rel") in ("stylesheet", "icon", "manifest", "preload"):
            self.files.append(values.get("href") or "")
        # A picture that is hidden where things may move is not fetched there: tests/browser/test_exercises.py.
        elif tag == "script" or (tag == "img" and values.get("loading") != "lazy"):
            self.files.append(values.get("src") or "")
        self.files += [values["data-worker"] or ""] if "data-worker" in values else []


def _weigh(web: str, page: Page, cookie: str) -> None:
    headers = {**_BROWSER, **({"Cookie": cookie} if page.signed_in else {})}
    html = _fetch(web, page.path, headers)
    page.html_bytes = html.bytes
    page.first_bytes = page.again_bytes = html.bytes
    waiting = _files_of(page.path, html, named=True)
    while waiting:
        path = waiting.pop()
        if path in page.files:
            continue
        sent = page.files[path] = _fetch(web, path, headers)
        page.first_bytes += sent.bytes
        waiting += _files_of(path, sent, named=False)
        page.again_bytes += _once_more(web, path, headers, sent)


def _files_of(path: str, sent: _Sent, *, named: bool) -> list[str]:
    """The addresses on our server that a page, or a stylesheet, names."""
    if named:
        parser = _Named()
        parser.feed(sent.text)
        found = parser.files
    else:
        found = _IN_CSS.findall(sent.text) if sent.headers.get_content_type() == "text/css" else []
    return [urljoin(path, name) for name in found if name and not name.startswith(("data:", "#"))]


def _once_more(web: str, path: str, headers: dict[str, str], sent: _Sent) -> int:
    """What the same file costs on the next page: nothing while a browser may keep it, else the question whether it holds."""
    if _kept_for_s(sent):
        return 0
    known = sent.headers.get("ETag")
    return _fetch(web, path, {**headers, **({"If-None-Match": known} if known else {})}, status={200, 304}).bytes


def _kept_for_s(sent: _Sent) -> int:
    """For how long a browser may use it without asking."""
    control = sent.headers.get("Cache-Control", "")
    age = re.search(r"max-age=(\d+)", control)
    return int(age[1]) if age is not None and "no-cache" not in control and "no-store" not in control else 0


def _fetch(
    web: str, path: str, headers: dict[str, str], *, status: frozenset[int] | set[int] = frozenset({200})
) -> _Sent:
    """One answer, head and body, byte for byte."""
    host, port = web.split(":")
    head = "".join(f"{name}: {value}\r\n" for name, value in {**headers, "Host": web, "Connection": "close"}.items())
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\n{head}\r\n".encode())
        raw = b"".join(iter(lambda: connection.recv(65536), b""))
    answer = http.client.HTTPResponse(_Raw(raw))  # type: ignore[arg-type]
    answer.begin()
    body = answer.read()
    if answer.status not in status:
        raise RuntimeError(f"{path} answered {answer.status}")
    return _Sent(len(raw), _unpacked(answer.headers, body), answer.headers)


def _unpacked(headers: http.client.HTTPMessage, body: bytes) -> str:
    import gzip

    packed = headers.get("Content-Encoding", "identity")
    if packed not in ("identity", "gzip"):
        raise RuntimeError(f"an encoding that this bench can't read: {packed}")
    return (gzip.decompress(body) if packed == "gzip" else body).decode(errors="replace")


class _Raw:
    """Bytes that look like a socket to http.client."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def makefile(self, _mode: str) -> object:
        import io

        return io.BytesIO(self._raw)


# --- what came of it ----------------------------------------------------------------------------------------------------


def _part(pages: list[Page], hello: Page, record: str) -> Part:
    floor = median(hello.seconds)
    slowest = max(pages, key=lambda page: median(page.seconds))
    heaviest = max(pages, key=lambda page: page.first_bytes)
    slow = median(slowest.seconds)
    lines = [
        "| page | median | p99 | x hello | HTML | first visit | files | once more |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
        f"| hello, same server | {ms(floor)} | {ms(percentile(hello.seconds, 0.99))} | 1.0 | | | | |",
    ]
    for page in pages:
        middle = median(page.seconds)
        lines.append(
            f"| {page.name.replace('<', '&lt;').replace('>', '&gt;')} | {ms(middle)} "
            f"| {ms(percentile(page.seconds, 0.99))} | {middle / floor:.1f} | {_kb(page.html_bytes)} "
            f"| {_kb(page.first_bytes)} | {len(page.files)} | {_kb(page.again_bytes)} |"
        )
    lines += [
        "",
        f"A runner with {record} of record, {len(slowest.seconds)} times each page. A first visit is one with an empty"
        " cache: the page, its stylesheets, scripts, pictures and icon. What holds no secret is sent packed (gzip) to"
        " whoever takes it; a runner's own pages are not.",
    ]
    return Part(
        [
            Figure(
                what=f"pages: time, the slowest ({slowest.name})",
                value=ms(slow),
                floor=f"{ms(floor)} (hello)",
                reached=f"{slow / floor:.1f} x",
                target=f"median {TARGET_S * 1000:.0f} ms",
                met=slow <= TARGET_S,
                remarks=f"all pages: median {ms(median(median(page.seconds) for page in pages))}",
            ),
            Figure(
                what=f"pages: bytes of a first visit, the heaviest ({heaviest.name})",
                value=_kb(heaviest.first_bytes),
                floor="-",
                reached=f"{heaviest.first_bytes / TARGET_BYTES:.2f} x target",
                target=f"{TARGET_BYTES // 1000} kB",
                met=heaviest.first_bytes <= TARGET_BYTES,
                remarks=f"once more: {_kb(heaviest.again_bytes)}",
            ),
        ],
        {"The pages": "\n".join(lines), "The files of the pages": _files_table(pages)},
    )


def _files_table(pages: list[Page]) -> str:
    every = {path: sent for page in pages for path, sent in page.files.items()}
    lines = ["| file | bytes sent | packed | unpacked | a browser may keep it |", "|---|--:|---|--:|---|"]
    for path, sent in sorted(every.items(), key=lambda entry: -entry[1].bytes):
        packed = "yes" if sent.headers.get("Content-Encoding") else "no"
        kept = _kept_for_s(sent)
        lines.append(
            f"| {path.split('?')[0]} | {_kb(sent.bytes)} | {packed} | {_kb(len(sent.text.encode()))} "
            f"| {f'{kept // 3600} h' if kept else 'must ask'} |"
        )
    return "\n".join(lines)


def _kb(count: int) -> str:
    return f"{count / 1000:.1f} kB"


if __name__ == "__main__":
    sys.exit(alone.main(measure, __doc__))
