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
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ("migrate", "web", "worker", "beat")


def image_environment() -> dict[str, str]:
    """The ENV lines of the Dockerfile's last stage."""
    stage = (ROOT / "Dockerfile").read_text().rpartition("\nFROM ")[2].replace("\\\n", " ")
    pairs = re.findall(r"([A-Z_]+)=(\S+)", " ".join(re.findall(r"^ENV (.*)$", stage, flags=re.MULTILINE)))
    return dict(pairs)


@dataclass
class Composed:
    """The file's services on ports of this machine."""

    live: Live
    environment: dict[str, str]
    ports: dict[str, int]

    @property
    def outside(self) -> str:
        """Where the proxy answers."""
        return f"http://127.0.0.1:{self.ports['caddy']}"

    def run(self, command: list[str], **more: str) -> subprocess.CompletedProcess[str]:
        """A command of the file, here."""
        environment = {**self.environment, **more}
        return subprocess.run(
            self._here(command), env=environment, capture_output=True, text=True, timeout=60, check=False, cwd="/"
        )

    def check(self, service: str) -> subprocess.CompletedProcess[str]:
        """The service's own health check, here."""
        kind, *test = SERVICES[service]["healthcheck"]["test"]
        server = {"PGHOST": "127.0.0.1", "PGPORT": str(self.ports["postgres"]), "PGCONNECT_TIMEOUT": "3"}
        return self.run(["sh", "-c", *test] if kind == "CMD-SHELL" else test, **server)

    def start(self, service: str, name: str, port: int) -> None:
        """Start a process of a service; the web's listens on this port."""
        environment = {**self.environment, "ADDUCTOR_BIND": f"127.0.0.1:{port}"}
        self.live.here.supervisor.start(name, self._here(SERVICES[service]["command"]), environment)

    def _here(self, command: list[str]) -> list[str]:
        if command[0] == "adductor":
            return [sys.executable, "-m", "service.cli", *command[1:]]
        if command[0] == "python":
            command = [sys.executable, *command[1:]]
        ports = {
            "127.0.0.1:8000": f"127.0.0.1:{self.ports['web']}",
            "127.0.0.1:2019": f"127.0.0.1:{self.ports['admin']}",
            "redis-cli ": f"redis-cli -p {self.ports['redis']} ",
            "/data/": f"{self.environment['ADDUCTOR_DATA_DIR']}/",
        }
        for there, here in ports.items():
            command = [part.replace(there, here) for part in command]
        return command


@contextmanager
def composed(folder: Path, postgres_server: str, name: str) -> Iterator[Composed]:
    """Start the services of the file, and a made-up Strava that reaches them through the proxy."""
    ports = {what: free_port() for what in ("web", "caddy", "admin", "redis", "sandbox")}
    ports["postgres"] = int(postgres_server.rpartition(":")[2])
    outside, sandbox = f"http://127.0.0.1:{ports['caddy']}", f"http://127.0.0.1:{ports['sandbox']}"
    secrets = folder / "secrets"
    secrets.mkdir()
    (secrets / "secret_key").write_text("f" * 64)
    (secrets / "database_url").write_text(postgres.new_database(postgres_server, name))
    (secrets / "strava_client_secret").write_text("made-up\n")
    (secrets / "smtp_url").write_text("")
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith(("ADDUCTOR_", "STRAVA_"))},
        **image_environment(),
        **_filled(SERVICES["web"]["environment"], {"ADDUCTOR_PUBLIC_URL": outside, "STRAVA_CLIENT_ID": "1"}),
        "PATH": os.environ["PATH"],
    }
    for key, value in environment.items():
        environment[key] = value.replace("/run/secrets", str(secrets)).replace(
            "redis://redis:6379", f"redis://127.0.0.1:{ports['redis']}"
        )
    environment |= {
        "ADDUCTOR_DATA_DIR": str(folder / "data"),
        "ADDUCTOR_BIND": f"127.0.0.1:{ports['web']}",
        "ADDUCTOR_STRAVA_API_URL": f"{sandbox}/api/v3",
        "ADDUCTOR_STRAVA_OAUTH_URL": f"{sandbox}/oauth",
    }
    caddyfile = folder / "Caddyfile"
    admin = f"127.0.0.1:{ports['admin']}"
    caddyfile.write_text((ROOT / "deploy" / "Caddyfile").read_text().replace("127.0.0.1:2019", admin))
    beside = {
        "redis": [_needed("redis-server"), *SERVICES["redis"]["command"][1:], "--port", str(ports["redis"]),
                  "--dir", str(folder)],
        "sandbox": [sys.executable, "-m", "sandbox", f"--bind=127.0.0.1:{ports['sandbox']}", "--client-id=1",
                    "--client-secret=made-up", f"--state-dir={folder / 'sandbox'}", f"--app-url={outside}"],
        "caddy": [_needed("caddy"), "run", f"--config={caddyfile}", "--adapter=caddyfile"],
    }  # fmt: skip
    of_caddy = {
        **_filled(SERVICES["caddy"]["environment"], {"ADDUCTOR_PUBLIC_URL": outside}),
        "HOME": str(folder),
        "ADDUCTOR_WEB": environment["ADDUCTOR_BIND"],
    }
    log = folder / "log"
    with log.open("ab") as output:
        supervisor = Supervisor(output=output)
        here = Composed(Live(Here(environment, sandbox, supervisor), log), environment, ports)
        try:
            for name, command in beside.items():
                supervisor.start(name, command, of_caddy if name == "caddy" else environment)
            migrated = here.run(SERVICES["migrate"]["command"])
            assert migrated.returncode == 0, migrated.stderr
            for part in OURS[1:]:
                here.start(part, part, ports["web"])
            for url in (f"http://{environment['ADDUCTOR_BIND']}/readyz", sandbox, outside):
                supervisor.wait_until(lambda url=url: answers(url), url, within_s=60)  # type: ignore[misc]
            here.live.admin("POST", "tier", {"tier": "unlimited"})
            yield here
        finally:
            supervisor.end()


def _needed(program: str) -> str:
    found = shutil.which(program)
    assert found, f"this test needs {program}; `make system` installs it (Debian: apt-get install {program})"
    return found


def _filled(environment: dict[str, Any], given: dict[str, str]) -> dict[str, str]:
    """Compose's ${NAME:-default} and ${NAME:?message}."""

    def fill(match: re.Match[str]) -> str:
        name, kind, rest = match.group(1), match.group(2), match.group(3)
        if name in given:
            return given[name]
        assert kind == ":-", f"{name} has no value here"
        return rest

    return {name: re.sub(r"\$\{([A-Z_]+)(:-|:\?)([^}]*)\}", fill, str(value)) for name, value in environment.items()}


def answers(url: str) -> bool:
    """Whether a good answer comes from there now."""
    try:
        return requests.get(url, timeout=2).ok
    except requests.RequestException:
        return False
