"""For those who run it: alive, ready, counted; and what every answer carries."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from adductor.settings import load
from adductor.store import Store, migrate
from service.app import create_app
from service.supervisor import StartError, Supervisor, start_broker
from tests.platforms.conftest import running_valkey
from tests.support.live import Live


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    settings = load(_env_file=None, ADDUCTOR_DATA_DIR=tmp_path, ADDUCTOR_REDIS_URL="redis://127.0.0.1:1/0")
    migrate.upgrade(Store(settings.database))
    return create_app(settings)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def test_the_process_is_alive_and_says_its_version(client: FlaskClient) -> None:
    answer = client.get("/healthz")

    assert answer.status_code == 200
    assert answer.get_json()["version"]


def test_without_a_broker_it_is_not_ready_and_says_what_is_down(client: FlaskClient) -> None:
    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.get_json() == {"status": "not ready", "down": ["broker"], "why": {"broker": "does not answer"}}


def test_a_broker_that_refuses_writes_is_quoted(tmp_path: Path) -> None:
    with running_valkey(tmp_path) as valkey:
        settings = load(_env_file=None, ADDUCTOR_DATA_DIR=tmp_path, ADDUCTOR_REDIS_URL=f"unix://{valkey.socket}")
        migrate.upgrade(Store(settings.database))
        client = create_app(settings).test_client()
        assert client.get("/readyz").get_json() == {"status": "ready"}
        valkey.client().replicaof("127.0.0.1", "1")

        answer = client.get("/readyz")

    assert answer.status_code == 503
    assert "read only replica" in answer.get_json()["why"]["broker"]


def test_without_a_database_it_is_not_ready_but_alive(tmp_path: Path) -> None:
    settings = load(
        _env_file=None,
        ADDUCTOR_DATA_DIR=tmp_path,
        ADDUCTOR_DATABASE_URL="postgresql+psycopg://coach@127.0.0.1:1/none",
        ADDUCTOR_REDIS_URL="redis://127.0.0.1:1/0",
    )
    client = create_app(settings).test_client()

    assert client.get("/readyz").get_json()["down"] == ["broker", "database"]
    assert client.get("/healthz").status_code == 200


def test_metrics_are_counted_and_shown_to_this_machine_only(client: FlaskClient) -> None:
    answer = client.get("/metrics")

    assert answer.status_code == 200
    assert 'adductor_queue_oldest_due_seconds{queue="events"} 0.0' in answer.text
    assert 'adductor_part_up{part="broker"} 0.0' in answer.text
    assert 'adductor_heartbeat_age_seconds{part="worker"} +Inf' in answer.text
    assert 'adductor_webhook_requests_total{outcome="not_stored"} ' in answer.text
    assert client.get("/metrics", environ_base={"REMOTE_ADDR": "203.0.113.9"}).status_code == 404


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
def test_what_a_proxy_on_this_machine_passes_on_is_not_this_machine(client: FlaskClient, header: str) -> None:
    assert client.get("/metrics", headers={header: "203.0.113.9"}).status_code == 404


def test_metrics_behind_a_token_want_the_token(tmp_path: Path) -> None:
    settings = load(_env_file=None, ADDUCTOR_DATA_DIR=tmp_path, ADDUCTOR_METRICS_TOKEN="a-made-up-token")
    migrate.upgrade(Store(settings.database))
    client = create_app(settings).test_client()

    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 404
    assert client.get("/metrics", headers={"Authorization": "Bearer a-made-up-token"}).status_code == 200


@pytest.mark.parametrize("path", ["/", "/healthz", "/nowhere"])
def test_every_answer_carries_the_protecting_headers(client: FlaskClient, path: str) -> None:
    headers = client.get(path).headers

    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"


def test_a_body_beyond_any_event_is_refused(client: FlaskClient, app: Flask) -> None:
    key = app.extensions["installation"].settings.webhook_key

    answer = client.post(f"/webhooks/strava/{key}", data=b"x" * 100_000)

    assert answer.status_code in (400, 413)


@pytest.mark.processes
def test_when_everything_runs_it_is_ready(live: Live) -> None:
    import requests

    assert requests.get(f"{live.web}/readyz", timeout=5).json() == {"status": "ready"}


@pytest.mark.processes
def test_the_log_of_a_start_is_our_own_lines(live: Live) -> None:
    text = live.log.read_text(errors="replace")

    for word in ("celery beat v", "superuser", "overcommit", "[config]", "LocalTime"):
        assert word not in text


@pytest.mark.processes
def test_what_keeps_the_embedded_broker_from_starting_is_shown(tmp_path: Path) -> None:
    kept = tmp_path / "broker" / "appendonlydir"
    kept.mkdir(parents=True)
    (kept / "appendonly.aof.manifest").write_text("no manifest\n")
    supervisor = Supervisor(output=subprocess.DEVNULL)
    try:
        with pytest.raises(StartError, match=r"broker\.log ends with: .*manifest"):
            start_broker(supervisor, tmp_path, dict(os.environ))
    finally:
        supervisor.end()
