"""`adductor up`: everything on one machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

import click

from adductor import beside_up, logs
from service import orphans
from service import supervisor as supervising
from service.supervisor import StartError, Supervisor, python

if TYPE_CHECKING:
    from adductor.installation import Installation
    from adductor.settings import Settings

# They stand on every page and in every link; a command beside `up` must not guess them.
_ALWAYS_TOLD = ("ADDUCTOR_BIND", "ADDUCTOR_PUBLIC_URL", "ADDUCTOR_CLOCK_SPEED")
SANDBOX_BIND = "127.0.0.1:9000"
# By default glibc keeps freed memory apart for each thread: 15 MB after some load.
_MALLOC_ARENAS = "2"
_READY_WITHIN_S = 30.0
_MIGRATED_WITHIN_S = 600.0
_SUBSCRIBED_WITHIN_S = 30.0


@dataclass(frozen=True)
class Plan:
    """What a start needs of the settings. Plain, so that `adductor up` stays without pydantic: the settings weigh 5 MB."""

    data_dir: str
    bind: str
    public_url: str
    log_format: Literal["text", "json"]
    needs_broker: bool
    sandbox_secret: str | None  # None: a Strava application is set

    @classmethod
    def of(cls, settings: Settings) -> Plan:
        """Make the data folder, too. Raises SettingsError where that fails."""
        return cls(
            data_dir=str(settings.made_data_dir()),
            bind=settings.bind,
            public_url=settings.public_url,
            log_format=settings.log_format,
            needs_broker=settings.redis is None,
            sandbox_secret=settings.derived("sandbox application") if settings.uses_sandbox else None,
        )


@dataclass
class Running:
    """An installation with all its parts. ``steps``: seconds from the start to the end of each."""

    environment: dict[str, str]
    sandbox_url: str | None
    supervisor: Supervisor
    steps: list[tuple[str, float]]

    @cached_property
    def settings(self) -> Settings:
        """The settings that the parts were given."""
        from adductor.settings import load_from

        return load_from(self.environment)

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
    plan: Plan,
    environment: dict[str, str],
    *,
    sandbox_bind: str = SANDBOX_BIND,
    output: IO[Any] | int | None = None,
) -> Iterator[Running]:
    """Start every part, and end all of them at the end. Raises StartError."""
    started = time.monotonic()
    steps: list[tuple[str, float]] = []
    with ExitStack() as stack:
        data_dir = Path(plan.data_dir)
        try:
            stack.enter_context(beside_up.locked(data_dir))
        except beside_up.InUseError as error:
            raise StartError(str(error)) from None
        supervising.check_free(plan.bind, "ADDUCTOR_BIND")
        ready_file = data_dir / "worker.ready"
        ready_file.unlink(missing_ok=True)
        environment = {
            "MALLOC_ARENA_MAX": _MALLOC_ARENAS,
            **environment,
            "ADDUCTOR_DATA_DIR": plan.data_dir,
            "ADDUCTOR_BIND": plan.bind,
            "ADDUCTOR_PUBLIC_URL": plan.public_url,
            orphans.READY_FILE: str(ready_file),
        }
        supervisor = Supervisor(output=output)
        stack.callback(supervisor.end)
        sandbox_url = None
        if plan.sandbox_secret is not None:
            supervising.check_free(sandbox_bind, "ADDUCTOR_SANDBOX_BIND")
            sandbox_url = f"http://{sandbox_bind}"
            environment |= _sandbox_application(plan.sandbox_secret, sandbox_url)
            supervisor.start("sandbox", python("-m", "service.cli", "sandbox", f"--bind={sandbox_bind}"), environment)
        if plan.needs_broker:
            environment["ADDUCTOR_REDIS_URL"] = supervising.start_broker(supervisor, data_dir, environment)
            steps.append(("broker", time.monotonic() - started))
        _migrate(environment)
        steps.append(("database", time.monotonic() - started))
        supervisor.start("web", python("-m", "service.cli", "web"), environment)
        supervisor.start("worker", python("-m", "service.cli", "worker", "--with-beat"), environment)
        stack.enter_context(beside_up.told(data_dir, _brought(environment)))
        if sandbox_url is not None:
            supervisor.wait_until(
                lambda: supervising.http_answers(sandbox_bind, "/admin/clock"), "the sandbox", within_s=_READY_WITHIN_S
            )
            _let_ten_connect(sandbox_bind)
        supervisor.wait_until(
            lambda: supervising.http_answers(plan.bind, "/healthz"), "the web part", within_s=_READY_WITHIN_S
        )
        supervisor.wait_until(ready_file.exists, "the worker", within_s=_READY_WITHIN_S)
        steps.append(("web, worker with clock", time.monotonic() - started))
        here = Running(environment, sandbox_url, supervisor, steps)
        stack.callback(here.close)
        yield here


def _migrate(environment: dict[str, str]) -> None:
    """Run `adductor db upgrade`. Raises StartError."""
    done = _run_apart("db", "upgrade", environment=environment, timeout_s=_MIGRATED_WITHIN_S)
    if done.returncode != 0:
        raise StartError(done.stderr.strip().removeprefix("Error: ").removeprefix("adductor: "))


def _brought(environment: dict[str, str]) -> dict[str, str]:
    """What `up` set itself, for the commands that are run beside it."""
    return {
        name: value
        for name, value in environment.items()
        if name in _ALWAYS_TOLD or (name.startswith(("ADDUCTOR_", "STRAVA_")) and os.environ.get(name) != value)
    }


def _sandbox_application(secret: str, sandbox_url: str) -> dict[str, str]:
    return {
        "STRAVA_CLIENT_ID": "1",
        "STRAVA_CLIENT_SECRET": secret,
        "ADDUCTOR_STRAVA_API_URL": f"{sandbox_url}/api/v3",
        "ADDUCTOR_STRAVA_OAUTH_URL": f"{sandbox_url}/oauth",
    }


def _let_ten_connect(sandbox_bind: str) -> None:
    """As many runners as Strava gives a small application; with one, a newcomer would stand before its wall."""
    from http.client import HTTPConnection

    connection = HTTPConnection(sandbox_bind, timeout=_READY_WITHIN_S)
    connection.request("POST", "/admin/tier", '{"tier": "10"}', {"Content-Type": "application/json"})
    connection.getresponse().read()
    connection.close()


@click.command()
@click.option("--sandbox-bind", default=SANDBOX_BIND, envvar="ADDUCTOR_SANDBOX_BIND", show_default=True)
@click.option("--plan", "only_plan", is_flag=True, hidden=True)
def up(sandbox_bind: str, only_plan: bool) -> None:
    """Run everything on this machine; Ctrl-C ends all of it.

    Without a Strava application it brings a made-up Strava, to click through. With STRAVA_CLIENT_ID and
    STRAVA_CLIENT_SECRET it serves the real one.

    \b
    Example: adductor up
    """
    if only_plan:
        from adductor.settings import load

        return click.echo(json.dumps(asdict(Plan.of(load()))))
    done = _run_apart("up", "--plan", environment=dict(os.environ), stderr=None, timeout_s=_READY_WITHIN_S)
    if done.returncode != 0:
        sys.exit(done.returncode)  # its standard error is ours, and has said why
    plan = Plan(**json.loads(done.stdout))
    logs.configure(plan.log_format, "up")
    try:
        with (
            supervising.ending_on_signals(),
            running(plan, dict(os.environ), sandbox_bind=sandbox_bind) as here,
        ):
            click.echo(_welcome(here, _subscribe(here.environment)))
            here.supervisor.watch_forever()
    except KeyboardInterrupt:
        click.echo("\nEverything has ended.")
    except StartError as error:
        raise click.ClickException(str(error)) from None


def _run_apart(
    *arguments: str, environment: dict[str, str], timeout_s: float, stderr: int | None = subprocess.PIPE
) -> subprocess.CompletedProcess[str]:
    """Run one of our commands in a process of its own, which ends with this one: its libraries would stay in memory."""
    return subprocess.run(
        python("-m", "service.cli", *arguments),
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        timeout=timeout_s,
        check=False,
        preexec_fn=orphans.die_with_parent,
    )


def _subscribe(environment: dict[str, str]) -> str:
    """Run `adductor strava subscribe` in a process of its own; say how it went."""
    try:
        done = _run_apart("strava", "subscribe", environment=environment, timeout_s=_SUBSCRIBED_WITHIN_S)
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
    lines = ["", f"Adductor Coach is ready: {here.environment['ADDUCTOR_PUBLIC_URL']}"]
    if here.sandbox_url is not None:
        lines += [
            f"The made-up Strava:      {here.sandbox_url}",
            "",
            "  1. Open Adductor Coach and press “Connect with Strava”.",
            "  2. Record a run in the made-up Strava and watch its private note.",
        ]
    return "\n".join(
        [*lines, "", subscribed, f"Data: {here.environment['ADDUCTOR_DATA_DIR']}    Ctrl-C ends everything.", ""]
    )
