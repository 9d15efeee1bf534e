"""`adductor up`: everything on one machine."""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import click
import requests
from sqlalchemy import select
from sqlalchemy.orm import configure_mappers

from adductor import catalogue, logs
from adductor.installation import Installation
from adductor.platforms.base import PlatformError
from adductor.settings import UP_BROUGHT, Settings, load
from adductor.store import Store, migrate
from adductor.store.models import Heartbeat
from service import supervisor as supervising
from service.supervisor import StartError, Supervisor, python

# What our parts import sooner or later.
_IN_COMMON = (
    "celery.app.amqp",
    "celery.app.log",
    "celery.apps.beat",
    "celery.apps.worker",
    "celery.concurrency.thread",
    "celery.events.receiver",
    "celery.worker.autoscale",
    "celery.worker.components",
    "celery.worker.consumer",
    "celery.worker.consumer.delayed_delivery",
    "celery.worker.strategy",
    "kombu.mixins",
    "kombu.transport.redis",
    "service.answers",
    "service.connect",
    "service.ops",
    "service.pages",
    "service.server",
    "service.webhooks",
    "uvicorn.protocols.http.h11_impl",
    "workers.tasks",
)
# Said on every page and in every link anyway; a command beside must not guess them.
_WORTH_TELLING = ("ADDUCTOR_BIND", "ADDUCTOR_PUBLIC_URL", "ADDUCTOR_CLOCK_SPEED")
SANDBOX_BIND = "127.0.0.1:9000"
# By default glibc keeps freed memory apart for each of our threads, who work one at a time anyway: 15 MB after some load.
_MALLOC_ARENAS = 2
_M_ARENA_MAX = -8  # malloc.h
# Half of what Strava itself waits for; on one machine an answer takes a millisecond.
_PROBE_TIMEOUT_S = 1.0


@dataclass(slots=True)
class Running:
    """An installation with all its parts."""

    settings: Settings
    environment: dict[str, str]
    sandbox_url: str | None
    installation: Installation
    supervisor: Supervisor
    steps: list[tuple[str, float]]


@contextmanager
def running(
    settings: Settings,
    environment: dict[str, str],
    *,
    sandbox_bind: str = SANDBOX_BIND,
    output: IO[Any] | int | None = None,
    fork: bool = False,
) -> Iterator[Running]:
    """Start every part, and end all of them at the end. Raises StartError.

    ``fork`` starts our own parts as forks of this process, which must have no threads and no connections: faster, and
    with what they have in common in memory once.
    """
    with ExitStack() as stack:
        stack.enter_context(supervising.only_one(settings.data_dir))
        supervising.check_free(settings.bind, "ADDUCTOR_BIND")
        environment = {
            **environment,
            "ADDUCTOR_DATA_DIR": str(settings.data_dir),
            "ADDUCTOR_BIND": settings.bind,
            "ADDUCTOR_PUBLIC_URL": settings.public_url,
            "MALLOC_ARENA_MAX": environment.get("MALLOC_ARENA_MAX", str(_MALLOC_ARENAS)),
        }
        sandbox_url = None
        if settings.uses_sandbox:
            supervising.check_free(sandbox_bind, "ADDUCTOR_SANDBOX_BIND")
            sandbox_url = f"http://{sandbox_bind}"
            environment |= _sandbox_application(settings, sandbox_url)
        supervisor = Supervisor(output=output)
        stack.callback(supervisor.end)
        steps: list[tuple[str, float]] = []
        started = time.monotonic()
        if settings.redis is None:
            environment["ADDUCTOR_REDIS_URL"] = supervising.start_broker(supervisor, settings.data_dir, environment)
            steps.append(("broker", time.monotonic() - started))
        with _environment(environment):
            settings = load()
        if sandbox_url is not None:
            supervisor.start("sandbox", python("-m", "service.cli", "sandbox", f"--bind={sandbox_bind}"), environment)
        store = Store(settings.database)
        try:
            migrate.upgrade(store)
        except migrate.RevisionError as error:
            raise StartError(str(error)) from None
        finally:
            store.close()
        steps.append(("database", time.monotonic() - started))
        forks = _forks() if fork else {}
        for part in ("web", "worker", "beat"):
            supervisor.start(part, python("-m", "service.cli", part), environment, forked=forks.get(part))
        stack.callback(_tell_commands_beside(settings.data_dir, environment))
        installation = Installation(settings)
        stack.callback(installation.close)
        _wait(supervisor, installation, sandbox_url)
        if sandbox_url is not None:
            # As many runners as Strava gives a small application; one alone would leave a newcomer at its wall.
            requests.post(f"{sandbox_url}/admin/tier", json={"tier": "10"}, timeout=_PROBE_TIMEOUT_S)
        steps.append(("web, worker, clock", time.monotonic() - started))
        yield Running(settings, environment, sandbox_url, installation, supervisor, steps)


def _tell_commands_beside(data_dir: Path, environment: dict[str, str]) -> Callable[[], None]:
    """What was brought and not set, for `adductor doctor` and others that run beside; returns how to take it back."""
    file = data_dir / UP_BROUGHT
    brought = {
        name: value
        for name, value in environment.items()
        if name in _WORTH_TELLING or (name.startswith(("ADDUCTOR_", "STRAVA_")) and os.environ.get(name) != value)
    }
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as written:
        json.dump(brought, written)
    return lambda: file.unlink(missing_ok=True)


def _forks() -> dict[str, Callable[[], Any]]:
    """What our parts run when they are forked, with all that they import imported once. Empty where a fork is not safe."""
    if sys.platform != "linux":
        return {}
    from adductor.platforms.strava import client
    from service.cli import parts

    for module in _IN_COMMON:
        importlib.import_module(module)
    client.preload()
    # SQLAlchemy and we put these off until they are first needed: then each part would make its own.
    configure_mappers()
    catalogue.catalogue()
    # Forks don't read the environment for it as processes anew do. Not glibc (musl): nothing to set.
    getattr(ctypes.CDLL(None), "mallopt", lambda *_: 0)(_M_ARENA_MAX, _MALLOC_ARENAS)
    gc.freeze()  # what is here now is shared as long as nobody's collector touches it
    return {name: getattr(parts, f"run_{name}") for name in ("web", "worker", "beat")}


def _wait(supervisor: Supervisor, installation: Installation, sandbox_url: str | None) -> None:
    local = f"http://{_reachable(installation.settings.bind)}"
    supervisor.wait_until(lambda: _answers(f"{local}/healthz"), "the web part", within_s=30)
    if sandbox_url is not None:
        supervisor.wait_until(lambda: _answers(f"{sandbox_url}/admin/clock"), "the sandbox", within_s=30)
    since = installation.clock.real_now()

    def worker_beats() -> bool:
        with installation.store.read() as session:
            at = session.scalar(select(Heartbeat.at).where(Heartbeat.part == "worker"))
        return at is not None and (since - at).total_seconds() < 30

    supervisor.wait_until(worker_beats, "the worker", within_s=30)


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
            running(settings, dict(os.environ), sandbox_bind=sandbox_bind, fork=True) as here,
        ):
            subscribed = subscribe_in_words(here.installation)
            click.echo(_welcome(here, subscribed))
            here.supervisor.watch_forever()
    except KeyboardInterrupt:
        click.echo("\nEverything has ended.")
    except StartError as error:
        raise click.ClickException(str(error)) from None


def subscribe_in_words(installation: Installation) -> str:
    """Make the subscription; say how it went."""
    from service.subscribing import subscribe

    try:
        return f"Strava sends its events here (subscription {subscribe(installation).subscription_id})."
    except PlatformError as error:
        return f"No webhook subscription yet: {error.message}\n  `adductor strava subscribe` tries again."


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


def _sandbox_application(settings: Settings, sandbox_url: str) -> dict[str, str]:
    return {
        "STRAVA_CLIENT_ID": "1",
        "STRAVA_CLIENT_SECRET": settings.derived("sandbox application"),
        "ADDUCTOR_STRAVA_API_URL": f"{sandbox_url}/api/v3",
        "ADDUCTOR_STRAVA_OAUTH_URL": f"{sandbox_url}/oauth",
    }


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Read settings as our parts will see them."""
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=_PROBE_TIMEOUT_S).ok
    except requests.RequestException:
        return False


def _reachable(bind: str) -> str:
    """An address of this machine that a server bound there answers on."""
    host, _, port = bind.rpartition(":")
    return f"127.0.0.1:{port}" if host in {"0.0.0.0", "[::]", "::"} else bind  # noqa: S104 - compared, not bound
