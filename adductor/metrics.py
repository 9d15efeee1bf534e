"""Counters and one histogram of the pipeline, in prometheus_client's multiprocess mode.

Each process adds to memory-mapped files in a directory that the processes of one machine share; a scrape sums the files.
A process owns one slot of the directory by a file lock. The next owner of a slot continues its files, so a restart takes
nothing from the totals. See docs/decisions/013-metrics.md.

    metrics.EVENTS.labels("post_run").inc()  # right after the commit
"""

from __future__ import annotations

import fcntl
import itertools
import logging
import os
import struct
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from adductor.coaching.rules import RULES

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from prometheus_client.core import Metric as Family

log = logging.getLogger(__name__)

_ENVIRONMENT = "PROMETHEUS_MULTIPROC_DIR"
# From the webhook's arrival to the written note, in seconds. Usual is one to three; the long ones are waits for Strava: a
# window of the rate limit (900), an outage of hours, and a day, after which a delivery is dead-lettered.
NOTE_BUCKETS_S = (0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0, 21600.0, 86400.0)


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# The label values that are known beforehand. Their series exist at 0 from the start: Prometheus' increase() doesn't see the
# first event of a series that is born at 1. A test compares these with the code that counts.
_RULES = tuple(rule.name for rule in RULES)
_REFERRING = ("red_flag", "high_pain", "persistent_pain")
# Where a "no" is said outside the rule table.
REFUSALS = ("another_run_has_it", "enough_messages", "no_occasion", "old_activity", "unknown_session")
DECISIONS_OF_RULES = (
    *(("none", rule) for rule in (*_RULES, *REFUSALS) if rule not in _REFERRING),
    *(("refer", rule) for rule in _REFERRING),
    *((rule, rule) for rule in ("post_run", "rest_day", "warm_up")),
)
EVENT_OUTCOMES = (
    *_words(
        "already_decided deleted disconnected foreign_activity gave_up gone kept no_calendar not_confirmed not_connected"
        " nothing_to_do refer refused_by_platform restored revoked scope_missing scopes_changed title_done title_pause"
        " title_resume title_skip unknown_athlete withdrawn"
    ),
    *_RULES,
    *REFUSALS,
)
_MAIL_OUTCOMES = _words("address_refused gave_up mail_refused maybe_sent sent taken_over")
LETTER_OUTCOMES = (*_MAIL_OUTCOMES, "no_longer_wanted")
_UNSENT = _words("answered disconnected enough_messages never_written too_late")
NOTE_OUTCOMES = _words(
    "already_there answered deleted_by_runner disconnected edited_by_runner gave_up gone never_written"
    " no_activity no_calendar not_connected note_refused nothing_there refused_by_platform removed revoked scope_missing"
    " written"
)
DELIVERY_OUTCOMES = (
    *itertools.product(("private_note", "description", "calendar"), NOTE_OUTCOMES),
    *itertools.product(("mail",), (*_MAIL_OUTCOMES, *_UNSENT, "no_address")),
    *itertools.product(("push",), (*_UNSENT, "gave_up", "no_device", "pushed")),
    ("pages", "on_the_pages"),
)
CALL_KINDS = (
    *("creating the webhook subscription", "deleting the webhook subscription", "reading the webhook subscription"),
    *("connecting a runner", "giving a runner's access back", "renewing a runner's access"),
    *("listing activities", "reading an activity", "writing a note"),
)
_CALL_STATUSES = _words("200 400 401 403 404 429 500 502 503 504 none")
# Every other status counts as its class.
CALL_STATUSES = (*_CALL_STATUSES, "1xx", "2xx", "3xx", "4xx", "5xx")


@dataclass
class Metric:
    """A counter, or a histogram of seconds, which prometheus_client makes with all others on first use.

    ``known``: the label values whose series exist before their first event.
    """

    name: str
    text: str
    label_names: tuple[str, ...] = ()
    known: Iterable[tuple[str, ...]] = ()
    buckets: tuple[float, ...] = ()
    made: Any = None

    def __post_init__(self) -> None:
        self.name, self.known = f"adductor_{self.name}", tuple(self.known)

    def labels(self, *values: object) -> Any:
        """The series with these label values: a `prometheus_client.Counter`, with ``inc``."""
        _open()
        return self.made.labels(*(str(value) for value in values))

    def observe(self, seconds: float) -> None:
        """Count one duration; a negative one, from a clock that was set back, counts as 0."""
        _open()
        self.made.observe(max(seconds, 0.0))


WEBHOOKS = Metric(
    "webhook_requests",
    "Webhook requests with the right key, by what they were answered",
    ("outcome",),
    [("stored",), ("refused",), ("not_stored",), ("foreign",)],
)
EVENTS = Metric("events", "Events that came to an end", ("outcome",), [(outcome,) for outcome in EVENT_OUTCOMES])
DECISIONS = Metric("decisions", "Decisions of the coach, also each no", ("decision", "rule"), DECISIONS_OF_RULES)
DELIVERIES = Metric("deliveries", "Deliveries that came to an end", ("channel", "outcome"), DELIVERY_OUTCOMES)
LETTERS = Metric(
    "letters",
    "Mails that are no routine and came to an end",
    ("kind", "outcome"),
    itertools.product(("confirm", "reconnect", "refer"), LETTER_OUTCOMES),
)
CALLS = Metric(
    "strava_calls",
    "Calls to Strava; status none: no answer came",
    ("kind", "status"),
    itertools.product(CALL_KINDS, CALL_STATUSES),
)
PLATFORM_CALLS = Metric(
    "platform_calls",
    "Calls to platforms other than Strava; status held_back: not made, to stay within the rate limit",
    ("platform", "kind", "status"),
)
SUBSCRIPTION_CHECKS = Metric(
    "subscription_checks",
    "Hourly checks whether Strava sends its events here",
    ("outcome",),
    [("confirmed",), ("made_again",), ("elsewhere",), ("failed",)],
)
HELD_BACK = Metric(
    "strava_calls_held_back",
    "Calls not made, to stay within the rate limit",
    ("priority",),
    [("fresh",), ("retry",), ("history",), ("connect",), ("spare",)],
)
NOTE_SECONDS = Metric(
    "note_seconds",
    "From the webhook's arrival to the written note, a wait that was asked for included",
    buckets=NOTE_BUCKETS_S,
)
_ALL = [value for value in list(globals().values()) if isinstance(value, Metric)]


def call_status(status: int | None) -> str:
    """The label of a call's answer; None: no answer came."""
    label = str(status or "none")
    return label if label in _CALL_STATUSES else f"{label[0]}xx"


_lock = threading.Lock()
_wanted: Path | None = None


def use_directory(directory: Path) -> None:
    """Keep the metrics there, unless PROMETHEUS_MULTIPROC_DIR names another or this process has begun to count."""
    global _wanted
    _wanted = _wanted or Path(os.environ.get(_ENVIRONMENT) or directory)


def collect() -> Iterator[Family]:
    """The sums of all processes that share the directory; every known series is among them."""
    directory, registry = _open()
    if directory is None:
        yield from registry.collect()
        return
    from prometheus_client.multiprocess import MultiProcessCollector

    directory.mkdir(parents=True, exist_ok=True)  # deleted by hand: counters begin anew with the next process
    collector = MultiProcessCollector(None, path=str(directory))  # type: ignore[no-untyped-call]
    yield from collector.collect()  # type: ignore[no-untyped-call]


def _open() -> tuple[Path | None, CollectorRegistry]:
    """The directory (None: the metrics live in memory, and no other process sees them) and this process's registry."""
    with _lock:
        return _make_all()


@cache
def _make_all() -> tuple[Path | None, CollectorRegistry]:
    """Take a slot and create every known series. Imports prometheus_client only now: most commands count nothing."""
    slot, directory = None, _wanted
    if directory is not None:
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            slot = _take_slot(directory)
            os.environ[_ENVIRONMENT] = str(directory)
        except OSError as error:  # a full or read-only disk: counting must not stop the work
            log.warning("metrics directory not usable, counting in memory (%s)", error.strerror)
            directory = None

    import prometheus_client
    from prometheus_client import values

    prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
    values.ValueClass = values.MutexValue
    if slot is not None:
        values.ValueClass = values.MultiProcessValue(lambda: slot.number)  # type: ignore[no-untyped-call]
    registry = prometheus_client.CollectorRegistry()
    for metric in _ALL:
        if metric.buckets:
            metric.made = prometheus_client.Histogram(
                metric.name, metric.text, buckets=metric.buckets, registry=registry
            )
        else:
            metric.made = prometheus_client.Counter(metric.name, metric.text, metric.label_names, registry=registry)
        for known in metric.known:
            metric.made.labels(*known)
    return directory, registry


class _Slot(NamedTuple):
    """A place for the files of one process, held by a file lock until the process ends.

    A process id would not do: containers that share the directory each have a process 7.
    """

    number: int
    lock: IO[str]


def _take_slot(directory: Path) -> _Slot:
    """The lowest slot that no living process holds. Raises OSError."""
    number = 0
    while True:
        file = (directory / f"{number}.lock").open("a")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            number += 1
        else:
            _drop_unreadable(directory, number)
            return _Slot(number, file)


def _drop_unreadable(directory: Path, slot: int) -> None:
    """Delete files of a free slot that a power cut left torn: a scrape would fail at them."""
    from prometheus_client.mmap_dict import MmapedDict

    for file in directory.glob(f"*_{slot}.db"):
        try:
            list(MmapedDict.read_all_values_from_file(file))  # type: ignore[no-untyped-call]
        except (RuntimeError, ValueError, struct.error):
            log.warning("torn metrics file deleted: %s", file.name)
            file.unlink()
