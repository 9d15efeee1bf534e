"""What can go wrong at Strava, each for some seconds: faults of calls, and switches of how it behaves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

LIMIT = '{"message":"Rate Limit Exceeded","errors":[{"resource":"Application","field":"rate limit","code":"exceeded"}]}'
PAGE = "<html><body><h1>We'll be back.</h1></body></html>"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of trouble. ``fault`` is one of the sandbox's; ``on`` and ``off`` are switches; ``then`` follows ``off``
    some seconds later."""

    name: str
    lasts_s: float
    fault: dict[str, Any] | None = None
    on: dict[str, Any] | None = None
    off: dict[str, Any] | None = None
    then: dict[str, Any] | None = None
    # It stops all calls for a while: often it would leave nothing else to try.
    rarely: bool = False


@dataclass(frozen=True, slots=True)
class Weather:
    """A kind of trouble at its time, real seconds after the start."""

    at_s: float
    lasts_s: float
    kind: Kind


def _call(name: str, lasts_s: float, **fault: Any) -> Kind:
    return Kind(name, lasts_s, fault=fault)


def _switch(
    name: str, lasts_s: float, on: dict[str, Any], off: dict[str, Any], then: dict[str, Any] | None = None
) -> Kind:
    return Kind(name, lasts_s, on=on, off=off, then=then)


_NEW = {"not_found_for_s": 0, "late_for_s": 0, "late_reads": 0, "late_fields": []}

WEATHER: tuple[Kind, ...] = (
    _call("reads answer 500", 4, endpoint="activities.get", share=0.3, status=500),
    _call("reads answer a web page (502)", 4, endpoint="activities.get", share=0.3, status=502, html=PAGE),
    _call("reads are cut off", 4, endpoint="activities.get", share=0.25, drop=True),
    _call("slow reads", 5, endpoint="activities.get", share=0.3, delay_ms=700),
    _call("reads without an answer (timeout)", 3, endpoint="activities.get", times=1, delay_ms=11_000),
    _call("writes answer 503", 4, endpoint="activities.update", share=0.3, status=503),
    _call("writes are cut off before they arrive", 4, endpoint="activities.update", share=0.3, drop=True),
    _call("writes arrive, the answer is lost", 6, endpoint="activities.update", share=0.4, when="after", drop=True),
    _call("writes arrive, the answer is 500", 6, endpoint="activities.update", share=0.4, when="after", status=500),
    _call("slow writes", 5, endpoint="activities.update", share=0.3, delay_ms=900),
    _call("slow answers to writes", 5, endpoint="activities.update", share=0.3, when="after", delay_ms=900),
    _call("writes without an answer (timeout)", 3, endpoint="activities.update", times=1, when="after", delay_ms=11_000),
    Kind(
        "429 out of the blue", 2, rarely=True,
        fault={"endpoint": "activities.get", "times": 1, "status": 429, "body": LIMIT},
    ),
    _call("lists fail", 5, endpoint="activities.list", share=0.4, status=503),
    _call("tokens can't be renewed (500)", 5, endpoint="oauth.token", share=0.5, status=500),
    _call("renewals are cut off before they arrive", 4, endpoint="oauth.token", share=0.4, drop=True),
    _call("maintenance: every call meets a web page (503)", 1.5, endpoint="*", status=503, html=PAGE),
    _call(
        "another app writes into the note after a read", 6, endpoint="activities.get", share=0.15,
        edit={"author": "another app", "private_note": "{old}\nShoes: 312 km"},
    ),
    _call(
        "another app writes into the description after a read", 6, endpoint="activities.get", share=0.15,
        edit={"author": "another app", "description": "{old}\n-- weather: 12 °C"},
    ),
    _switch("no figures in the headers", 4, {"rate_headers": "absent"}, {"rate_headers": "normal"}),
    _switch("figures in the headers are ','", 4, {"rate_headers": "blank"}, {"rate_headers": "normal"}),
    _switch("headers in lower case", 4, {"rate_headers": "lower"}, {"rate_headers": "normal"}),
    _switch(
        "empty private notes are left out", 6,
        {"private_note": {"when_empty": "absent"}}, {"private_note": {"when_empty": "empty"}},
    ),
    _switch(
        "empty private notes are null", 5,
        {"private_note": {"when_empty": "null"}}, {"private_note": {"when_empty": "empty"}},
    ),
    # Shown again some seconds before they are taken again: whoever reads them then can't write on an older reading.
    _switch(
        "private notes are neither shown nor taken", 4,
        {"private_note": {"served": False}}, {"private_note": {"served": True, "taken": False}},
        {"private_note": {"taken": True}},
    ),
    # All of it said each time: what two kinds would be together is a kind of its own.
    _switch(
        "new activities answer 404 at first", 5,
        {"new_activity": {**_NEW, "not_found_for_s": 90}}, {"new_activity": _NEW},
    ),
    _switch(
        "new activities lack their note at first", 5,
        {"new_activity": {**_NEW, "late_reads": 1, "late_fields": ["private_note"]}}, {"new_activity": _NEW},
    ),
    _switch(
        "new activities lack their note for a minute", 5,
        {"new_activity": {**_NEW, "late_for_s": 60, "late_fields": ["private_note"]}}, {"new_activity": _NEW},
    ),
    _switch(
        "new activities lack most fields at first", 5,
        {"new_activity": {**_NEW, "late_for_s": 60, "late_fields": ["moving_time", "sport_type", "start_date"]}},
        {"new_activity": _NEW},
    ),
    _switch("links are stripped from texts", 3, {"text": {"strip_links": True}}, {"text": {"strip_links": False}}),
    _switch("line ends become CRLF", 3, {"text": {"crlf": True}}, {"text": {"crlf": False}}),
    _switch("trailing blanks are trimmed", 3, {"text": {"trim_trailing": True}}, {"text": {"trim_trailing": False}}),
    _switch(
        "every renewal changes the refresh token", 6,
        {"tokens": {"rotate": "always"}}, {"tokens": {"rotate": "when_renewed"}},
    ),
    Kind(
        "the application is inactive (403)", 0.7, rarely=True,
        on={"application": "inactive"}, off={"application": "active"},
    ),
    _switch("events are held back", 2.5, {"delivery": {"paused": True}}, {"delivery": {"paused": False}}),
    _switch(
        "events come doubled, late and in any order", 8,
        {"delivery": {"reorder_share": 0.8, "late_share": 0.15, "duplicate_share": 0.6}},
        {"delivery": {"reorder_share": 0.3, "late_share": 0.03, "duplicate_share": 0.25}},
    ),
)  # fmt: skip
