"""docker-compose.yml as local processes: its commands with its environment, a real PostgreSQL, Redis and Caddy.

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
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
import yaml

from service.supervisor import Supervisor, free_port
from tests.support import postgres
from tests.support.live import Here, Live

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yml"
COMPOSE: dict[str, Any] = yaml.safe_load(FILE.read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ("migrate", "web", "worker", "beat")


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
