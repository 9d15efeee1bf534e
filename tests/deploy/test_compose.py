"""The production shape: docker-compose.yml, read and run (see tests/deploy/composed.py)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import psutil
import pytest
import requests
from sqlalchemy import func, select

from adductor.notes import block
from adductor.store.models import Athlete, DecisionRecord, Suggestion
from service.cli.demo import connect_as_a_browser, where_it_is_day
from tests.deploy.composed import COMPOSE, OURS, ROOT, SERVICES, Composed, answers, composed
from tests.support.live import Live, sent

pytestmark = pytest.mark.processes

# Whoever stands out says why, here and in the file.
NO_HEALTH_CHECK = {"migrate": "it ends when it is done, and the others wait for that end"}
NOT_STARTED_AGAIN = {"migrate": "the same"}
ROOT_IN_ITS_IMAGE = {"caddy": "its folders belong to root, and it takes ports below 1024"}
REACHES_OUT = {"web", "worker", "caddy"}


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory, postgres_server: str) -> Iterator[Composed]:
    with composed(tmp_path_factory.mktemp("compose"), postgres_server, "composed") as running:
        yield running


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_small_and_locked_down(name: str) -> None:
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service.get("cap_add", []) == (["NET_BIND_SERVICE"] if name == "caddy" else [])
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not service.keys() & {"privileged", "pid", "ipc", "network_mode", "devices"}
    assert not any("docker.sock" in str(volume) for volume in service.get("volumes", []))
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}
    assert service["logging"]["options"].keys() >= {"max-size", "max-file"}
    assert service["restart"] == ("no" if name in NOT_STARTED_AGAIN else "unless-stopped")
    assert ("healthcheck" in service) is (name not in NO_HEALTH_CHECK)
    assert ("outside" in service["networks"]) is (name in REACHES_OUT)
    if name not in OURS and name not in ROOT_IN_ITS_IMAGE:
        assert service["user"] != "root"


def test_the_image_runs_as_nobody_special() -> None:
    last = re.findall(r"^USER (\S+)$", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)

    assert last == ["adductor"]


def test_no_image_moves_by_itself_to_another_line() -> None:
    images = [service["image"] for service in SERVICES.values() if "build" not in service]
    images += re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)

    for image in images:
        tag = image.partition(":")[2]
        # PostgreSQL's line is its first number.
        assert re.match(r"\d+" if image.startswith("postgres:") else r"\d+\.\d+", tag), image


def test_only_the_proxy_is_open_to_the_world_and_the_database_to_nobody() -> None:
    open_ports = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}

    assert set(open_ports) == {"web", "caddy"}
    assert all(str(port).startswith("127.0.0.1:") for port in open_ports["web"])
    assert COMPOSE["networks"]["inside"] == {"internal": True}


def test_no_secret_stands_in_the_file() -> None:
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if re.search(r"SECRET|KEY|DATABASE_URL|SMTP_URL|PASSWORD", name):
                assert name.endswith("_FILE"), name
                assert str(value).removeprefix("/run/secrets/") in service["secrets"], name
    assert {key for service in SERVICES.values() for key in service.get("secrets", [])} == set(COMPOSE["secrets"])


def test_the_images_steps_are_the_makefiles() -> None:
    wanted = ("--require-hashes -r requirements.lock", "--no-deps --no-build-isolation")
    dockerfile, makefile = (ROOT / "Dockerfile").read_text(), (ROOT / "Makefile").read_text()
    for step in wanted:
        assert step in dockerfile
    assert "--require-hashes -r $(1)" in makefile
    assert "$(call install,requirements.lock,$@)" in makefile
    assert wanted[1] in makefile


def test_everything_that_the_image_copies_is_let_through() -> None:
    let_through = {line[1:] for line in (ROOT / ".dockerignore").read_text().split() if line.startswith("!")}
    copied = {
        source
        for line in re.findall(r"^COPY (?!--from)(.*)$", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
        for source in line.split()[:-1]
    }

    assert copied == let_through
    assert all((ROOT / source).exists() for source in copied)


@pytest.mark.parametrize("name", [name for name in SERVICES if name not in NO_HEALTH_CHECK])
def test_the_health_check_finds_the_service_at_work(here: Composed, name: str) -> None:
    ended = here.live.until(lambda: next((e for e in [here.check(name)] if e.returncode == 0), None))

    assert ended.returncode == 0


@pytest.mark.parametrize("name", ["web", "redis", "postgres", "caddy"])
def test_the_health_check_notices_when_nobody_is_there(here: Composed, name: str) -> None:
    port = {"caddy": "admin"}.get(name, name)
    was = here.ports[port]
    here.ports[port] = 1
    try:
        assert here.check(name).returncode != 0
    finally:
        here.ports[port] = was


def test_a_recorded_run_becomes_a_note_on_postgresql_and_redis(here: Composed) -> None:
    subscribed = here.run(["adductor", "strava", "subscribe"])
    assert subscribed.returncode == 0, subscribed.stderr
    known = {runner["id"] for runner in here.live.admin("GET", "runners") if runner["connected"]}
    connect_as_a_browser(here.outside, zone=where_it_is_day(datetime.now(UTC)))
    (runner,) = {entry["id"] for entry in here.live.admin("GET", "runners") if entry["connected"]} - known

    run = here.live.admin("POST", f"runners/{runner}/activities", {})["id"]

    assert here.live.note_comes(run).endswith("— Adductor Coach")


def test_the_proxy_keeps_the_figures_inside_and_refuses_what_is_too_large(here: Composed) -> None:
    assert requests.get(f"{here.outside}/healthz", timeout=10).json()["status"] == "ok"
    assert requests.get(f"{here.outside}/metrics", timeout=10).status_code == 404
    # A header that claims to be from this machine doesn't open it either.
    spoofed = requests.get(f"{here.outside}/metrics", headers={"X-Forwarded-For": "127.0.0.1"}, timeout=10)
    assert spoofed.status_code == 404
    large = requests.post(here.live.here.settings.webhook_url, data=b"x" * 100_000, timeout=10)
    assert large.status_code == 413


def test_each_part_fits_into_half_of_its_memory_limit(here: Composed) -> None:
    """Half, so that a busy day fits too."""
    for name in ("web", "worker", "beat"):
        limit = SERVICES[name]["deploy"]["resources"]["limits"]["memory"]
        assert limit.endswith("M")
        used = sum(_pss_mb(process) for process in here.live.processes(name))
        assert used < int(limit[:-1]) / 2, f"{name} uses {used:.0f} MB of {limit}"


def _pss_mb(process: psutil.Process) -> float:
    return float(process.memory_full_info().pss) / 1024 / 1024


def test_two_web_three_worker_and_two_clock_processes_do_nothing_twice(here: Composed) -> None:
    live = here.live
    assert here.run(["adductor", "strava", "subscribe"]).returncode == 0
    second_web = here.one_more("web")
    for service in ("worker", "worker", "beat"):
        here.one_more(service)
    live.until(lambda: answers(f"http://127.0.0.1:{second_web}/readyz"))
    zone = where_it_is_day(datetime.now(UTC))
    runners = [live.runner(timezone=zone) for _ in range(24)]

    with ThreadPoolExecutor(8) as pool:
        runs = list(pool.map(live.record, runners))
        # Strava sends an event twice now and then: here each comes to both web processes at once.
        again = [
            pool.submit(_the_same_again, live, run, web) for run in runs for web in (here.ports["web"], second_web)
        ]
    for told in again:
        told.result()
    for run in runs:
        live.note_comes(run)

    for run in runs:
        assert live.truth(run)["private_note"].count(block.SIGNATURE) == 1
        assert len(live.written(run)) == 1
        assert len(live.deliveries(run)) == 1
        assert len(live.calls("activities.update", activity=run)) == 1


def _the_same_again(live: Live, run: int, web_port: int) -> None:
    """The event as it came, once more, to one of the web processes."""
    event = live.until(lambda: live.events(run))[0]
    body = {
        "object_type": event.object_type,
        "aspect_type": event.aspect_type,
        "updates": event.updates,
        "object_id": event.object_id,
        "owner_id": event.owner_id,
        "event_time": int(event.event_time.timestamp()),
        "subscription_id": event.subscription_id,
    }
    path = urlsplit(live.here.settings.webhook_url).path
    assert sent(f"http://127.0.0.1:{web_port}{path}", body).status_code == 200


def test_two_clocks_look_once_at_each_rest_day(here: Composed) -> None:
    live = here.live
    here.one_more("beat")
    now = datetime.now(UTC)
    zone = where_it_is_day(now)
    a_minute_ago = (now - timedelta(minutes=1)).astimezone(ZoneInfo(zone)).strftime("%H:%M")
    wishes = {
        "timezone": zone,
        "placements": ["rest_day"],
        "rest_day_prompt_local": a_minute_ago,
        "email": "runner@example.org",
        "email_confirmed_at": now,
    }
    runners = [live.runner(**wishes) for _ in range(12)]
    with live.store.write() as session:
        for runner in runners:
            session.get_one(Athlete, runner.id).next_due_at = now - timedelta(seconds=1)

    def looked_at() -> bool:
        with live.store.read() as session:
            ids = [runner.id for runner in runners]
            done = session.scalars(select(Athlete.last_prompted_on).where(Athlete.id.in_(ids))).all()
        return all(done)

    live.until(looked_at)
    with live.store.read() as session:
        for runner in runners:
            asked = select(func.count()).where(DecisionRecord.athlete_id == runner.id)
            assert session.scalar(asked.where(DecisionRecord.trigger == "clock_tick")) == 1
            assert (session.scalar(select(func.count()).where(Suggestion.athlete_id == runner.id)) or 0) <= 1
