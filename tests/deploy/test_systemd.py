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

import psutil
import pytest
import requests

from adductor.settings import Settings
from service.supervisor import free_port
from tests.deploy.composed import SERVICES

pytestmark = pytest.mark.processes

FOLDER = Path(__file__).parents[2] / "deploy" / "systemd"
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
    checked = subprocess.run(
        [analyze, "verify", "--man=no", *(str(here / name) for name in UNITS)],
        capture_output=True,
        text=True,
        check=False,
    )

    ours = [line for line in checked.stderr.splitlines() if "adductor" in line]
    assert (checked.returncode, ours) == (0, [])


@pytest.mark.parametrize("name", SERVICE_UNITS)
def test_systemd_calls_each_service_well_enclosed(analyze: str, here: Path, name: str) -> None:
    """Its own sum over what a service could still do to the machine."""
    told = subprocess.run(
        [analyze, "security", "--offline=true", "--no-pager", str(here / name)],
        capture_output=True,
        text=True,
        check=False,
    )

    level = re.search(r"Overall exposure level for \S+: ([\d.]+)", told.stdout)
    assert level, told.stderr
    assert float(level[1]) < MOST_EXPOSURE


@pytest.mark.parametrize("name", SERVICE_UNITS)
def test_each_has_limits_and_names_settings_that_exist(name: str) -> None:
    assert _lines(name, "MemoryMax")
    assert _lines(name, "TasksMax")
    assert _lines(name, "User") == ["adductor"]
    known = {str(field.validation_alias) for field in Settings.model_fields.values()}
    example = re.findall(r"^#?([A-Z_]+)=", (FOLDER / "adductor.env.example").read_text(), flags=re.MULTILINE)
    for setting in [*_environment(name), *example]:
        if setting.startswith(("ADDUCTOR_", "STRAVA_")):
            assert setting.removesuffix("_FILE") in known, setting


@pytest.mark.parametrize("name", SERVICE_UNITS)
def test_each_secret_that_it_names_is_one_that_it_is_given(name: str) -> None:
    given = {line.partition(":")[0] for line in _lines(name, "LoadCredential")}
    named = {value.removeprefix("%d/") for value in _environment(name).values() if value.startswith("%d/")}

    assert named == given


@pytest.mark.parametrize(
    ("unit", "service"),
    [("migrate", "migrate"), ("web", "web"), ("worker@", "worker"), ("beat", "beat")],
)
def test_the_parts_run_what_the_containers_run(unit: str, service: str) -> None:
    """The compose file's commands are run through to a note in test_compose.py."""
    (command,) = _lines(f"adductor-{unit}.service", "ExecStart")

    assert command.split() == [INSTALLED, *SERVICES[service]["command"][1:]]
    containers = {key for key in SERVICES[service]["environment"] if key.endswith("_FILE")}
    assert {key for key in _environment(f"adductor-{unit}.service") if key.endswith("_FILE")} == containers


def test_the_whole_in_one_starts_and_ends_as_systemd_does_it(tmp_path: Path) -> None:
    (command,) = _lines("adductor.service", "ExecStart")
    (within_s,) = _lines("adductor.service", "TimeoutStopSec")
    web, sandbox = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("ADDUCTOR_", "STRAVA_"))}
    unit = {
        name: value.replace("%S", str(tmp_path))
        for name, value in _environment("adductor.service").items()
        if not value.startswith("%d/")  # without an application it brings its own Strava
    }
    own = {"ADDUCTOR_BIND": web, "ADDUCTOR_SANDBOX_BIND": sandbox}
    (tmp_path / "adductor").mkdir(mode=0o700)
    arguments = [sys.executable, "-m", "service.cli", *command.split()[1:]]
    process = subprocess.Popen(
        arguments, env={**clean, **unit, **own}, cwd=tmp_path / "adductor", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        text=True, start_new_session=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert any("Ctrl-C ends everything" in line for line in process.stdout), "it ended before it was ready"
        assert requests.get(f"http://{web}/readyz", timeout=5).json() == {"status": "ready"}
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]

        process.send_signal(signal.SIGTERM)  # to the main process alone, as KillMode=mixed says

        assert process.wait(int(within_s)) == 0
        assert not psutil.wait_procs(family, timeout=5)[1]
        assert (tmp_path / "adductor" / "adductor.db").exists()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def test_the_nightly_copy_brings_the_key_along_and_drops_old_ones(tmp_path: Path) -> None:
    (command,) = _lines("adductor-backup.service", "ExecStart")
    (afterwards,) = _lines("adductor-backup.service", "ExecStartPost")
    data, copies = tmp_path / "adductor", tmp_path / "adductor-backups"
    data.mkdir()
    copies.mkdir()
    ours = f"{sys.executable} -m service.cli"
    environment = {**os.environ, "ADDUCTOR_DATA_DIR": str(data)}
    subprocess.run([*ours.split(), "db", "upgrade"], env=environment, check=True, capture_output=True)
    (data / "secret-key").write_text("f" * 64)
    old = copies / "adductor-2026-01-01-034000.db"
    old.write_text("of another year")
    os.utime(old, (0, 0))

    for line in (command, afterwards):
        here = re.sub("%([%S])", lambda found: "%" if found[1] == "%" else str(tmp_path), line).replace(INSTALLED, ours)
        ended = subprocess.run(shlex.split(here), env=environment, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stderr

    assert (copies / "secret-key").read_text() == "f" * 64
    (copy,) = copies.glob("*.db")
    assert copy != old
    assert copy.read_bytes().startswith(b"SQLite format 3")
