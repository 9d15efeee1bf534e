"""`adductor replay`: retry stored events by their ids, or every dead letter."""

from __future__ import annotations

import click
from sqlalchemy import func, select

from adductor.jobs import deliveries, events, letters
from adductor.queue import worker
from adductor.queue.claims import is_failed, retry_rows
from adductor.store.models import Delivery, InboxEvent, Letter
from service.cli.opened import opened
from service.numbers import LARGEST_ID


@click.command()
@click.argument("event_ids", type=click.IntRange(0, LARGEST_ID), nargs=-1)
@click.option("--failed", is_flag=True, help="All that was given up: events, and notes and mails too.")
def replay(event_ids: tuple[int, ...], failed: bool) -> None:
    """Process stored webhook events again, by their ids or all that failed. One note per activity holds here too.

    \b
    Example: adductor replay --failed
    """
    if bool(event_ids) == failed:
        raise click.UsageError("name events by their ids, or give --failed")
    with opened("replay") as installation:
        with installation.store.write() as session:
            chosen = is_failed(InboxEvent) if failed else InboxEvent.id.in_(event_ids)
            ids = list(session.scalars(select(InboxEvent.id).where(chosen)))
            missing = set(event_ids) - set(ids)
            if missing:
                raise click.ClickException(f"no event {min(missing)}; handled events are kept for seven days")
            retry_rows(session, installation, InboxEvent, InboxEvent.id.in_(ids))
            others = (Delivery, Letter) if failed else ()
            retried = [retry_rows(session, installation, table, is_failed(table)) for table in others]
        while ids and worker.run_one(installation, events.JOB, ids=ids):
            pass
        while any(retried) and worker.drain(installation, (deliveries.JOB, letters.JOB)):
            pass
        with installation.store.read() as session:
            for row in session.scalars(select(InboxEvent).where(InboxEvent.id.in_(ids)).order_by(InboxEvent.id)):
                click.echo(f"event {row.id}: {row.state}, {row.outcome or row.problem or '-'}")
            counts = [select(func.count()).select_from(table).where(is_failed(table)) for table in (Delivery, Letter)]
            still = [session.scalar(count) or 0 for count in counts]
    if any(retried):
        click.echo(f"tried again: {retried[0]} notes and routine mails, {retried[1]} other mails")
        if any(still):
            click.echo(f"given up again: {still[0]} notes and routine mails, {still[1]} other mails")
    if not ids and not any(retried):
        click.echo("nothing had failed")
