"""The systemd units: systemd's own check of them, and their commands as local processes."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests
import yaml

from adductor.settings import Settings
from adductor.store import Store
from tests.support import databases
from tests.support.up import adductor_up, all_gone

pytestmark = pytest.mark.processes

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "systemd"
SERVICES = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
UNITS = sorted(path.name for path in FOLDER.iterdir() if path.suffix in {".service", ".timer", ".target"})
SERVICE_UNITS = [name for name in UNITS if name.endswith(".service")]
INSTALLED = "/opt/adductor/bin/adductor"
# systemd's own scale goes from 0 to 10; below 2 it calls a unit OK.
MOST_EXPOSURE = 2.0


def _lines(unit: str, key: str) -> list[str]:
    return re.findall(rf"^{key}=(.*)$", (FOLDER / unit).read_text(), flags=re.MULTILINE)


def _environment(unit: str) -> dict[str, str]:
    pairs = (pair.partition("=") for line in _lines(unit, "Environment") for pair in shlex.split(line))
    return {name: value for name, _, value in pairs}


def _run(command: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def analyze() -> str:
    found = shutil.which("systemd-analyze")
    if not sys.platform.startswith("linux"):
        pytest.skip("systemd is Linux's")
    assert found, "this test needs systemd-analyze; `make system` installs it (Debian: apt-get install systemd)"
    return found


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The units with our command where it is here: systemd looks whether it exists."""
    folder = tmp_path_factory.mktemp("units")
    command = folder / "adductor"
    command.write_text("#!/bin/sh\n")
    command.chmod(0o755)
    for name in UNITS:
        (folder / name).write_text((FOLDER / name).read_text().replace(INSTALLED, str(command)))
    return folder


def test_systemd_finds_nothing_wrong_with_them(analyze: str, here: Path) -> None:
    checked = _run([analyze, "verify", "--man=no", *(str(here / name) for name in UNITS)])

    ours = [line for line in checked.stderr.splitlines() if "adductor" in line]
    assert (checked.returncode, ours) == (0, [])


@pytest.mark.parametrize("name", SERVICE_UNITS)
def test_systemd_calls_each_service_well_enclosed(analyze: str, here: Path, name: str) -> None:
    """Its own sum over what a service could still do to the machine."""
    told = _run([analyze, "security", "--offline=true", "--no-pager", str(here / name)])

    level = re.search(r"Overall exposure level for \S+: ([\d.]+)", told.stdout)
    assert level, told.stderr
    assert float(level[1]) < MOST_EXPOSURE


@pytest.mark.parametrize("name", SERVICE_UNITS)
def test_each_has_limits_and_names_settings_that_exist_and_secrets_that_it_is_given(name: str) -> None:
    assert _lines(name, "MemoryMax")
    assert _lines(name, "TasksMax")
    assert _lines(name, "User") == ["adductor"]
    known = {str(field.validation_alias) for field in Settings.model_fields.values()}
    example = re.findall(r"^#?([A-Z_]+)=", (FOLDER / "adductor.env.example").read_text(), flags=re.MULTILINE)
    ours = [name for name in (*_environment(name), *example) if name.startswith(("ADDUCTOR_", "STRAVA_"))]
    assert {setting.removesuffix("_FILE") for setting in ours} <= known
    given = {line.partition(":")[0] for line in _lines(name, "LoadCredential")}
    assert {value.removeprefix("%d/") for value in _environment(name).values() if value.startswith("%d/")} == given


@pytest.mark.parametrize("unit", ["migrate", "web", "worker@", "beat"])
def test_the_parts_run_what_the_containers_run(unit: str) -> None:
    """The compose file's commands are run through to a note in test_compose.py."""
    service = unit.removesuffix("@")
    (command,) = _lines(f"adductor-{unit}.service", "ExecStart")

    assert command.split() == [INSTALLED, *SERVICES[service]["command"][1:]]
    containers = {key for key in SERVICES[service]["environment"] if key.endswith("_FILE")}
    assert {key for key in _environment(f"adductor-{unit}.service") if key.endswith("_FILE")} == containers


def test_the_whole_in_one_starts_and_ends_as_systemd_does_it(tmp_path: Path) -> None:
    assert _lines("adductor.service", "ExecStart") == [f"{INSTALLED} up"]
    unit = {
        name: value.replace("%S", str(tmp_path))
        for name, value in _environment("adductor.service").items()
        if not value.startswith("%d/")  # without an application it brings its own Strava
    }
    data = tmp_path / "adductor"
    data.mkdir(mode=0o700)
    with adductor_up(data, **unit) as here:
        assert requests.get(f"{here.web}/readyz", timeout=5).json() == {"status": "ready"}
        family = here.family()

        os.kill(here.pid, signal.SIGTERM)  # to the main process alone, as KillMode=mixed says

        here.read_until("Everything has ended.", within_s=int(_lines("adductor.service", "TimeoutStopSec")[0]))
        assert all_gone(family)
        assert (data / "adductor.db").exists()


def test_the_nightly_copy_brings_the_key_along_and_drops_old_ones(tmp_path: Path) -> None:
    (command,) = _lines("adductor-backup.service", "ExecStart")
    (afterwards,) = _lines("adductor-backup.service", "ExecStartPost")
    data, copies = tmp_path / "adductor", tmp_path / "adductor-backups"
    data.mkdir()
    copies.mkdir()
    ours = f"{sys.executable} -m service.cli"
    databases.bring_up(Store(f"sqlite:///{data}/adductor.db"))
    (data / "secret-key").write_text("f" * 64)
    old = copies / "adductor-2026-01-01-034000.db"
    old.write_text("of another year")
    os.utime(old, (0, 0))

    for line in (command, afterwards):
        here = re.sub("%([%S])", lambda found: "%" if found[1] == "%" else str(tmp_path), line).replace(INSTALLED, ours)
        ended = _run(shlex.split(here), ADDUCTOR_DATA_DIR=str(data))
        assert ended.returncode == 0, ended.stderr

    assert (copies / "secret-key").read_text() == "f" * 64
    (copy,) = copies.glob("*.db")
    assert copy != old
    assert copy.read_bytes().startswith(b"SQLite format 3")


def test_run_gives_a_command_every_secret_under_its_setting(tmp_path: Path) -> None:
    """systemd-run is replaced by a script that does what follows `--`."""
    for name in {line.partition(":")[0] for unit in SERVICE_UNITS for line in _lines(unit, "LoadCredential")}:
        (tmp_path / f"secrets_{name}").write_text("")
    stand_in = tmp_path / "systemd-run"
    stand_in.write_text('#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done; shift; exec "$@"\n')
    stand_in.chmod(0o755)
    script = (FOLDER / "adductor-run").read_text().replace(f"exec {INSTALLED}", "printenv; echo")

    ran = _run(["sh", "-c", script, "adductor-run", "strava", "status"], PATH=f"{tmp_path}:{os.environ['PATH']}",
               CREDENTIALS_DIRECTORY=str(tmp_path))  # fmt: skip

    secrets = {
        key: value for unit in SERVICE_UNITS for key, value in _environment(unit).items() if value.startswith("%d/")
    }
    assert ran.returncode == 0, ran.stderr
    assert {f"{key}={value.replace('%d/', f'{tmp_path}/secrets_')}" for key, value in secrets.items()} <= set(
        ran.stdout.splitlines()
    )
    assert ran.stdout.splitlines()[-1] == "strava status"
