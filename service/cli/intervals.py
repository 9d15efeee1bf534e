"""`adductor intervals`: the application at intervals.icu, its webhooks and polls."""

from __future__ import annotations

import click

from service.cli.opened import opened
from service.doctor import intervals as checks
from service.doctor.status import read_status


@click.group()
def intervals() -> None:
    """The application at intervals.icu."""


@intervals.command()
def status() -> None:
    """Show application, secret, the last webhook, the last poll of each runner, and the calls left.

    \b
    Example: adductor intervals status
    """
    with opened("intervals", quiet=True) as installation:
        for line in checks.lines(read_status(installation)):
            click.echo(line)
