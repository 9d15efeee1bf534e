"""`adductor replay`: retry stored events by their ids, or every dead letter."""

from __future__ import annotations

import click
from sqlalchemy import select

from adductor.installation import Installation
from adductor.jobs import deliveries, events, letters
from adductor.queue import requeue, worker
from adductor.queue.requeue import is_failed
from adductor.store.models import Delivery, InboxEvent, Letter
from service.cli.opened import opened


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
    with opened("replay") as installation:
        if failed:
            _replay_failed(installation)
        else:
            _replay(installation, event_ids)


def _replay(installation: Installation, event_ids: tuple[int, ...]) -> None:
    with installation.store.write() as session:
        ids = list(session.scalars(select(InboxEvent.id).where(InboxEvent.id.in_(event_ids))))
        missing = set(event_ids) - set(ids)
        if missing:
            raise click.ClickException(f"no event {min(missing)}; handled events are kept for seven days")
        requeue.retry_ids(session, installation, InboxEvent, ids)
    _handle(installation, ids)


def _replay_failed(installation: Installation) -> None:
    with installation.store.write() as session:
        ids = list(session.scalars(select(InboxEvent.id).where(is_failed(InboxEvent))))
        requeue.retry_failed(session, installation, InboxEvent)
        notes = requeue.retry_failed(session, installation, Delivery)
        mails = requeue.retry_failed(session, installation, Letter)
    _handle(installation, ids)
    if notes or mails:
        while worker.drain(installation, (deliveries.JOB, letters.JOB)):
            pass
        click.echo(f"tried again: {notes} notes and routine mails, {mails} other mails")
    with installation.store.read() as session:
        still = [len(list(session.scalars(select(table.id).where(is_failed(table))))) for table in (Delivery, Letter)]
    if any(still):
        click.echo(f"given up again: {still[0]} notes and routine mails, {still[1]} other mails")
    if not ids and not notes and not mails:
        click.echo("nothing had failed")


def _handle(installation: Installation, ids: list[int]) -> None:
    while ids and worker.run_one(installation, events.JOB, ids=ids):
        pass
    with installation.store.read() as session:
        for row in session.scalars(select(InboxEvent).where(InboxEvent.id.in_(ids)).order_by(InboxEvent.id)):
            click.echo(f"event {row.id}: {row.state}, {row.outcome or row.problem or '-'}")
