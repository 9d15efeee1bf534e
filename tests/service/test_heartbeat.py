"""Heartbeats of a web process while events can't be stored."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import OperationalError

from adductor.clock import Clock
from adductor.jobs import outages
from adductor.queue import heartbeats
from service import heartbeat
from service.inbox_writer import InboxWriter
from tests.support.runners import Place


@pytest.fixture
def writer(here: Place) -> InboxWriter:
    return InboxWriter(here.installation.store, Clock(), lambda: None)


def test_beat_after_a_failure_ends_it_when_something_can_be_stored(here: Place, writer: InboxWriter) -> None:
    writer.failing = True

    heartbeat.beat(here.installation, writer)

    assert not writer.failing
    assert heartbeats.last(here.installation, outages.WEB) is not None


def test_beat_leaves_a_failure_that_came_meanwhile(
    here: Place, writer: InboxWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outages, "web_is_alive", lambda _: setattr(writer, "failing", True))

    heartbeat.beat(here.installation, writer)

    assert writer.failing


@pytest.mark.parametrize("failing", [False, True])
def test_beat_of_a_database_too_busy_is_not_written_and_a_failure(
    here: Place, writer: InboxWriter, monkeypatch: pytest.MonkeyPatch, failing: bool
) -> None:
    def busy(**_: object) -> None:
        raise OperationalError("BEGIN IMMEDIATE", None, Exception("database is locked"))

    writer.failing = failing
    monkeypatch.setattr(here.installation.store, "write", busy)

    heartbeat.beat(here.installation, writer)

    assert writer.failing
    assert heartbeats.last(here.installation, outages.WEB) is None
