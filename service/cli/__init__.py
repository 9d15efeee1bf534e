"""The command line. Commands are imported when they are called: `adductor decide` should not wait for a web server."""

from __future__ import annotations

import importlib
import os
import sys

import click

from adductor import __version__

_COMMANDS = {
    "up": "service.cli.up:up",
    "demo": "service.cli.demo:demo",
    "web": "service.cli.parts:web",
    "worker": "service.cli.parts:worker",
    "beat": "service.cli.parts:beat",
    "sandbox": "service.cli.parts:sandbox",
    "db": "service.cli.db:db",
    "decide": "service.cli.decide:decide",
    "catalogue": "service.cli.catalogue:catalogue",
    "strava": "service.cli.strava:strava",
    "doctor": "service.cli.doctor:doctor",
    "athlete": "service.cli.athlete:athlete",
    "why": "service.cli.why:why",
    "replay": "service.cli.replay:replay",
}


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        where = _COMMANDS.get(cmd_name)
        if where is None:
            return None
        module, _, name = where.partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="adductor")
def cli() -> None:
    """Adductor Coach: writes adductor strength routines into the running log when they are due.

    Try it on this machine, without an account anywhere:

        adductor demo
    """


def _reach_loopback_directly() -> None:
    """Exempt this machine from the proxy of HTTP_PROXY: the parts of an installation talk to each other over it."""
    for name in ("no_proxy", "NO_PROXY"):
        exempt = os.environ.get(name) or os.environ.get(name.swapcase(), "")
        os.environ[name] = ",".join(filter(None, [exempt, "localhost", "127.0.0.1", "::1"]))


def main() -> None:
    """The console script. Exit codes: 0 done, 1 failed, 2 wrong usage or settings."""
    os.umask(0o077)  # databases, mails, backups belong to their owner alone
    _reach_loopback_directly()
    try:
        cli(standalone_mode=True)
    except Exception as error:
        # Asked by their names: settings and SQLAlchemy cost half a second to import, and `adductor decide` does without.
        kind, problems = type(error).__name__, getattr(error, "problems", None)
        if problems:
            of_settings = kind == "SettingsError"  # else a DocumentError of the catalogue
            for line in problems:
                click.echo(f"adductor: {line}" if of_settings else f"adductor: the catalogue: {line}", err=True)
            sys.exit(2 if of_settings else 1)
        if not type(error).__module__.startswith("sqlalchemy."):
            raise
        click.echo(
            f"adductor: can't use the database of ADDUCTOR_DATABASE_URL ({kind}); try: adductor doctor", err=True
        )
        sys.exit(1)
