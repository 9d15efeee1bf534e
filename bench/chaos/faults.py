"""Faults of the sandbox, each active for some seconds: failing calls, and switches of Strava's behaviour."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

_LIMIT = (
    '{"message":"Rate Limit Exceeded","errors":[{"resource":"Application","field":"rate limit","code":"exceeded"}]}'
)
_PAGE = "<html><body><h1>We'll be back.</h1></body></html>"
_NEW = {"not_found_for_s": 0, "late_for_s": 0, "late_reads": 0, "late_fields": []}
_LATE = ["moving_time", "sport_type", "start_date"]


@dataclass(frozen=True, slots=True)
class Fault:
    """``call`` is one of the sandbox's faults; ``on`` and ``off`` are switches; ``then`` follows ``off`` seconds later."""

    name: str
    lasts_s: float
    call: dict[str, Any] | None = None
    on: dict[str, Any] | None = None
    off: dict[str, Any] | None = None
    then: dict[str, Any] | None = None
    log: str = "strava"
    rare: bool = False  # it stops all calls for a while
    long: bool = False  # its consequences outlast a short run


@dataclass(frozen=True, slots=True)
class Planned:
    """A fault at its time, real seconds after the start."""

    at_s: float
    lasts_s: float
    fault: Fault


def _call(name: str, lasts_s: float, endpoint: str, *, rare: bool = False, long: bool = False, **call: Any) -> Fault:
    return Fault(name, lasts_s, call={"endpoint": endpoint, **call}, rare=rare, long=long)


def _there(name: str, lasts_s: float, endpoint: str, **call: Any) -> Fault:
    return Fault(f"intervals.icu: {name}", lasts_s, call={"endpoint": endpoint, **call}, log="intervals")


def _switch(name: str, lasts_s: float, group: str, on: Any, off: Any) -> Fault:
    return Fault(name, lasts_s, on={group: on}, off={group: off})


def _new(name: str, **on: Any) -> Fault:
    return _switch(name, 5, "new_activity", {**_NEW, **on}, _NEW)


NO_PRIVATE_NOTES: dict[str, Any] = {"private_note": {"served": False}}
_GET, _PUT, _TOKEN = "activities.get", "activities.update", "oauth.token"
_AFTER: dict[str, Any] = {"when": "after"}
FAULTS: tuple[Fault, ...] = (
    _there("NOTEs are refused (503)", 5, "events.bulk", share=0.4, status=503),
    _there("NOTEs arrive, the answer is lost", 8, "events.bulk", share=0.5, drop=True, **_AFTER),
    _there("slow answers to NOTEs", 5, "events.bulk", share=0.4, delay_ms=900, **_AFTER),
    _there("removals arrive, the answer is lost", 8, "events.delete", share=0.5, drop=True, **_AFTER),
    _there("calendars answer a web page (403)", 4, "events.list", share=0.4, status=403, html=_PAGE),
    _there("lists fail", 5, "activities.list", share=0.5, status=502),
    _call("reads answer 500", 4, _GET, share=0.3, status=500),
    _call("reads answer a web page (502)", 4, _GET, share=0.3, status=502, html=_PAGE),
    _call("reads are cut off", 4, _GET, share=0.25, drop=True),
    _call("slow reads", 5, _GET, share=0.3, delay_ms=700),
    _call("reads without an answer (timeout)", 3, _GET, long=True, times=1, delay_ms=11_000),
    _call("writes answer 503", 4, _PUT, share=0.3, status=503),
    _call("writes are cut off before they arrive", 4, _PUT, share=0.3, drop=True),
    _call("writes arrive, the answer is lost", 6, _PUT, share=0.4, drop=True, **_AFTER),
    _call("writes arrive, the answer is 500", 6, _PUT, share=0.4, status=500, **_AFTER),
    _call("slow writes", 5, _PUT, share=0.3, delay_ms=900),
    _call("slow answers to writes", 5, _PUT, share=0.3, delay_ms=900, **_AFTER),
    _call("writes without an answer (timeout)", 3, _PUT, long=True, times=1, delay_ms=11_000, **_AFTER),
    _call("429 out of the blue", 2, _GET, rare=True, long=True, times=1, status=429, body=_LIMIT),
    _call("lists fail", 5, "activities.list", share=0.4, status=503),
    _call("tokens cannot be renewed (500)", 5, _TOKEN, share=0.5, status=500),
    _call("renewals are cut off before they arrive", 4, _TOKEN, share=0.4, drop=True),
    _call("maintenance: every call meets a web page (503)", 1.5, "*", status=503, html=_PAGE),
    _call("another app writes into the note after a read", 6, _GET, share=0.15,
          edit={"author": "another app", "private_note": "{old}\nShoes: 312 km"}),
    _call("another app writes into the description after a read", 6, _GET, share=0.15,
          edit={"author": "another app", "description": "{old}\n-- weather: 12 °C"}),
    _switch("rate headers are absent", 4, "rate_headers", "absent", "normal"),
    _switch("rate headers are ','", 4, "rate_headers", "blank", "normal"),
    _switch("rate headers in lower case", 4, "rate_headers", "lower", "normal"),
    _switch("empty private notes are left out", 6, "private_note", {"when_empty": "absent"}, {"when_empty": "empty"}),
    _switch("empty private notes are null", 5, "private_note", {"when_empty": "null"}, {"when_empty": "empty"}),
    # Shown again some seconds before they are taken again, so that no write follows an older reading.
    Fault(
        "private notes are neither shown nor taken", 4, long=True, on=NO_PRIVATE_NOTES,
        off={"private_note": {"served": True, "taken": False}}, then={"private_note": {"taken": True}},
    ),
    # Each sets all values: two kinds together would be a third.
    _new("new activities answer 404 at first", not_found_for_s=90),
    _new("new activities lack their note at first", late_reads=1, late_fields=["private_note"]),
    _new("new activities lack their note for a minute", late_for_s=60, late_fields=["private_note"]),
    _new("new activities lack most fields at first", late_for_s=60, late_fields=_LATE),
    _switch("links are stripped from texts", 3, "text", {"strip_links": True}, {"strip_links": False}),
    _switch("line ends become CRLF", 3, "text", {"crlf": True}, {"crlf": False}),
    _switch("trailing blanks are trimmed", 3, "text", {"trim_trailing": True}, {"trim_trailing": False}),
    _switch("every renewal changes the refresh token", 6, "tokens", {"rotate": "always"}, {"rotate": "when_renewed"}),
    Fault(
        "the application is inactive (403)", 0.7, rare=True, long=True,
        on={"application": "inactive"}, off={"application": "active"},
    ),
    _switch("events are held back", 2.5, "delivery", {"paused": True}, {"paused": False}),
    _switch(
        "events come doubled, late and in any order", 8, "delivery",
        {"reorder_share": 0.8, "late_share": 0.15, "duplicate_share": 0.6},
        {"reorder_share": 0.3, "late_share": 0.03, "duplicate_share": 0.25},
    ),
)  # fmt: skip


def plan_faults(chance: random.Random, seconds: float, *, short: bool) -> list[Planned]:
    """Every kind at least once where the time is enough; two or three at a time."""
    found: list[Planned] = []
    kinds = [fault for fault in FAULTS if not (short and fault.long)]
    at, left = 0.3, list[Fault]()
    while at < seconds - 1:
        left = left or chance.sample(kinds, len(kinds))
        fault = left.pop()
        if fault.rare and any(entry.fault == fault for entry in found) and chance.random() < 0.7:
            continue
        found.append(Planned(at, min(fault.lasts_s * chance.uniform(0.6, 1.4), seconds - at), fault))
        at += max(min(2.5, seconds / len(FAULTS) * 0.9), 0.5) * chance.uniform(0.6, 1.4)
    return found
