"""`adductor doctor`: one line a check, and what to do about each failure."""

from __future__ import annotations

import sys

import click

from service.cli.opened import opened
from service.doctor import FailedError
from service.doctor.checks import CHECKS
from service.doctor.status import read_status


@click.command()
def doctor() -> None:
    """Check everything that this installation needs, a line each, and say what to do about what fails.

    Exit code 1 if anything failed.

    \b
    Example: adductor doctor
    """
    failed = 0
    with opened("doctor", quiet=True) as installation:
        status = read_status(installation)
        click.echo("ok    settings      all of them can be used")
        for check in CHECKS:
            try:
                click.echo(f"ok    {check.name:<13} {check.run(status)}")
            except FailedError as failure:
                failed += 1
                click.echo(f"FAIL  {check.name:<13} {failure.seen}\n      {'':<13} -> {failure.do}")
    if failed:
        click.echo(f"\n{failed} of {len(CHECKS) + 1} failed", err=True)
        sys.exit(1)
