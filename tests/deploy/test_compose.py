"""The production shape: docker-compose.yml, read, and run as local processes with a real PostgreSQL, Redis and Caddy.

There is no container engine where these tests run, so what a container would give (an address, a mounted secret) is put in
the place of its name; everything else is taken from the file as it stands.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest
import requests
import yaml
from sqlalchemy import func, select, update

from adductor.notes import block
from adductor.store.models import Athlete, DecisionRecord, Suggestion
from service.cli.demo import connect_as_a_browser, where_it_is_day
from service.supervisor import Supervisor, free_port
from tests.support import postgres
from tests.support.live import Here, Live, Runner, sent

pytestmark = pytest.mark.processes

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yml"
COMPOSE: dict[str, Any] = yaml.safe_load(FILE.read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ("migrate", "web", "worker", "beat")

# It ends when it is done, and the others wait for that end.
ONE_SHOT = "migrate"
REACHES_OUT = {"web", "worker", "caddy"}


@dataclass
class Composed:
    """The file's services on ports of this machine."""

    live: Live
    environment: dict[str, str]
    services: dict[str, dict[str, Any]]
    ports: dict[str, int]

    @property
    def outside(self) -> str:
        """Where the proxy answers."""
        return f"http://127.0.0.1:{self.ports['caddy']}"

    def run(self, command: list[str], **more: str) -> subprocess.CompletedProcess[str]:
        """A command of the file, here."""
        given: dict[str, Any] = {"env": self.environment | more, "cwd": "/"}
        return subprocess.run(_here(command), **given, capture_output=True, text=True, timeout=60, check=False)

    def check(self, service: str, *, gone: bool = False) -> bool:
        """Whether the service's own health check passes; ``gone``: where nothing listens."""
        kind, *test = self.services[service]["healthcheck"]["test"]
        port = str(self.ports.get({"caddy": "admin"}.get(service, service), ""))
        if gone:
            test, port = [part.replace(port, "1") for part in test], "1"
        server = {"PGHOST": "127.0.0.1", "PGPORT": port, "PGCONNECT_TIMEOUT": "3"}
        return self.run(["sh", "-c", *test] if kind == "CMD-SHELL" else test, **server).returncode == 0

    def start(self, service: str, name: str, port: int) -> None:
        """Start a process of a service; the web's listens on this port."""
        environment = self.environment | {"ADDUCTOR_BIND": f"127.0.0.1:{port}"}
        self.live.here.supervisor.start(name, _here(self.services[service]["command"]), environment)


def _here(command: list[str]) -> list[str]:
    programs = {"adductor": [sys.executable, "-m", "service.cli"], "python": [sys.executable]}
    return [*programs.get(command[0], command[:1]), *command[1:]]


def _read(given: dict[str, str], places: dict[str, str]) -> dict[str, dict[str, Any]]:
    """The file's services with Compose's ${NAME:-default} and ${NAME:?message} filled in, and places of this machine."""

    def fill(match: re.Match[str]) -> str:
        name, kind, default = match.groups()
        return given[name] if kind == "?" else given.get(name, default)

    text = re.sub(r"\$\{([A-Z_]+):([-?])([^}]*)\}", fill, FILE.read_text())
    for there, here in places.items():
        text = text.replace(there, here)
    services: dict[str, dict[str, Any]] = yaml.safe_load(text)["services"]
    return services


@contextmanager
def composed(folder: Path, postgres_server: str, name: str) -> Iterator[Composed]:
    """Start the services of the file, and a made-up Strava that reaches them through the proxy."""
    ports = {what: free_port() for what in ("web", "caddy", "admin", "redis", "sandbox")}
    ports["postgres"] = int(postgres_server.rpartition(":")[2])
    bind, outside, sandbox = (f"127.0.0.1:{ports[what]}" for what in ("web", "caddy", "sandbox"))
    admin, secrets = f"127.0.0.1:{ports['admin']}", folder / "secrets"
    secrets.mkdir()
    (secrets / "secret_key").write_text("f" * 64)
    (secrets / "database_url").write_text(postgres.new_database(postgres_server, name))
    (secrets / "strava_client_secret").write_text("made-up\n")
    (secrets / "smtp_url").write_text("")
    services = _read(
        {"ADDUCTOR_PUBLIC_URL": f"http://{outside}", "STRAVA_CLIENT_ID": "1"},
        {
            "/run/secrets": str(secrets),
            "redis://redis:6379": f"redis://127.0.0.1:{ports['redis']}",
            "redis-cli ": f"redis-cli -p {ports['redis']} ",
            "127.0.0.1:8000": bind,
            "127.0.0.1:2019": admin,
            " /data/": f" {folder}/data/",
        },
    )
    of_image = (ROOT / "Dockerfile").read_text().rpartition("\nFROM ")[2].replace("\\\n", " ")
    of_image = " ".join(re.findall(r"^ENV (.*)$", of_image, flags=re.MULTILINE))
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith(("ADDUCTOR_", "STRAVA_"))},
        **dict(re.findall(r"([A-Z_]+)=(\S+)", of_image)),
        **{key: str(value) for key, value in services["web"]["environment"].items()},
        "PATH": os.environ["PATH"],
        "ADDUCTOR_DATA_DIR": str(folder / "data"),
        "ADDUCTOR_BIND": bind,
        "ADDUCTOR_STRAVA_API_URL": f"http://{sandbox}/api/v3",
        "ADDUCTOR_STRAVA_OAUTH_URL": f"http://{sandbox}/oauth",
    }
    caddyfile = folder / "Caddyfile"
    caddyfile.write_text((ROOT / "deploy" / "Caddyfile").read_text().replace("127.0.0.1:2019", admin))
    beside = {
        "redis": [_needed("redis-server"), *services["redis"]["command"][1:], "--port", str(ports["redis"]),
                  "--dir", str(folder)],
        "sandbox": [sys.executable, "-m", "sandbox", f"--bind={sandbox}", "--client-id=1", "--client-secret=made-up",
                    f"--state-dir={folder / 'sandbox'}", f"--app-url=http://{outside}"],
        "caddy": [_needed("caddy"), "run", f"--config={caddyfile}", "--adapter=caddyfile"],
    }  # fmt: skip
    of_caddy = {**services["caddy"]["environment"], "HOME": str(folder), "ADDUCTOR_WEB": bind}
    log = folder / "log"
    with log.open("ab") as output:
        supervisor = Supervisor(output=output)
        live = Live(Here(environment, f"http://{sandbox}", supervisor), log)
        here = Composed(live, environment, services, ports)
        try:
            for part, command in beside.items():
                supervisor.start(part, command, of_caddy if part == "caddy" else environment)
            migrated = here.run(services["migrate"]["command"])
            assert migrated.returncode == 0, migrated.stderr
            for part in OURS[1:]:
                here.start(part, part, ports["web"])
            for url in (f"http://{bind}/readyz", f"http://{sandbox}", f"http://{outside}"):
                supervisor.wait_until(lambda url=url: answers(url), url, within_s=60)  # type: ignore[misc]
            live.admin("POST", "tier", {"tier": "unlimited"})
            yield here
        finally:
            supervisor.end()


def _needed(program: str) -> str:
    found = shutil.which(program)
    assert found, f"this test needs {program}; `make system` installs it (Debian: apt-get install {program})"
    return found


def answers(url: str) -> bool:
    """Whether a good answer comes from there now."""
    try:
        return requests.get(url, timeout=2).ok
    except requests.RequestException:
        return False


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
    assert service["restart"] == ("no" if name == ONE_SHOT else "unless-stopped")
    assert ("healthcheck" in service) is (name != ONE_SHOT)
    assert ("outside" in service["networks"]) is (name in REACHES_OUT)
    if name not in OURS and name != "caddy":  # whose folders belong to root, and which takes ports below 1024
        assert service["user"] != "root"


def test_image_runs_as_its_own_user_on_lines_that_do_not_move_and_from_locked_packages() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    images = [service["image"] for service in SERVICES.values() if "build" not in service]
    images += re.findall(r"^FROM (\S+)", dockerfile, flags=re.MULTILINE)

    assert re.findall(r"^USER (\S+)$", dockerfile, flags=re.MULTILINE) == ["adductor"]
    for image in images:  # PostgreSQL's line is its first number
        assert re.match(r"\d+" if image.startswith("postgres:") else r"\d+\.\d+", image.partition(":")[2]), image
    for step in ("--require-hashes -r requirements.lock", "--no-deps --no-build-isolation"):
        assert step in dockerfile


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


def test_everything_that_the_image_copies_is_let_through() -> None:
    let_through = {line[1:] for line in (ROOT / ".dockerignore").read_text().split() if line.startswith("!")}
    copied = {
        source
        for line in re.findall(r"^COPY (?!--from)(.*)$", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
        for source in line.split()[:-1]
    }

    assert copied == let_through
    assert all((ROOT / source).exists() for source in copied)


@pytest.mark.parametrize("name", [name for name in SERVICES if name != ONE_SHOT])
def test_health_check_finds_the_service_at_work_and_notices_when_it_is_gone(here: Composed, name: str) -> None:
    here.live.until(lambda: here.check(name))

    assert name in ("worker", "beat") or not here.check(name, gone=True)


def test_the_proxy_keeps_the_figures_inside_and_refuses_what_is_too_large(here: Composed) -> None:
    assert requests.get(f"{here.outside}/healthz", timeout=10).json()["status"] == "ok"
    assert requests.get(f"{here.outside}/metrics", timeout=10).status_code == 404
    # A header that claims to be from this machine doesn't open it either.
    for header, value in (("X-Forwarded-For", "127.0.0.1"), ("Authorization", "Bearer wrong")):
        assert requests.get(f"{here.outside}/metrics", headers={header: value}, timeout=10).status_code == 404, header
    large = requests.post(here.live.here.settings.webhook_url, data=b"x" * 100_000, timeout=10)
    assert large.status_code == 413


def test_each_part_fits_into_half_of_its_memory_limit(here: Composed) -> None:
    """Half, so that a busy day fits too."""
    for name in ("web", "worker", "beat"):
        limit = SERVICES[name]["deploy"]["resources"]["limits"]["memory"]
        assert limit.endswith("M")
        used = sum(process.memory_full_info().pss / 2**20 for process in here.live.processes(name))
        assert used < int(limit[:-1]) / 2, f"{name} uses {used:.0f} MB of {limit}"


def test_two_web_three_worker_and_two_clock_processes_do_nothing_twice(here: Composed) -> None:
    live = here.live
    assert here.run(["adductor", "strava", "subscribe"]).returncode == 0
    zone = where_it_is_day(datetime.now(UTC))
    connect_as_a_browser(here.outside, zone=zone)
    (browsing,) = [entry["id"] for entry in live.admin("GET", "runners") if entry["connected"]]
    live.note_comes(live.admin("POST", f"runners/{browsing}/activities", {})["id"])
    second_web = free_port()
    for number, service in enumerate(("web", "worker", "worker", "beat")):
        here.start(service, f"{service}-{number}", second_web)
    live.until(lambda: answers(f"http://127.0.0.1:{second_web}/readyz"))
    runners = [live.runner(timezone=zone) for _ in range(24)]
    rest_day = _runners_with_a_rest_day_due(live, zone)

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
    live.until(lambda: all(live.athlete(runner).last_prompted_on for runner in rest_day))
    with live.store.read() as session:
        for runner in rest_day:
            asked = select(func.count()).where(DecisionRecord.athlete_id == runner.id)
            assert session.scalar(asked.where(DecisionRecord.trigger == "clock_tick")) == 1
            assert (session.scalar(select(func.count()).where(Suggestion.athlete_id == runner.id)) or 0) <= 1


def _runners_with_a_rest_day_due(live: Live, zone: str) -> list[Runner]:
    """Twelve runners whose time for a rest-day prompt has just come."""
    now = datetime.now(UTC)
    wishes = {
        "timezone": zone,
        "placements": ["rest_day"],
        "rest_day_prompt_local": (now - timedelta(minutes=1)).astimezone(ZoneInfo(zone)).strftime("%H:%M"),
        "email": "runner@example.org",
        "email_confirmed_at": now,
    }
    runners = [live.runner(**wishes) for _ in range(12)]
    with live.store.write() as session:
        due = update(Athlete).where(Athlete.id.in_([runner.id for runner in runners]))
        session.execute(due.values(next_due_at=now - timedelta(seconds=1)))
    return runners


def _the_same_again(live: Live, run: int, web_port: int) -> None:
    """The event as it came, once more, to one of the web processes."""
    event = live.until(lambda: live.events(run))[0]
    names = ("object_type", "aspect_type", "updates", "object_id", "owner_id", "subscription_id")
    body = {name: getattr(event, name) for name in names} | {"event_time": int(event.event_time.timestamp())}
    body |= {"object_id": run, "owner_id": int(event.owner_id)}
    path = urlsplit(live.here.settings.webhook_url).path
    assert sent(f"http://127.0.0.1:{web_port}{path}", body).status_code == 200
