"""A copy of the repository with docker-compose.yml as it is, the sandbox in Strava's place, and a Prometheus beside it.

Changed in the copy: no ports of this machine, Caddy's own certificate authority, and the alerts' times a sixtieth as long.
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PROJECT = "adductor-try"
_TOKEN = secrets.token_hex(16)
_UNITS = {"h": 60.0, "m": 1.0, "s": 1 / 60}


class Failed(Exception):  # noqa: N818 - the outcome of a step
    """A step did not show what it should."""


@dataclass
class Stack:
    """The services in the folder ``work``."""

    work: Path
    token: str = _TOKEN

    def compose(self, *arguments: str, stdin: bytes | None = None) -> bytes:
        """Run `docker compose`; its output. Raises Failed with its last lines."""
        command = ["docker", "compose", "--project-name", PROJECT, "--project-directory", str(self.work)]
        command += ["--profile", "tls", "-f", str(self.work / "docker-compose.yml"), "-f", str(self.work / "try.yml")]
        return run([*command, *arguments], stdin=stdin)

    def inside(self, *arguments: str) -> Any:
        """What a command of `tools.containers.inside` prints."""
        command = ("exec", "-T", "-w", "/src", "strava", "python", "-m", "tools.containers.inside")
        return json.loads(self.compose(*command, *arguments))

    def ask(self, method: str, path: str, **body: Any) -> Any:
        """A call of the sandbox's admin API."""
        return self.inside("ask", method, path, json.dumps(body))

    def sql(self, statement: str) -> str:
        """What the database answers."""
        return (
            self.compose("exec", "-T", "postgres", "psql", "-U", "coach", "-Atc", statement, "coach").decode().strip()
        )

    def prometheus(self, path: str) -> Any:
        """What Prometheus answers to a query of its API."""
        code = f"import urllib.request as u; print(u.urlopen('http://127.0.0.1:9090/api/v1/{path}').read().decode())"
        return json.loads(self.compose("exec", "-T", "prometheus", "python", "-c", code))["data"]

    def record(self, count: int) -> list[str]:
        """So many new runners record a run each; the activities' ids."""
        ids = []
        for _ in range(count):
            runner = self.inside("connect")
            run_of = self.ask("POST", f"runners/{runner}/activities", private_note="New shoes")
            ids.append(str(run_of["id"]))
        return ids

    def wait_for_notes(self, activities: list[str], within_s: float = 90) -> float:
        """Seconds until each activity has its note. Raises Failed when one has none, or more than one."""
        began = time.monotonic()
        until(lambda: min(self.inside("notes", *activities)) > 0, "every run has a note", within_s)
        took = time.monotonic() - began
        if max(counts := self.inside("notes", *activities)) > 1:
            raise Failed(f"notes of each run: {counts}")
        return took


def run(command: list[str], *, stdin: bytes | None = None) -> bytes:
    """Run a command. Raises Failed with the last lines that it wrote."""
    done = subprocess.run(command, input=stdin, capture_output=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines()[-8:]
        raise Failed(f"{' '.join(command[-6:])}: exit code {done.returncode}\n" + "\n".join(said))
    return done.stdout


def until(condition: Callable[[], Any], what: str, within_s: float) -> Any:
    """Wait for a condition of another machine; its value. Raises Failed."""
    deadline = time.monotonic() + within_s
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise Failed(f"not within {within_s:.0f} s: {what}")
        time.sleep(0.5)  # there is nothing to wait on
    return value


def copy_source(work: Path) -> None:
    """Copy what git lists, changes that aren't committed too."""
    listed = run(["git", "-C", str(ROOT), "ls-files", "-z", "-co", "--exclude-standard"]).decode().split("\0")
    for name in filter(None, listed):
        target = work / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target)


def prepare(work: Path) -> Stack:
    """Fill the folder ``work``. Raises Failed without a Prometheus."""
    copy_source(work)
    (work / "ca").mkdir()
    _write_secrets(work / "secrets")
    (work / ".env").write_text(
        f"ADDUCTOR_PUBLIC_URL=https://coach.example.org\nSTRAVA_CLIENT_ID=12345\nADDUCTOR_METRICS_TOKEN={_TOKEN}\n"
    )
    caddyfile = work / "deploy" / "Caddyfile"
    caddyfile.write_text(caddyfile.read_text().replace("{\n", "{\n\tlocal_certs\n", 1))
    _prepare_prometheus(work / "deploy" / "prometheus", work / "prometheus")
    shutil.copyfile(Path(__file__).with_name("try.yml"), work / "try.yml")
    return Stack(work)


def _write_secrets(folder: Path) -> None:
    """As docs/containers.md says."""
    folder.mkdir()
    password = secrets.token_hex(16)
    contents = {
        "secret_key": secrets.token_hex(32),
        "postgres_password": password,
        "database_url": f"postgresql+psycopg://coach:{password}@postgres/coach",
        "strava_client_secret": "sandbox",
        "smtp_url": "",
    }
    for name, text in contents.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o644)


def _prepare_prometheus(configuration: Path, program: Path) -> None:
    """The shipped configuration with quicker times, its token, and Debian's program."""
    scrape = configuration / "prometheus.yml"
    quick = scrape.read_text().replace("scrape_interval: 30s", "scrape_interval: 1s")
    scrape.write_text(f"global: {{evaluation_interval: 1s}}\n{quick}")
    rules = configuration / "adductor.rules.yml"
    rules.write_text(re.sub(r"(for: |\[)(\d+)([hms])\b", _a_sixtieth, rules.read_text()))
    (configuration / "adductor-metrics-token").write_text(_TOKEN)
    program.mkdir()
    if found := shutil.which("prometheus"):
        shutil.copy(found, program / "prometheus")
        return
    try:
        run(["sh", "-c", f"cd {program} && apt-get download prometheus && dpkg-deb -x prometheus_*.deb unpacked"])
    except Failed as error:
        raise Failed(f"Prometheus is needed: install it, or try on a Debian ({error})") from error
    shutil.copy(program / "unpacked" / "usr" / "bin" / "prometheus", program / "prometheus")


def _a_sixtieth(match: re.Match[str]) -> str:
    seconds = float(match[2]) * _UNITS[match[3]]
    return f"{match[1]}{max(round(seconds), 2)}s"
