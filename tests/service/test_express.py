"""Events go a way of their own through the web service; nothing but the time it takes may tell."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from adductor.store.models import InboxEvent
from service.app import MOST_BODY_BYTES
from tests.support.runners import MORNING, Place, place
from tests.support.site import site

EVENT: dict[str, Any] = {
    "object_type": "activity",
    "aspect_type": "create",
    "object_id": 42,
    "owner_id": 7,
    "subscription_id": 1,
    "event_time": int(MORNING.timestamp()),
    "updates": {},
}
HTTPS = "https://coach.example.org"


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Place]:
    with place(tmp_path, ADDUCTOR_PUBLIC_URL=HTTPS, STRAVA_CLIENT_ID="1", STRAVA_CLIENT_SECRET="secret") as made:
        yield made


@pytest.fixture
def app(here: Place) -> Flask:
    return site(here)


def _post(app: Flask, query: str = "", **request: Any) -> TestResponse:
    path = f"/webhooks/strava/{app.extensions['installation'].settings.webhook_key}{query}"
    return app.test_client().post(path, **request)


# A query is nothing that Strava sends, so it goes the way of everything else.
def _both_ways(app: Flask, **request: Any) -> tuple[TestResponse, TestResponse]:
    return _post(app, **request), _post(app, "?usual=way", **request)


def _said(answer: TestResponse) -> tuple[int, bytes, list[tuple[str, str]]]:
    return answer.status_code, answer.data, sorted(answer.headers.items())


def test_an_event_by_either_way_is_stored_once_with_the_same_answer(app: Flask, here: Place) -> None:
    quick, usual = _both_ways(app, json=EVENT)

    assert _said(quick) == _said(usual)
    assert (quick.status_code, quick.get_json()) == (200, {"stored": True})
    assert "Strict-Transport-Security" in quick.headers
    assert "Set-Cookie" not in quick.headers
    with here.installation.store.read() as session:
        (row,) = session.scalars(select(InboxEvent))
        assert (row.object_id, row.state) == (42, "waiting")


@pytest.mark.parametrize(
    "request_",
    [
        {"data": b"no JSON"},
        {"json": {**EVENT, "object_id": "42"}},
        {"data": b"x" * (MOST_BODY_BYTES + 1)},
        {"data": b""},
    ],
    ids=["no JSON", "no number", "too large", "nothing"],
)
def test_what_is_no_event_is_refused_with_the_same_words(app: Flask, request_: dict[str, Any]) -> None:
    quick, usual = _both_ways(app, **request_)

    assert _said(quick) == _said(usual)
    assert quick.status_code in (400, 413)
    assert "error" in quick.get_json()


def test_without_a_database_both_ways_ask_for_it_again(app: Flask, here: Place) -> None:
    with here.installation.store.write() as session:
        session.connection().exec_driver_sql("DROP TABLE inbox_events")

    quick, usual = _both_ways(app, json=EVENT)

    assert _said(quick) == _said(usual)
    assert quick.status_code == 503


def test_a_fault_of_ours_says_so_and_not_what_it_was(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise RuntimeError("the secret of the house")

    monkeypatch.setattr(app.extensions["inbox_writer"], "put", fail)
    app.config["PROPAGATE_EXCEPTIONS"] = False

    quick, usual = _both_ways(app, json=EVENT)

    assert _said(quick) == _said(usual)
    assert quick.status_code == 500
    assert b"secret of the house" not in quick.data


def test_only_an_event_for_our_address_goes_that_way(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    key = app.extensions["installation"].settings.webhook_key
    client = app.test_client()
    monkeypatch.setattr(app.wsgi_app._app, "_events", None)  # type: ignore[attr-defined]  # taken, it would fail

    assert client.get("/").status_code == 200
    assert client.get(f"/webhooks/strava/{key}").status_code == 400  # a handshake without its words
    assert client.post(f"/webhooks/strava/{key[:-1]}x", json=EVENT).status_code == 404
    assert client.post(f"/webhooks/strava/{key}/", json=EVENT).status_code == 404
    assert client.post(f"/webhooks/strava/{key}é", json=EVENT).status_code == 404
