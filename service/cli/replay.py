"""`adductor replay`: process stored events again, and whatever was given up."""

from __future__ import annotations

import click
from sqlalchemy import select

from adductor import logs
from adductor.installation import Installation
from adductor.queue import requeue, sweep
from adductor.queue.backlog import GIVEN_UP
from adductor.settings import load_beside_up
from adductor.store.models import Delivery, InboxEvent, Letter


@click.command()
@click.argument("event_ids", type=int, nargs=-1)
@click.option("--failed", is_flag=True, help="All that was given up: events, and notes and mails too.")
def replay(event_ids: tuple[int, ...], failed: bool) -> None:
    """Process stored webhook events again, by their ids or all that failed. One note per activity holds here too.

    \b
    Example: adductor replay --failed
    """
    if bool(event_ids) == failed:
        raise click.UsageError("name events by their ids, or give --failed")
    settings = load_beside_up()
    logs.configure(settings.log_format, "replay")
    installation = Installation(settings)
    try:
        if failed:
            _replay_failed(installation)
        else:
            _replay(installation, event_ids)
    finally:
        installation.close()


def _replay(installation: Installation, event_ids: tuple[int, ...]) -> None:
    with installation.store.write() as session:
        ids = list(session.scalars(select(InboxEvent.id).where(InboxEvent.id.in_(event_ids))))
        missing = set(event_ids) - set(ids)
        if missing:
            raise click.ClickException(f"no event {min(missing)}; handled events are kept for seven days")
        requeue.these(session, installation, InboxEvent, ids)
    _handle(installation, ids)


def _replay_failed(installation: Installation) -> None:
    with installation.store.write() as session:
        ids = list(session.scalars(select(InboxEvent.id).where(GIVEN_UP)))
        requeue.everything(session, installation, InboxEvent)
        notes = requeue.everything(session, installation, Delivery)
        letters = requeue.everything(session, installation, Letter)
    _handle(installation, ids)
    if notes or letters:
        while sweep.handle_deliveries(installation) or sweep.handle_letters(installation):
            pass
        click.echo(f"tried again: {notes} notes and routine mails, {letters} other mails")
    with installation.store.read() as session:
        still = [len(list(session.scalars(select(table.id).where(GIVEN_UP)))) for table in (Delivery, Letter)]
    if any(still):
        click.echo(f"given up again: {still[0]} notes and routine mails, {still[1]} other mails")
    if not ids and not notes and not letters:
        click.echo("nothing had failed")


def _handle(installation: Installation, ids: list[int]) -> None:
    for start in range(0, len(ids), sweep.BATCH):
        batch = ids[start : start + sweep.BATCH]
        sweep.handle_events(installation, batch)
        with installation.store.read() as session:
            for row in session.scalars(select(InboxEvent).where(InboxEvent.id.in_(batch)).order_by(InboxEvent.id)):
                click.echo(f"event {row.id}: {row.state}, {row.outcome or row.problem or '-'}")
