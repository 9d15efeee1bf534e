"""One part each, for process managers: web, worker, beat, and the sandbox."""

from __future__ import annotations

import os
import platform
import sys
import warnings
from pathlib import Path

import click

from adductor import logs
from adductor.settings import load
from service import orphans


def _database_fits() -> None:
    """A part whose code and database don't fit must not start: it would fail at every row. One that is out of reach is
    waited for by the part itself, as it is later.
    """
    from sqlalchemy.exc import SQLAlchemyError

    from adductor.store import Store, migrate

    store = Store(load().database)
    try:
        migrate.check(store)
    except migrate.RevisionError as error:
        raise click.ClickException(str(error)) from None
    except SQLAlchemyError:
        return
    finally:
        store.close()


@click.command()
def web() -> None:
    """Serve the web part: webhooks, connect, pages.

    \b
    Example: ADDUCTOR_BIND=0.0.0.0:8000 adductor web
    """
    _database_fits()
    run_web()


def run_web() -> None:
    """The web part, in this process, until it is told to end."""
    settings = load()
    logs.configure(settings.log_format, "web")
    orphans.end_with_parent()
    from service.server import serve

    serve(settings)


_NO_BROKER = "ADDUCTOR_REDIS_URL is not set; `adductor up` brings its own broker"
# The clock asks for a sweep every second and a worker notes that it came; after this long one of the two isn't there.
_SEEN_WITHIN_S = 60
_check = click.option(
    "--check", is_flag=True, help="Only say whether clock and workers were at work in the last minute."
)


def _at_work() -> None:
    """For health checks. Exit code 1 when no sweep has come for a minute: clock, broker or workers are missing."""
    from adductor.installation import Installation
    from adductor.queue import heartbeats

    installation = Installation(load())
    seen = heartbeats.last(installation, "clock")
    if seen is None or (installation.clock.real_now() - seen).total_seconds() > _SEEN_WITHIN_S:
        raise click.ClickException("no sweep in the last minute: the clock, the broker or all workers are missing")
    click.echo("at work")


@click.command()
@_check
def worker(check: bool) -> None:
    """Handle events: decide, write notes, send mail.

    \b
    Example: ADDUCTOR_WORKER_THREADS=16 adductor worker
    """
    if check:
        return _at_work()
    if load().redis is None:
        raise click.UsageError(_NO_BROKER)
    _database_fits()
    return run_worker()


def run_worker() -> None:
    """The worker part, in this process, until it is told to end. SIGTERM: finish what is at hand, give back the rest."""
    orphans.end_with_parent()
    from celery.exceptions import SecurityWarning

    from workers.app import app

    # Said by Celery to whoever is root, over ten lines, because of a message format (pickle) that ours can't be in.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    # Celery's own command line would bring its whole shell with it; this is what it does in the end.
    running = app.Worker(
        hostname=f"worker-{os.getpid()}@{platform.node()}",
        loglevel="WARNING",
        quiet=True,  # no banner: our own log says what starts
        without_gossip=True,  # workers have nothing to tell each other: the database coordinates
        without_mingle=True,
        without_heartbeat=True,
    )
    running.start()
    sys.exit(running.exitcode)


@click.command()
@_check
def beat(check: bool) -> None:
    """Run the clock: sweeps, expiry, prompts. One is enough; a second does no harm.

    \b
    Example: adductor beat
    """
    if check:
        return _at_work()
    if load().redis is None:
        raise click.UsageError(_NO_BROKER)
    _database_fits()
    return run_beat()


def run_beat() -> None:
    """The clock, in this process, until it is told to end."""
    settings = load()
    orphans.end_with_parent()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    from workers.app import app

    app.Beat(loglevel="WARNING", quiet=True).run()


@click.command()
@click.option("--bind", default="127.0.0.1:9000", show_default=True, help="Where to listen.")
@click.option(
    "--state-dir", type=click.Path(path_type=Path), help="What is kept between starts; default: the data folder."
)
def sandbox(bind: str, state_dir: Path | None) -> None:
    """A made-up Strava on this machine, alone.

    \b
    Example: STRAVA_CLIENT_ID=1 STRAVA_CLIENT_SECRET=made-up adductor sandbox
    """
    settings = load()
    secret = settings.strava_client_secret
    arguments = [
        sys.executable,
        "-m",
        "sandbox",
        f"--bind={bind}",
        f"--state-dir={state_dir or settings.data_dir / 'sandbox'}",
        f"--client-id={settings.strava_client_id or '1'}",
        f"--client-secret={secret.get_secret_value() if secret else settings.derived('sandbox application')}",
        f"--mail-dir={settings.mail_dir}",
        f"--app-url={settings.public_url}",
    ]
    if settings.clock_speed != 1:
        arguments.append(f"--clock-file={settings.clock_file}")
    os.execv(sys.executable, arguments)  # noqa: S606 - becoming the sandbox, with our own arguments
