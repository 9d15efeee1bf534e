"""Heartbeats of a web process while events can't be stored."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy.exc import OperationalError

from adductor.clock import Clock
from adductor.jobs import outages
from adductor.queue import heartbeats
from service import heartbeat
from service.inbox_writer import InboxWriter
from tests.support.runners import Place


def _nothing_else(_: Place, __: InboxWriter, ___: pytest.MonkeyPatch) -> None: ...


def _event_refused_meanwhile(here: Place, writer: InboxWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = outages.web_is_alive

    def refuse(_: object) -> None:
        stored(here.installation)
        writer.failing = True

    writer.failing = False
    monkeypatch.setattr(outages, "web_is_alive", refuse)


def _database_too_busy(here: Place, _: InboxWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(**_: object) -> None:
        raise OperationalError("BEGIN IMMEDIATE", None, Exception("database is locked"))

    monkeypatch.setattr(here.installation.store, "write", busy)


@pytest.mark.parametrize(
    ("happens", "fails", "stored"),
    [(_nothing_else, False, True), (_event_refused_meanwhile, True, True), (_database_too_busy, True, False)],
)
def test_beat_ends_the_failing_only_when_it_came_after(
    here: Place,
    monkeypatch: pytest.MonkeyPatch,
    happens: Callable[[Place, InboxWriter, pytest.MonkeyPatch], None],
    fails: bool,
    stored: bool,
) -> None:
    writer = InboxWriter(here.installation.store, Clock(), lambda: None)
    writer.failing = True
    happens(here, writer, monkeypatch)

    heartbeat.beat(here.installation, writer)

    assert writer.failing is fails
    assert (heartbeats.last(here.installation, outages.WEB) is not None) is stored
