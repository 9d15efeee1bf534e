"""A web process's signs of life: what they say while events can't be stored."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from adductor.clock import Clock
from adductor.jobs import outages
from adductor.queue import heartbeats
from service import pulse
from service.inbox_writer import InboxWriter
from tests.support.runners import Place, place


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Place]:
    with place(tmp_path) as made:
        yield made


@pytest.fixture
def writer(here: Place) -> InboxWriter:
    return InboxWriter(here.installation.store, Clock(), lambda: None)


def test_what_fails_while_a_beat_is_stored_is_not_made_good_by_it(
    here: Place, writer: InboxWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = outages.web_is_alive

    def an_event_is_refused_meanwhile(installation: object) -> None:
        stored(here.installation)
        writer.failing = True

    monkeypatch.setattr(outages, "web_is_alive", an_event_is_refused_meanwhile)
    pulse.beat(here.installation, writer)

    assert writer.failing


def test_a_beat_that_can_be_stored_again_ends_the_failing(here: Place, writer: InboxWriter) -> None:
    writer.failing = True

    pulse.beat(here.installation, writer)

    assert not writer.failing
    assert heartbeats.last(here.installation, outages.WEB) is not None


def test_a_database_that_is_too_busy_is_one_that_can_store_nothing(
    here: Place, writer: InboxWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(**_: object) -> None:
        raise OperationalError("BEGIN IMMEDIATE", None, Exception("database is locked"))

    monkeypatch.setattr(here.installation.store, "write", busy)
    writer.failing = True

    pulse.beat(here.installation, writer)

    assert writer.failing
