"""`adductor up`: everything on one machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

import click

from adductor import beside_up, logs
from service import supervisor as supervising
from service.supervisor import StartError, Supervisor

if TYPE_CHECKING:
    from adductor.settings import Settings

SANDBOX_BIND = "127.0.0.1:9000"
_ADDUCTOR = (sys.executable, "-m", "service.cli")
# As many runners as Strava gives a small application; with one, a newcomer would stand before its wall.
_SANDBOX_TIER = '{"tier": "10"}'
# By default glibc keeps freed memory apart for each thread: 15 MB after some load.
_MALLOC_ARENAS = "2"
_READY_WITHIN_S = 30.0
_MIGRATED_WITHIN_S = 600.0
_SUBSCRIBED_WITHIN_S = 30.0


@dataclass(frozen=True)
class Plan:
    """The settings that `up` gives its parts. Plain: `adductor up` stays without pydantic, whose settings weigh 5 MB."""

    brought: dict[str, str]
    log_format: Literal["text", "json"]
    needs_broker: bool
    sandbox_bind: str | None  # None: a Strava application is set


def make_plan(settings: Settings, sandbox_bind: str = SANDBOX_BIND) -> Plan:
    """Read the settings, and make the data folder. Raises SettingsError."""
    settings.derived("start")  # a key that can't be read is named before the parts start
    brought = {
        "ADDUCTOR_DATA_DIR": str(settings.made_data_dir()),
        "ADDUCTOR_BIND": settings.bind,
        "ADDUCTOR_PUBLIC_URL": settings.public_url,
        "ADDUCTOR_CLOCK_SPEED": str(settings.clock_speed),
    }
    if settings.uses_sandbox:
        from adductor.clock import set_speed

        set_speed(settings)
        brought |= {
            "STRAVA_CLIENT_ID": "1",
            "STRAVA_CLIENT_SECRET": settings.derived("sandbox application"),
            "ADDUCTOR_STRAVA_API_URL": f"http://{sandbox_bind}/api/v3",
            "ADDUCTOR_STRAVA_OAUTH_URL": f"http://{sandbox_bind}/oauth",
        }
    if settings.uses_sandbox_intervals:
        brought |= {
            "INTERVALS_CLIENT_ID": "1",
            "INTERVALS_CLIENT_SECRET": settings.derived("sandbox application"),
            "INTERVALS_WEBHOOK_SECRET": settings.derived("sandbox webhook"),
            "ADDUCTOR_INTERVALS_API_URL": f"http://{sandbox_bind}/intervals/api/v1",
            "ADDUCTOR_INTERVALS_OAUTH_URL": f"http://{sandbox_bind}/intervals",
        }
    return Plan(brought, settings.log_format, settings.redis is None, sandbox_bind if settings.uses_sandbox else None)


@dataclass
class Running:
    """An installation with all its parts. ``environment``: theirs; load the settings from it."""

    environment: dict[str, str]
    sandbox_url: str | None
    supervisor: Supervisor


@contextmanager
def running(plan: Plan, environment: Mapping[str, str], *, output: IO[Any] | int | None = None) -> Iterator[Running]:
    """Start every part, and end all of them at the end. Raises StartError, beside_up.InUseError."""
    bind, data_dir = plan.brought["ADDUCTOR_BIND"], Path(plan.brought["ADDUCTOR_DATA_DIR"])
    ready_file, brought = data_dir / "worker.ready", dict(plan.brought)
    with ExitStack() as stack:
        tell = stack.enter_context(beside_up.locked(data_dir))
        supervising.check_free(bind, "ADDUCTOR_BIND")
        supervisor = Supervisor(output=output)
        stack.callback(supervisor.end)
        given = {"MALLOC_ARENA_MAX": _MALLOC_ARENAS, **environment, supervising.READY_FILE: str(ready_file)}
        if plan.sandbox_bind is not None:
            supervising.check_free(plan.sandbox_bind, "ADDUCTOR_SANDBOX_BIND")
            supervisor.start("sandbox", [*_ADDUCTOR, "sandbox", f"--bind={plan.sandbox_bind}"], given | brought)
        if plan.needs_broker:
            brought["ADDUCTOR_REDIS_URL"] = supervising.start_broker(supervisor, data_dir, given)
        tell(brought)
        _migrate(given | brought)
        ready_file.unlink(missing_ok=True)
        supervisor.start("web", [*_ADDUCTOR, "web"], given | brought)
        supervisor.start("worker", [*_ADDUCTOR, "worker", "--with-beat"], given | brought)
        sandbox_url = None
        if plan.sandbox_bind is not None:
            sandbox_url = f"http://{plan.sandbox_bind}"
            is_set = partial(supervising.http_answers, plan.sandbox_bind, "/admin/tier", post=_SANDBOX_TIER)
            supervisor.wait_until(is_set, "the sandbox", within_s=_READY_WITHIN_S)
        serves = partial(supervising.http_answers, bind, "/healthz")
        supervisor.wait_until(serves, "the web part", within_s=_READY_WITHIN_S)
        supervisor.wait_until(ready_file.exists, "the worker", within_s=_READY_WITHIN_S)
        yield Running(given | brought, sandbox_url, supervisor)


def _migrate(environment: Mapping[str, str]) -> None:
    """Run `adductor db upgrade`. Raises StartError."""
    done = _run_apart("db", "upgrade", environment=environment, within_s=_MIGRATED_WITHIN_S)
    if done.returncode != 0:
        raise StartError(done.stderr.strip().removeprefix("Error: ").removeprefix("adductor: "))


@click.command()
@click.option("--sandbox-bind", default=SANDBOX_BIND, envvar="ADDUCTOR_SANDBOX_BIND", show_default=True)
@click.option("--plan", "only_plan", is_flag=True, hidden=True)
def up(sandbox_bind: str, only_plan: bool) -> None:
    """Run everything on this machine; Ctrl-C ends all of it.

    Without a Strava application it brings a made-up Strava and a made-up intervals.icu, to click through. With
    STRAVA_CLIENT_ID and STRAVA_CLIENT_SECRET it serves the real one.

    \b
    Example: adductor up
    """
    if only_plan:
        from adductor.settings import load

        return click.echo(json.dumps(asdict(make_plan(load(), sandbox_bind))))
    arguments = ("up", "--plan", f"--sandbox-bind={sandbox_bind}")
    done = _run_apart(*arguments, environment=os.environ, within_s=_READY_WITHIN_S, stderr=None)
    if done.returncode != 0:
        sys.exit(done.returncode)  # its standard error is ours, and has said why
    plan = Plan(**json.loads(done.stdout))
    logs.configure(plan.log_format, "up")
    try:
        with supervising.ending_on_signals(), running(plan, os.environ) as here:
            click.echo(_welcome(here, _subscribe(here.environment)))
            here.supervisor.watch_forever()
    except KeyboardInterrupt:
        click.echo("\nEverything has ended.")


def _run_apart(
    *arguments: str, environment: Mapping[str, str], within_s: float, stderr: int | None = subprocess.PIPE
) -> subprocess.CompletedProcess[str]:
    """Run one of our commands in a process of its own: its libraries would stay in memory. It ends with this one.

    Raises subprocess.TimeoutExpired.
    """
    return subprocess.run(
        [*_ADDUCTOR, *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        timeout=within_s,
        check=False,
        preexec_fn=supervising.die_with_parent,
    )


def _subscribe(environment: Mapping[str, str]) -> str:
    """Make the webhook subscription; say how it went."""
    try:
        done = _run_apart("strava", "subscribe", environment=environment, within_s=_SUBSCRIBED_WITHIN_S)
    except subprocess.TimeoutExpired:
        problem = "Strava did not answer in time."
    else:
        if done.returncode == 0:
            return f"Strava sends its events here ({done.stdout.strip()})."
        problem = done.stderr.strip().removeprefix("Error: ")
    return f"No webhook subscription yet: {problem}\n  `adductor strava subscribe` tries again."


def _welcome(here: Running, subscribed: str) -> str:
    lines = ["", f"Adductor Coach is ready: {here.environment['ADDUCTOR_PUBLIC_URL']}"]
    if here.sandbox_url is not None:
        lines.append(f"The made-up Strava:      {here.sandbox_url}")
        if here.environment.get("ADDUCTOR_INTERVALS_API_URL", "").startswith(here.sandbox_url):
            lines.append(f"and intervals.icu:       {here.sandbox_url}/intervals/")
        lines += [
            "",
            "  1. Open Adductor Coach and connect.",
            "  2. Record a run there and watch its private note, or the calendar.",
        ]
    return "\n".join(
        [*lines, "", subscribed, f"Data: {here.environment['ADDUCTOR_DATA_DIR']}    Ctrl-C ends everything.", ""]
    )
