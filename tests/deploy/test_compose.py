"""docker-compose.yml, run as local processes: its commands with its environment, a real PostgreSQL and a real Redis.

There is no container engine where these tests run, so what a container would give (an address, a mounted secret) is put in
the place of its name; everything else is taken from the file as it stands.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from service.cli.demo import connect_as_a_browser, where_it_is_day
from service.supervisor import Supervisor, free_port
from tests.support import postgres

pytestmark = pytest.mark.processes

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
OURS = ("migrate", "web", "worker", "beat")


def _image_environment() -> dict[str, str]:
    """The ENV lines of the Dockerfile's last stage."""
    stage = (ROOT / "Dockerfile").read_text().rpartition("\nFROM ")[2].replace("\\\n", " ")
    pairs = re.findall(r"([A-Z_]+)=(\S+)", " ".join(re.findall(r"^ENV (.*)$", stage, flags=re.MULTILINE)))
    return dict(pairs)


@dataclass
class Composed:
    web: str
    sandbox: str
    environment: dict[str, str]
    port: int

    def run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        """A command of the file, here."""
        here = [sys.executable, "-m", "service.cli", *command[1:]] if command[0] == "adductor" else command
        if here[0] == "python":
            here = [sys.executable, *(part.replace(":8000", f":{self.port}") for part in here[1:])]
        return subprocess.run(
            here, env=self.environment, capture_output=True, text=True, timeout=60, check=False, cwd="/"
        )


@pytest.fixture(scope="module")
def composed(tmp_path_factory: pytest.TempPathFactory, postgres_server: str) -> Iterator[Composed]:
    folder = tmp_path_factory.mktemp("compose")
    port, sandbox_port, redis_port = free_port(), free_port(), free_port()
    web, sandbox = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{sandbox_port}"
    secrets = folder / "secrets"
    secrets.mkdir()
    (secrets / "secret_key").write_text("f" * 64)
    (secrets / "database_url").write_text(postgres.new_database(postgres_server, "composed"))
    (secrets / "strava_client_secret").write_text("made-up")
    given = {"ADDUCTOR_PUBLIC_URL": web, "STRAVA_CLIENT_ID": "1"}
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("ADDUCTOR_", "STRAVA_"))},
        **_image_environment(),
        **{name: _filled(value, given) for name, value in COMPOSE["services"]["web"]["environment"].items()},
        "PATH": os.environ["PATH"],
    }
    for name, value in environment.items():
        environment[name] = value.replace("/run/secrets", str(secrets)).replace(
            "redis://redis:6379", f"redis://127.0.0.1:{redis_port}"
        )
    environment |= {
        "ADDUCTOR_DATA_DIR": str(folder / "data"),
        "ADDUCTOR_BIND": f"127.0.0.1:{port}",
        "ADDUCTOR_STRAVA_API_URL": f"{sandbox}/api/v3",
        "ADDUCTOR_STRAVA_OAUTH_URL": f"{sandbox}/oauth",
    }
    here = Composed(web, sandbox, environment, port)
    redis_server = shutil.which("redis-server")
    assert redis_server, (
        "this test needs redis-server; `make system` installs it (Debian: apt-get install redis-server)"
    )
    with (folder / "log").open("ab") as log:
        supervisor = Supervisor(output=log)
        try:
            command = COMPOSE["services"]["redis"]["command"]
            supervisor.start(
                "redis", [redis_server, *command[1:], "--port", str(redis_port), "--dir", str(folder)], environment
            )
            supervisor.start(
                "sandbox",
                [sys.executable, "-m", "sandbox", f"--bind=127.0.0.1:{sandbox_port}", f"--state-dir={folder / 'sandbox'}",
                 "--client-id=1", "--client-secret=made-up", f"--app-url={web}"],
                environment,
            )  # fmt: skip
            migrated = here.run(COMPOSE["services"]["migrate"]["command"])
            assert migrated.returncode == 0, migrated.stderr
            for name in OURS[1:]:
                arguments = COMPOSE["services"][name]["command"]
                supervisor.start(name, [sys.executable, "-m", "service.cli", *arguments[1:]], environment)
            supervisor.wait_until(lambda: _ok(f"{web}/readyz"), "web", within_s=60)
            supervisor.wait_until(lambda: _ok(sandbox), "sandbox", within_s=60)
            yield here
        finally:
            supervisor.end()


def _filled(value: str, given: dict[str, str]) -> str:
    """Compose's ${NAME:-default} and ${NAME:?message}."""

    def fill(match: re.Match[str]) -> str:
        name, kind, rest = match.group(1), match.group(2), match.group(3)
        if name in given:
            return given[name]
        assert kind == ":-", f"{name} has no value here"
        return rest

    return re.sub(r"\$\{([A-Z_]+)(:-|:\?)([^}]*)\}", fill, str(value))


def _ok(url: str) -> bool:
    try:
        return requests.get(url, timeout=2).ok
    except requests.RequestException:
        return False


def test_every_service_of_ours_is_small_and_locked_down() -> None:
    for name in OURS:
        service = COMPOSE["services"][name]
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert "privileged" not in service, name
    for name in ("web", "worker", "beat", "redis", "postgres"):
        assert "healthcheck" in COMPOSE["services"][name], name
    assert re.search(r"^USER adductor$", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)


def test_no_secret_stands_in_the_file() -> None:
    for name, value in COMPOSE["services"]["web"]["environment"].items():
        if re.search(r"SECRET|KEY|DATABASE", name):
            assert name.endswith("_FILE"), name
            assert str(value).startswith("/run/secrets/"), name


def test_the_images_steps_are_the_makefiles() -> None:
    wanted = ("--require-hashes -r requirements.lock", "--no-deps --no-build-isolation")
    dockerfile, makefile = (ROOT / "Dockerfile").read_text(), (ROOT / "Makefile").read_text()
    for step in wanted:
        assert step in dockerfile
    assert "--require-hashes -r $(1)" in makefile
    assert "$(call install,requirements.lock,$@)" in makefile
    assert wanted[1] in makefile


def test_a_recorded_run_becomes_a_note_on_postgresql_and_redis(composed: Composed) -> None:
    subscribed = composed.run(["adductor", "strava", "subscribe"])
    assert subscribed.returncode == 0, subscribed.stderr
    connect_as_a_browser(composed.web, zone=where_it_is_day(datetime.now(UTC)))
    runner = next(
        entry["id"]
        for entry in requests.get(f"{composed.sandbox}/admin/runners", timeout=10).json()
        if entry["connected"]
    )

    run = requests.post(f"{composed.sandbox}/admin/runners/{runner}/activities", json={}, timeout=10).json()["id"]
    waited = requests.get(
        f"{composed.sandbox}/admin/wait", params={"for": "note", "activity_id": run, "timeout_s": 30}, timeout=60
    )

    assert waited.status_code == 200
    note = requests.get(f"{composed.sandbox}/admin/activities/{run}", timeout=10).json()["private_note"]
    assert note.endswith("— Adductor Coach")


def test_the_health_checks_find_every_part_at_work(composed: Composed) -> None:
    for name in ("web", "worker", "beat"):
        test = COMPOSE["services"][name]["healthcheck"]["test"]
        assert test[0] == "CMD"
        give_up_at = time.monotonic() + 30
        while (ended := composed.run(test[1:])).returncode != 0 and time.monotonic() < give_up_at:
            time.sleep(0.2)
        assert ended.returncode == 0, (name, ended.stderr)
