"""`adductor strava`: the webhook subscription."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from adductor.installation import Installation
from adductor.jobs import subscribing
from service.cli.opened import opened
from service.doctor import strava as checks
from service.doctor.status import read_status


@click.group()
def strava() -> None:
    """Strava's webhook subscription."""


@strava.command()
def subscribe() -> None:
    """Make sure that Strava sends its events here; a subscription for another address is replaced.

    \b
    Example: ADDUCTOR_PUBLIC_URL=https://coach.example.org adductor strava subscribe
    """
    with _application() as installation:
        outcome = subscribing.subscribe(installation)
    before = f" (before: {_without_key(outcome.former_callback_url)})" if outcome.former_callback_url else ""
    click.echo(f"subscription {outcome.subscription_id} {outcome.action}{before}")


@strava.command()
def unsubscribe() -> None:
    """End the subscription: Strava sends nothing more.

    \b
    Example: adductor strava unsubscribe
    """
    with _application() as installation:
        ended = subscribing.unsubscribe(installation)
    click.echo(f"ended: {', '.join(map(str, ended))}" if ended else "there was none")


@strava.command()
def status() -> None:
    """Show what Strava has, and whether it is ours. Exit code 1 when events would not come here.

    \b
    Example: adductor strava status
    """
    with _application() as installation:
        for subscription in installation.subscriptions("strava").list_subscriptions():
            click.echo(f"subscription {subscription.id} -> {_without_key(subscription.callback_url)}")
        checks.subscription(read_status(installation))
    click.echo("Strava's events come here")


@contextmanager
def _application() -> Iterator[Installation]:
    """The installation of an application at Strava."""
    with opened("strava") as installation:
        if installation.settings.uses_sandbox:
            raise click.UsageError("no Strava application is set: STRAVA_CLIENT_ID and STRAVA_CLIENT_SECRET")
        yield installation


def _without_key(callback_url: str) -> str:
    """The address without its last segment, which is a secret."""
    return f"{callback_url.rpartition('/')[0]}/…"
