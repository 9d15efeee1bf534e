"""`python -m tools.containers.systemd [--image IMAGE] [-- OPTION...]`: boots systemd and runs deploy/systemd in it.

It runs the commands of docs/systemd.md as they stand there, with the sandbox in Strava's place, and prints a table. Takes
five minutes. Exit code 1 when a step did not show what it should. IMAGE is a Debian with systemd that is used instead of
building one; OPTIONs go to `docker run`.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.containers.stack import ROOT, Failed, copy_source, run, until

NAME = "adductor-try-systemd"
_DEBIAN = """FROM debian:trixie-slim
RUN apt-get update && apt-get install -y --no-install-recommends systemd-sysv dbus git curl ca-certificates python3-venv
"""
# What systemd needs in a container: its own cgroups, mounts, and folders in memory.
_BOOT = (
    *("--cap-add", "SYS_ADMIN", "--security-opt", "seccomp=unconfined", "--cgroupns", "host"),
    *("--volume", "/sys/fs/cgroup:/sys/fs/cgroup", "--tmpfs", "/run", "--tmpfs", "/run/lock", "--tmpfs", "/tmp:exec"),  # noqa: S108 - in the container
    *("--stop-signal", "SIGRTMIN+3", "--env", "container=docker"),
)
_ADDRESS = "http://127.0.0.1:8000"
_SETTINGS = f"""ADDUCTOR_PUBLIC_URL={_ADDRESS}
STRAVA_CLIENT_ID=12345
ADDUCTOR_STRAVA_API_URL=http://127.0.0.1:9000/api/v3
ADDUCTOR_STRAVA_OAUTH_URL=http://127.0.0.1:9000/oauth
#ADDUCTOR_REDIS_URL=redis://127.0.0.1:6379/0
"""
_ENV_FILE = "/etc/adductor/adductor.env"
_PARTS = ("adductor-web", "adductor-beat", "adductor-worker@1", "adductor-worker@2")
_BACKUPS = "/var/lib/adductor-backups"


@dataclass
class Machine:
    """The booted container."""

    def sh(self, script: str) -> str:
        """What a script of root prints. Raises Failed."""
        return run(["docker", "exec", NAME, "sh", "-euc", script]).decode().strip()

    def documented(self, heading: str, number: int = 0) -> str:
        """The commands below a heading of docs/systemd.md."""
        section = (ROOT / "docs" / "systemd.md").read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
        return str(re.findall(r"```\n(.*?)```", section, flags=re.DOTALL)[number])

    def shown(self, unit: str, name: str) -> str:
        """A property of a unit, as systemd shows it."""
        return self.sh(f"systemctl show --value -p {name} {unit}")

    def inside(self, *arguments: str) -> Any:
        """What a command of `tools.containers.inside` prints."""
        words = " ".join(f"'{each}'" for each in arguments)
        return json.loads(
            self.sh(f"cd /src && APP={_ADDRESS} /opt/adductor/bin/python -m tools.containers.inside {words}")
        )

    def wait_until_ready(self) -> None:
        until(lambda: self.inside("status", "readyz") == 200, "/readyz answers 200", 60)

    def find_note(self) -> str:
        """A new runner records a run; how long the note took. Raises Failed."""
        self.sh(f'curl -fsS -XPOST {_ADDRESS.replace("8000", "9000")}/admin/tier -d \'{{"tier": "10"}}\'')
        runner = self.inside("connect")
        activity = self.inside("ask", "POST", f"runners/{runner}/activities", '{"private_note": "New shoes"}')["id"]
        began = time.monotonic()
        until(lambda: self.inside("notes", str(activity)) == [1], "the run has its note", 90)
        return f"note after {time.monotonic() - began:.1f} s"


def boot(machine: Machine, image: str, options: list[str]) -> str:
    run(["docker", "rm", "--force", NAME])
    if not image:
        image = NAME
        run(["docker", "build", "--tag", image, "-"], stdin=_DEBIAN.encode())
    # Mounts are shared as on a machine that booted: units get their credentials by that way.
    init = ("sh", "-c", "mount --make-rshared / && exec /sbin/init")
    run(["docker", "run", "--detach", "--name", NAME, *_BOOT, *options, image, *init])
    with tempfile.TemporaryDirectory() as source:
        copy_source(Path(source))
        run(["docker", "cp", source, f"{NAME}:/src"])
    until(lambda: machine.sh("[ -S /run/systemd/private ] && echo there || true"), "systemd answers", 60)
    state = machine.sh("systemctl is-system-running --wait || true")
    return f"{machine.sh('systemctl --version | head -n 1')}, {state}"


def install(machine: Machine) -> str:
    script = machine.documented("Install").replace("URL-OF-THE-SOURCE", "file:///src")
    machine.sh(
        "echo 'APT::Get::Assume-Yes true;' > /etc/apt/apt.conf.d/90try; apt-get update; cd /src; git init -q; git add -A\n"
        f"git -c user.name=try -c user.email=try@localhost commit -qm try\n{script}"
    )
    machine.sh(
        f"printf '%s' '{_SETTINGS}' > {_ENV_FILE}; printf sandbox > /etc/adductor/secrets/strava_client_secret\n"
        "systemd-run --unit=strava --property=DynamicUser=yes --working-directory=/tmp --setenv=PYTHONPATH="
        "$(echo /opt/adductor/lib/python3*/site-packages/adductor/_parts) /opt/adductor/bin/python -m sandbox"
        f" --bind 127.0.0.1:9000 --state-dir /tmp/strava --client-id 12345 --client-secret sandbox --app-url {_ADDRESS}"
    )
    return "as documented"


def start_whole(machine: Machine) -> str:
    machine.sh(machine.documented("Everything on one machine").replace("journalctl -u adductor -f", ""))
    # It subscribes when everything runs.
    until(lambda: machine.inside("ask", "GET", "state")["subscription"], "the subscription", 60)
    return machine.find_note()


def run_command(machine: Machine) -> str:
    """With the settings of the units, as documented."""
    command = machine.documented("Everything on one machine", 1).strip()
    said = machine.sh(f"{command} || true")
    if "database" not in said:
        raise Failed(f"doctor says: {said[-500:]}")
    return f"doctor's last line: {said.splitlines()[-1]}"


def run_backup_timer(machine: Machine) -> str:
    """Let the timer fire in a second, instead of at night."""
    machine.sh(
        "mkdir -p /run/systemd/system/adductor-backup.timer.d; printf '[Timer]\\nOnCalendar=\\nOnActiveSec=1\\n"
        "RandomizedDelaySec=0\\nAccuracySec=1\\n' > /run/systemd/system/adductor-backup.timer.d/now.conf\n"
        "systemctl daemon-reload; systemctl restart adductor-backup.timer"
    )
    until(lambda: machine.shown("adductor-backup", "ExecMainExitTimestamp"), "the backup has run", 60)
    until(lambda: machine.shown("adductor-backup", "ActiveState") != "deactivating", "the backup has ended", 60)
    if (result := machine.shown("adductor-backup", "Result")) != "success":
        raise Failed(f"{result}: {machine.sh('journalctl -u adductor-backup -n 5 --no-pager -o cat')}")
    files = machine.sh(f"ls {_BACKUPS}").split()
    if len(files) != 2 or "secret-key" not in files:
        raise Failed(f"in {_BACKUPS}: {files}")
    return f"{_BACKUPS} has the key and {files[0]}"


def kill_main(machine: Machine, *units: str) -> str:
    """A killed main process is started again, and leaves no child behind."""
    for unit in units:
        before = machine.sh(f"grep -l '/{unit}.service' /proc/[0-9]*/cgroup | cut -d/ -f3")
        machine.sh(f"kill -9 {machine.shown(unit, 'MainPID')}")
        until(lambda unit=unit: machine.shown(unit, "NRestarts") == "1", f"{unit} is started again", 60)  # type: ignore[misc]
        left = machine.sh(f"for each in {' '.join(before.split())}; do [ ! -d /proc/$each ] || echo $each; done")
        if left:
            raise Failed(f"{unit}: processes {left.split()} were left")
    machine.wait_until_ready()
    return "started again once; no process left of the first"


def refuse_settings(machine: Machine, *units: str) -> str:
    """Wrong settings end a unit with exit code 2, and it stays so."""
    machine.sh(f"cp {_ENV_FILE} /tmp/right; sed -i 's/^STRAVA_CLIENT_ID=.*/STRAVA_CLIENT_ID=abc/' {_ENV_FILE}")
    try:
        for unit in units:
            machine.sh(
                f"systemctl stop {unit}; systemctl reset-failed {unit} || true; systemctl start --no-block {unit}"
            )
            until(lambda unit=unit: machine.shown(unit, "ActiveState") == "failed", f"{unit} has failed", 60)  # type: ignore[misc]
            seen = machine.shown(unit, "ExecMainStatus"), machine.shown(unit, "NRestarts")
            said = machine.sh(f"journalctl -u {unit} -n 20 --no-pager -o cat")
            if seen != ("2", "0") or "STRAVA_CLIENT_ID" not in said:
                raise Failed(f"{unit}: exit code and restarts {seen}; it said {said[-500:]}")
    finally:
        machine.sh(f"cp /tmp/right {_ENV_FILE}; systemctl reset-failed")
    machine.sh(f"systemctl start {' '.join(units)}")
    machine.wait_until_ready()
    return "exit code 2, not restarted; the journal names the setting; mended, it starts"


def stop_whole(machine: Machine) -> str:
    machine.sh("systemctl disable --now adductor.service adductor-backup.timer")
    return f"ended with {machine.shown('adductor', 'Result')}"


def start_parts(machine: Machine) -> str:
    machine.sh(f"export DEBIAN_FRONTEND=noninteractive\n{machine.documented('Part by part, on PostgreSQL and Redis')}")
    machine.wait_until_ready()
    return machine.find_note()


def stop_parts(machine: Machine) -> str:
    peaks = {unit: int(machine.shown(unit, "MemoryCurrent")) / 1e6 for unit in _PARTS[:3]}
    machine.sh("systemctl stop adductor.target")
    until(
        lambda: set(machine.sh(f"systemctl is-active {' '.join(_PARTS)} || true").split()) == {"inactive"},
        "every part has ended",
        60,
    )
    return "all end with the target; before that " + ", ".join(f"{unit} {mb:.0f} MB" for unit, mb in peaks.items())


STEPS: tuple[tuple[str, Callable[[Machine], str]], ...] = (
    ("install", install),
    ("everything on one machine", start_whole),
    ("a command", run_command),
    ("nightly backup", run_backup_timer),
    ("kill", lambda machine: kill_main(machine, "adductor")),
    ("wrong settings", lambda machine: refuse_settings(machine, "adductor")),
    ("stop", stop_whole),
    ("part by part", start_parts),
    ("kill each part", lambda machine: kill_main(machine, *_PARTS[:3])),
    ("wrong settings of each part", lambda machine: refuse_settings(machine, *_PARTS[:3])),
    ("stop the parts", stop_parts),
)


def main() -> int:
    """Run the steps in order; the first that fails ends them."""
    parser = argparse.ArgumentParser(prog="python -m tools.containers.systemd", description=__doc__)
    parser.add_argument("--image", default="", help="a Debian with systemd, git, curl and python3-venv")
    parser.add_argument("--keep", action="store_true", help="leave the machine running for a look")
    parser.add_argument("options", nargs="*", metavar="OPTION", help="for docker run, after --")
    options = parser.parse_args()
    machine = Machine()
    first: Callable[[Machine], str] = lambda machine: boot(machine, options.image, options.options)  # noqa: E731
    steps = (("boot", first), *STEPS)
    try:
        for name, step in steps:
            began = time.monotonic()
            seen = step(machine)
            print(f"| {name} | {seen} | {time.monotonic() - began:.0f} s |", flush=True)
    except Failed as failed:
        print(f"{name}: {failed}", file=sys.stderr)
        return 1
    finally:
        if not options.keep:
            run(["docker", "rm", "--force", "--volumes", NAME])
    return 0


if __name__ == "__main__":
    sys.exit(main())
