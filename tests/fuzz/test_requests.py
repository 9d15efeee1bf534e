"""A few thousand of the million spoilt requests of `make fuzz`, with a fixed seed; and that the judge of them can judge."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from adductor.platforms.base import EventError
from adductor.platforms.strava.webhooks import parse_event
from bench.fuzz import events, reference
from bench.fuzz.mutations import smallest

ROOT = Path(__file__).parents[2]


@pytest.mark.processes
def test_spoilt_requests_get_what_the_documents_say_and_leave_only_the_rows_that_they_should(database_url: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench.fuzz", "--seed", "20261122", "--inputs", "3000", "--database", database_url],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "3,000 inputs" in done.stdout
    # All four kinds, and of each also those that work.
    counts = dict(re.findall(r"^  ([\w ]+): [\d,]+; (.*)$", done.stdout, re.MULTILINE))
    assert set(counts) == {"webhook bodies", "handshakes", "OAuth redirects", "answer links"}
    assert all("200: " in statuses and "400: " in statuses for statuses in counts.values()), counts
    assert not any("500: " in statuses for statuses in counts.values())


def test_two_readings_of_the_documents_agree_on_every_body() -> None:
    rng = Random("bodies")
    stored = refused = 0
    for _ in range(5_000):
        body = events.body(rng)
        expected = reference.event_of(body)
        try:
            event = parse_event(body)
        except EventError:
            assert expected is None, body
            refused += 1
            continue
        assert expected is not None, body
        assert (event.object_id, event.owner_id, event.updates) == (
            expected.object_id,
            expected.owner_id,
            dict(expected.updates),
        ), body
        stored += 1

    assert min(stored, refused) > 1_500, "too few of one kind to say anything"


@pytest.mark.parametrize(
    "body",
    [
        b'{"object_type": "activity"}',
        b'{"object_type":"activity","object_id":1,"aspect_type":"create","owner_id":0,"subscription_id":1,"event_time":1}',
        b'{"object_type":"club","object_id":1,"aspect_type":"create","owner_id":1,"subscription_id":1,"event_time":1}',
        b'{"object_type":"activity","object_id":1.0,"aspect_type":"create","owner_id":1,"subscription_id":1,"event_time":1}',
    ],
)
def test_the_second_reading_refuses_what_the_shape_has_no_room_for(body: bytes) -> None:
    assert reference.event_of(body) is None


def test_a_failing_input_is_made_small_enough_to_paste() -> None:
    body = b'{"object_type": "activity", "updates": {"title": "' + b"x" * 900 + b'\x07"}, "owner_id": 7}'

    assert smallest(body, lambda raw: b"\x07" in raw) == b"\x07"


def test_a_query_is_read_as_the_service_reads_it() -> None:
    assert reference.query_of(b"/x?a=1&a=2&b=%ff%C3%BC&c=x+y&&d") == {"a": "1", "b": "%FFü", "c": "x y", "d": ""}
