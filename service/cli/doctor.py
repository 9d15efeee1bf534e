"""`adductor doctor`: one line a check, and what to do about each failure."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import click
from sqlalchemy.exc import SQLAlchemyError

from adductor import logs
from adductor.installation import Installation
from adductor.settings import load_beside_up
from service.doctor import CHECKS, NEED_STRAVA, Check, FailedError


@click.command()
def doctor() -> None:
    """Check everything that this installation needs, a line each, and say what to do about what fails.

    Exit code 1 if anything failed.

    \b
    Example: adductor doctor
    """
    settings = load_beside_up()
    logs.configure(settings.log_format, "doctor")
    logs.only_errors()
    installation = Installation(settings)
    try:
        failed = _say_all(installation)
    finally:
        installation.close()
    if failed:
        click.echo(f"\n{failed} of {len(CHECKS) + 1} failed", err=True)
        sys.exit(1)


def _say_all(installation: Installation) -> int:
    """Print every check. Returns how many failed."""
    failed = 0
    click.echo("ok    settings      all of them can be used")
    for check in _checks(installation):
        try:
            click.echo(f"ok    {check.name:<13} {_look(check, installation)}")
        except FailedError as failure:
            failed += 1
            click.echo(f"FAIL  {check.name:<13} {failure.seen}\n      {'':<13} -> {failure.do}")
    return failed


def _checks(installation: Installation) -> Iterator[Check]:
    """In the order in which one failure explains the next. Without an application there is no Strava to ask."""
    for check in CHECKS:
        if check.name in NEED_STRAVA and installation.settings.uses_sandbox:
            yield Check(check.name, _no_application)
        else:
            yield check


def _look(check: Check, installation: Installation) -> str:
    try:
        return check.look(installation)
    except SQLAlchemyError as error:
        raise FailedError("can't be looked at without the database", "mend the database first") from error


def _no_application(_: Installation) -> str:
    raise FailedError(
        "no Strava application is set",
        "set STRAVA_CLIENT_ID and STRAVA_CLIENT_SECRET, or use `adductor up` with its sandbox",
    )
