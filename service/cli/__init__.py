"""The command line. Commands are imported when they are called: `adductor decide` should not wait for a web server."""

from __future__ import annotations

import importlib
import os
from typing import IO, Any

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
    "intervals": "service.cli.intervals:intervals",
    "doctor": "service.cli.doctor:doctor",
    "athlete": "service.cli.athlete:athlete",
    "why": "service.cli.why:why",
    "replay": "service.cli.replay:replay",
}


# Errors whose text is for people; by name, for their modules cost half a second to import and `adductor decide` does without.
_FOR_PEOPLE = {"BackupError", "FailedError", "InUseError", "PlatformError", "RevisionError", "StartError"}


class _Problems(click.ClickException):
    """Ends a command with a line for each problem."""

    def show(self, file: IO[Any] | None = None) -> None:
        for line in self.message.splitlines():
            click.echo(f"adductor: {line}", err=True, file=file)


class _WrongSettings(_Problems):
    exit_code = 2


class _Commands(click.Group):
    """Imports a command when it is called, and says in a line what it could not go on from."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        where = _COMMANDS.get(cmd_name)
        if where is None:
            return None
        module, _, name = where.partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Exception as error:
            kind, problems = type(error).__name__, getattr(error, "problems", [])
            if kind in _FOR_PEOPLE:
                raise click.ClickException(str(error)) from None
            if kind == "SettingsError":
                raise _WrongSettings("\n".join(problems)) from None
            if kind == "DocumentError":
                raise _Problems("\n".join(f"the catalogue: {line}" for line in problems)) from None
            if type(error).__module__.startswith("sqlalchemy."):
                from adductor.store import words_of

                problem = f"can't use the database of ADDUCTOR_DATABASE_URL ({words_of(error)}); try: adductor doctor"
                raise _Problems(problem) from None
            raise


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
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
        os.environ[name] = ",".join(filter(None, [exempt, "localhost", "127.0.0.1", "::1", "127.0.0.0/8"]))


def main() -> None:
    """The console script. Exit codes: 0 done, 1 failed, 2 wrong usage or settings."""
    os.umask(0o077)  # databases, mails, backups belong to their owner alone
    _reach_loopback_directly()
    cli()
