"""`adductor strava`: the webhook subscription."""

from __future__ import annotations

import click

from adductor import logs
from adductor.installation import Installation
from adductor.platforms.base import PlatformError
from adductor.settings import Settings, load_beside_up
from adductor.store.models import Subscription


@click.group()
def strava() -> None:
    """Strava's webhook subscription."""


@strava.command()
def subscribe() -> None:
    """Make sure that Strava sends its events here; a subscription for another address is replaced.

    \b
    Example: ADDUCTOR_PUBLIC_URL=https://coach.example.org adductor strava subscribe
    """
    from service import subscribing

    installation = _installation()
    try:
        outcome = subscribing.subscribe(installation)
    except PlatformError as error:
        raise click.ClickException(error.message) from None
    before = f" (before: {_without_key(outcome.former_callback_url)})" if outcome.former_callback_url else ""
    click.echo(f"subscription {outcome.subscription_id} {outcome.action}{before}")


@strava.command()
def unsubscribe() -> None:
    """End the subscription: Strava sends nothing more.

    \b
    Example: adductor strava unsubscribe
    """
    from service import subscribing

    installation = _installation()
    try:
        standing = installation.subscriptions("strava").list_subscriptions()
        for subscription in standing:
            installation.subscriptions("strava").delete_subscription(subscription.id)
    except PlatformError as error:
        raise click.ClickException(error.message) from None
    subscribing.forget(installation)
    ended = ", ".join(str(subscription.id) for subscription in standing)
    click.echo(f"ended: {ended}" if ended else "there was none")


@strava.command()
def status() -> None:
    """Show what Strava has, and whether it is ours. Exit code 1 when events would not come here.

    \b
    Example: adductor strava status
    """
    installation = _installation()
    try:
        standing = installation.subscriptions("strava").list_subscriptions()
    except PlatformError as error:
        raise click.ClickException(error.message) from None
    if not standing:
        raise click.ClickException("no subscription; make one with: adductor strava subscribe")
    with installation.store.read() as session:
        known = session.get(Subscription, "strava")
    for subscription in standing:
        ours = subscription.callback_url == installation.settings.webhook_url
        click.echo(f"subscription {subscription.id} -> {_without_key(subscription.callback_url)}")
        if not ours:
            from service.doctor.strava import elsewhere

            raise click.ClickException(
                "; ".join(elsewhere(subscription.callback_url, installation.settings.public_url))
            )
        if known is None or known.subscription_id != subscription.id:
            raise click.ClickException("its id is not known here; mend it with: adductor strava subscribe")
    click.echo("Strava's events come here")


def _installation() -> Installation:
    settings: Settings = load_beside_up()
    logs.configure(settings.log_format, "strava")
    if settings.uses_sandbox:
        raise click.UsageError("no Strava application is set: STRAVA_CLIENT_ID and STRAVA_CLIENT_SECRET")
    return Installation(settings)


def _without_key(callback_url: str) -> str:
    """The address without its last segment, which is a secret."""
    return f"{callback_url.rpartition('/')[0]}/…"
