"""Webhooks of intervals.icu: statuses, floods, forecasts, strangers, and access that changed there."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from adductor.jobs import rounds
from adductor.platforms.intervals.webhooks import MAX_BODY_BYTES
from adductor.store.models import Connection, LoggedActivity
from service.limits import MOST_BODY_BYTES, most_body_bytes
from tests.intervals.conftest import SECRET, Icu

RUN = {
    "id": "i145000001", "icu_athlete_id": "i77", "type": "Run", "name": "Morning Run", "source": "GARMIN_CONNECT",
    "start_date": "2026-11-18T08:00:00Z", "start_date_local": "2026-11-18T09:00:00", "moving_time": 2400,
    "elapsed_time": 2500, "distance": 8000.5, "analyzed": "2026-11-18T08:50:00.000+00:00",
    "created": "2026-11-18T08:49:55.000+00:00",
}  # fmt: skip


def event(kind: str, athlete: str = "i77", **data: Any) -> dict[str, Any]:
    return {"athlete_id": athlete, "type": kind, "timestamp": "2026-11-18T08:59:00.123+00:00", **data}


def send(icu: Icu, *events: Any, secret: Any = SECRET, key: str | None = None, body: bytes | None = None) -> int:
    content = body if body is not None else json.dumps({"secret": secret, "events": list(events)}).encode()
    key = key or icu.here.installation.settings.webhook_key
    return icu.web.post(f"/webhooks/intervals/{key}", data=content, content_type="application/json").status_code


def runner(icu: Icu, external_id: str = "77", **row: Any) -> int:
    scopes = "ACTIVITY:READ,ACTIVITY:WRITE,CALENDAR:READ,CALENDAR:WRITE,WELLNESS:READ"
    return icu.here.runner(**{"platform": "intervals", "external_id": external_id, "scopes": scopes, **row})


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({}, 200),
        ({"secret": "the-old-one"}, 200),
        ({"secret": "another"}, 403),
        ({"secret": ""}, 403),
        ({"secret": 7}, 400),
        ({"key": "wrong"}, 404),
        ({"body": b"{"}, 400),
        ({"body": b"[]"}, 400),
        ({"body": b'{"events": []}'}, 400),
        ({"body": json.dumps({"secret": SECRET, "events": [{"type": "TEST"}]}).encode()}, 400),
        ({"body": b"\xff\xfe"}, 400),
        ({"body": b" " * (MAX_BODY_BYTES + 1)}, 413),
        ({"body": json.dumps({"secret": SECRET, "events": [], "x": " " * MOST_BODY_BYTES}).encode()}, 200),
    ],
)
def test_body_is_answered_by_its_key_secret_shape_and_size(icu: Icu, given: dict[str, Any], status: int) -> None:
    assert send(icu, event("TEST", "i1"), **given) == status
    assert icu.events() == []


def test_size_limit_is_larger_for_many_events_alone() -> None:
    assert most_body_bytes("/webhooks/intervals/x") > most_body_bytes("/webhooks/strava/x") == MOST_BODY_BYTES


def test_events_of_one_body_are_stored_together_and_a_strangers_are_not(icu: Icu) -> None:
    runner(icu)
    runner(icu, "88")

    assert send(icu, event("ACTIVITY_UPLOADED", activity=RUN), event("ACTIVITY_DELETED", "88", activity={"id": "i5"}),
                event("ACTIVITY_UPLOADED", "i99", activity={**RUN, "id": "i6"})) == 200  # fmt: skip
    assert send(icu, event("ACTIVITY_UPLOADED", "77", activity=RUN)) == 200

    stored = [(row.owner_id, row.object_id, row.aspect_type) for row in icu.events()]
    assert sorted(stored) == [("77", "intervals:i145000001", "create"), ("88", "intervals:i5", "delete")]


def test_flood_of_wellness_is_one_event_a_day_and_only_when_a_scale_changes(icu: Icu) -> None:
    athlete_id = runner(icu)

    def wellness(**fields: Any) -> None:
        records = [{"id": "2026-11-18", "steps": 1}, {"id": "2026-11-18", **fields}, {"id": "2027-01-15", **fields}]
        assert send(icu, event("WELLNESS_UPDATED", records=records), event("FITNESS_UPDATED", records=records)) == 200

    for steps in range(50):
        wellness(steps=steps)
    assert icu.events() == []
    for steps in range(50):
        wellness(steps=steps, injury=2)
    rounds.sweep(icu.here.installation)
    wellness(injury=3, soreness=None)
    rounds.sweep(icu.here.installation)

    (row,) = icu.events()
    assert (row.state, row.attempts) == ("done", 2)
    assert _connection(icu, athlete_id).told["wellness"] == {"2026-11-18": {"injury": 3}}


@pytest.mark.parametrize(
    ("data", "state", "scopes"),
    [
        ({"scope": "", "deauthorized": True}, "revoked", None),
        ({"scope": "ACTIVITY:READ,WELLNESS:READ", "deauthorized": False}, "connected", "ACTIVITY:READ,WELLNESS:READ"),
        ({"scope": "WELLNESS:READ"}, "scope_missing", "WELLNESS:READ"),
    ],
)
def test_access_that_changed_there_changes_here(icu: Icu, data: dict[str, Any], state: str, scopes: str | None) -> None:
    athlete_id = runner(icu)

    assert send(icu, event("APP_SCOPE_CHANGED", client_id=999, **data)) == 200
    rounds.sweep(icu.here.installation)

    connection = _connection(icu, athlete_id)
    assert connection.state == state
    assert scopes is None or connection.scopes == scopes


def test_later_exertion_changes_the_row_without_a_call(icu: Icu) -> None:
    athlete_id = runner(icu)
    icu.here.change(athlete_id, confirmed_at=icu.here.now - timedelta(days=1))
    icu.forget_calls()
    send(icu, event("ACTIVITY_UPLOADED", activity={**RUN, "type": "WeightTraining"}))
    rounds.sweep(icu.here.installation)
    later = {**event("ACTIVITY_UPDATED", activity={**RUN, "type": "WeightTraining", "icu_rpe": 9, "feel": 5})}
    send(icu, later | {"timestamp": "2026-11-18T09:05:00.000+00:00"})

    rounds.sweep(icu.here.installation)

    with icu.here.installation.store.read() as session:
        row = session.scalars(select(LoggedActivity).where(LoggedActivity.platform_id == "intervals:i145000001")).one()
    assert (row.sport, row.intensity) == ("strength", "hard")
    assert icu.calls() == []


def _connection(icu: Icu, athlete_id: int) -> Connection:
    return icu.here.athlete(athlete_id).connections[0]
