"""`adductor up`: everything on one machine."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from http.client import HTTPConnection
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from adductor import logs
from adductor.settings import UP_BROUGHT, Settings, load, load_from
from service import supervisor as supervising
from service.cli.parts import READY_FILE
from service.supervisor import StartError, Supervisor, python

if TYPE_CHECKING:
    from adductor.installation import Installation

# They stand on every page and in every link; a command beside `up` must not guess them.
_ALWAYS_TOLD = ("ADDUCTOR_BIND", "ADDUCTOR_PUBLIC_URL", "ADDUCTOR_CLOCK_SPEED")
SANDBOX_BIND = "127.0.0.1:9000"
# By default glibc keeps freed memory apart for each thread: 15 MB after some load.
_MALLOC_ARENAS = "2"
_READY_WITHIN_S = 30.0
_MIGRATED_WITHIN_S = 600.0
_SUBSCRIBED_WITHIN_S = 30.0


@dataclass
class Running:
    """An installation with all its parts. ``steps``: seconds from the start to the end of each."""

    settings: Settings
    environment: dict[str, str]
    sandbox_url: str | None
    supervisor: Supervisor
    steps: list[tuple[str, float]]

    @cached_property
    def installation(self) -> Installation:
        """The same database, broker and clock in this process. `adductor up` itself does without, to stay small."""
        from adductor.installation import Installation

        return Installation(self.settings)

    def close(self) -> None:
        if "installation" in self.__dict__:
            self.installation.close()


@contextmanager
def running(
    settings: Settings,
    environment: dict[str, str],
    *,
    sandbox_bind: str = SANDBOX_BIND,
    output: IO[Any] | int | None = None,
) -> Iterator[Running]:
    """Start every part, and end all of them at the end. Raises StartError."""
    started = time.monotonic()
    steps: list[tuple[str, float]] = []
    with ExitStack() as stack:
        stack.enter_context(supervising.only_one(settings.made_data_dir()))
        supervising.check_free(settings.bind, "ADDUCTOR_BIND")
        ready_file = settings.data_dir / "worker.ready"
        ready_file.unlink(missing_ok=True)
        environment = {
            "MALLOC_ARENA_MAX": _MALLOC_ARENAS,
            **environment,
            "ADDUCTOR_DATA_DIR": str(settings.data_dir),
            "ADDUCTOR_BIND": settings.bind,
            "ADDUCTOR_PUBLIC_URL": settings.public_url,
            READY_FILE: str(ready_file),
        }
        supervisor = Supervisor(output=output)
        stack.callback(supervisor.end)
        sandbox_url = None
        if settings.uses_sandbox:
            supervising.check_free(sandbox_bind, "ADDUCTOR_SANDBOX_BIND")
            sandbox_url = f"http://{sandbox_bind}"
            environment |= _sandbox_application(settings, sandbox_url)
            supervisor.start("sandbox", python("-m", "service.cli", "sandbox", f"--bind={sandbox_bind}"), environment)
        if settings.redis is None:
            environment["ADDUCTOR_REDIS_URL"] = supervising.start_broker(supervisor, settings.data_dir, environment)
            steps.append(("broker", time.monotonic() - started))
        _migrate(environment)
        steps.append(("database", time.monotonic() - started))
        supervisor.start("web", python("-m", "service.cli", "web"), environment)
        supervisor.start("worker", python("-m", "service.cli", "worker", "--with-beat"), environment)
        stack.callback(_tell_commands_beside(settings.data_dir, environment))
        if sandbox_url is not None:
            supervisor.wait_until(
                lambda: supervising.http_answers(sandbox_bind, "/admin/clock"), "the sandbox", within_s=_READY_WITHIN_S
            )
            _let_ten_connect(sandbox_bind)
        supervisor.wait_until(
            lambda: supervising.http_answers(settings.bind, "/healthz"), "the web part", within_s=_READY_WITHIN_S
        )
        supervisor.wait_until(ready_file.exists, "the worker", within_s=_READY_WITHIN_S)
        steps.append(("web, worker with clock", time.monotonic() - started))
        here = Running(load_from(environment), environment, sandbox_url, supervisor, steps)
        stack.callback(here.close)
        yield here


def _migrate(environment: dict[str, str]) -> None:
    """Run `adductor db upgrade`, in a process of its own: its libraries would stay in memory. Raises StartError."""
    done = subprocess.run(
        python("-m", "service.cli", "db", "upgrade"),
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_MIGRATED_WITHIN_S,
        check=False,
    )
    if done.returncode != 0:
        raise StartError(done.stderr.strip().removeprefix("Error: ").removeprefix("adductor: "))


def _tell_commands_beside(data_dir: Path, environment: dict[str, str]) -> Callable[[], None]:
    """Keep what `up` brought itself for `adductor doctor` and other commands; returns how to take it back."""
    file = data_dir / UP_BROUGHT
    brought = {
        name: value
        for name, value in environment.items()
        if name in _ALWAYS_TOLD or (name.startswith(("ADDUCTOR_", "STRAVA_")) and os.environ.get(name) != value)
    }
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as written:
        json.dump(brought, written)
    return lambda: file.unlink(missing_ok=True)


def _sandbox_application(settings: Settings, sandbox_url: str) -> dict[str, str]:
    return {
        "STRAVA_CLIENT_ID": "1",
        "STRAVA_CLIENT_SECRET": settings.derived("sandbox application"),
        "ADDUCTOR_STRAVA_API_URL": f"{sandbox_url}/api/v3",
        "ADDUCTOR_STRAVA_OAUTH_URL": f"{sandbox_url}/oauth",
    }


def _let_ten_connect(sandbox_bind: str) -> None:
    """As many runners as Strava gives a small application; with one, a newcomer would stand before its wall."""
    connection = HTTPConnection(sandbox_bind, timeout=_READY_WITHIN_S)
    connection.request("POST", "/admin/tier", '{"tier": "10"}', {"Content-Type": "application/json"})
    connection.getresponse().read()
    connection.close()


@click.command()
@click.option("--sandbox-bind", default=SANDBOX_BIND, envvar="ADDUCTOR_SANDBOX_BIND", show_default=True)
def up(sandbox_bind: str) -> None:
    """Run everything on this machine; Ctrl-C ends all of it.

    Without a Strava application it brings a made-up Strava, to click through. With STRAVA_CLIENT_ID and
    STRAVA_CLIENT_SECRET it serves the real one.

    \b
    Example: adductor up
    """
    settings = load()
    logs.configure(settings.log_format, "up")
    try:
        with (
            supervising.ending_on_signals(),
            running(settings, dict(os.environ), sandbox_bind=sandbox_bind) as here,
        ):
            click.echo(_welcome(here, _subscribe(here.environment)))
            here.supervisor.watch_forever()
    except KeyboardInterrupt:
        click.echo("\nEverything has ended.")
    except StartError as error:
        raise click.ClickException(str(error)) from None


def _subscribe(environment: dict[str, str]) -> str:
    """Run `adductor strava subscribe` in a process of its own; say how it went."""
    try:
        done = subprocess.run(
            python("-m", "service.cli", "strava", "subscribe"),
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SUBSCRIBED_WITHIN_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return _not_subscribed("Strava did not answer in time.")
    if done.returncode == 0:
        return f"Strava sends its events here ({done.stdout.strip()})."
    return _not_subscribed(done.stderr.strip().removeprefix("Error: "))


def subscribe_in_words(installation: Installation) -> str:
    """Make the subscription from this process; say how it went."""
    from adductor.platforms.base import PlatformError
    from service.subscribing import subscribe

    try:
        return f"Strava sends its events here (subscription {subscribe(installation).subscription_id})."
    except PlatformError as error:
        return _not_subscribed(error.message)


def _not_subscribed(reason: str) -> str:
    return f"No webhook subscription yet: {reason}\n  `adductor strava subscribe` tries again."


def _welcome(here: Running, subscribed: str) -> str:
    lines = ["", f"Adductor Coach is ready: {here.settings.public_url}"]
    if here.sandbox_url is not None:
        lines += [
            f"The made-up Strava:      {here.sandbox_url}",
            "",
            "  1. Open Adductor Coach and press “Connect with Strava”.",
            "  2. Record a run in the made-up Strava and watch its private note.",
        ]
    return "\n".join([*lines, "", subscribed, f"Data: {here.settings.data_dir}    Ctrl-C ends everything.", ""])
