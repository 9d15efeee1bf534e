"""One part each, for process managers: web, worker, beat, and the sandbox."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

import click

from adductor import logs
from adductor.settings import Settings, load
from service import supervisor


@click.command()
def web() -> None:
    """Serve the web part: webhooks, connect, pages.

    \b
    Example: ADDUCTOR_BIND=0.0.0.0:8000 adductor web
    """
    settings = _prepared("web")
    supervisor.check_free(settings.bind, "ADDUCTOR_BIND")
    from service.server import serve

    serve(settings)


@click.command()
@click.option("--with-beat", is_flag=True, help="Run the clock in this process too; for one machine.")
def worker(with_beat: bool) -> None:
    """Handle events: decide, write notes, send mail.

    \b
    Example: ADDUCTOR_WORKER_THREADS=16 adductor worker
    """
    _prepared("worker", needs_broker=True)
    from workers.processes import run_worker

    sys.exit(run_worker(with_beat=with_beat, ready_file=os.environ.get(supervisor.READY_FILE)))


@click.command()
def beat() -> None:
    """Run the clock: sweeps, expiry, prompts. One is enough; a second does no harm.

    \b
    Example: adductor beat
    """
    _prepared("beat", needs_broker=True).made_data_dir()
    from workers.processes import run_beat

    run_beat()


@click.command()
@click.option("--bind", default="127.0.0.1:9000", show_default=True, help="Where to listen.")
@click.option(
    "--state-dir", type=click.Path(path_type=Path), help="What is kept between starts; default: the data folder."
)
def sandbox(bind: str, state_dir: Path | None) -> None:
    """A made-up Strava and a made-up intervals.icu on this machine, alone.

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
    if settings.intervals_client_id and settings.intervals_client_secret:
        arguments += [
            f"--intervals-client-id={settings.intervals_client_id}",
            f"--intervals-client-secret={settings.intervals_client_secret.get_secret_value()}",
            f"--intervals-webhook-url={settings.public_url}/webhooks/intervals/{settings.webhook_key}",
            f"--intervals-webhook-secret={next(iter(settings.intervals_secrets), '')}",
        ]
    if settings.shares_clock:
        arguments.append(f"--clock-file={settings.clock_file}")
    os.execv(sys.executable, arguments)  # noqa: S606 - becoming the sandbox, with our own arguments


def _prepared(part: str, *, needs_broker: bool = False) -> Settings:
    """Check the database and set up logs; the settings of this process."""
    settings = load()
    if needs_broker and settings.redis is None:
        raise click.UsageError("ADDUCTOR_REDIS_URL is not set; `adductor up` brings its own broker")
    settings.derived("start")  # a key that can't be read ends the part now, not its first link
    if supervisor.READY_FILE not in os.environ:  # `adductor up` has just migrated, and the check's libraries would stay
        _check_database(settings)
    logs.configure(settings.log_format, part)
    return settings


def _check_database(settings: Settings) -> None:
    """Refuse to start on a database of another version. A database out of reach is waited for by the part itself."""
    from sqlalchemy.exc import SQLAlchemyError

    from adductor.store import Store, migrate

    store = Store(settings.database)
    with suppress(SQLAlchemyError):
        migrate.check(store)
    store.close()
