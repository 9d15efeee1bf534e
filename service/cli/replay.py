"""`adductor replay`: process stored events again."""

from __future__ import annotations

import click
from sqlalchemy import select

from adductor import logs
from adductor.installation import Installation
from adductor.pipeline import sweep
from adductor.settings import load_beside_up
from adductor.store.models import InboxEvent


@click.command()
@click.argument("event_ids", type=int, nargs=-1)
@click.option("--failed", is_flag=True, help="All that were given up.")
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
    with installation.store.write() as session:
        wanted = InboxEvent.state == "failed" if failed else InboxEvent.id.in_(event_ids)
        rows = session.scalars(select(InboxEvent).where(wanted)).all()
        missing = set(event_ids) - {row.id for row in rows}
        if missing:
            raise click.ClickException(f"no event {min(missing)}; handled events are kept for seven days")
        for row in rows:
            row.state, row.due_at = "waiting", installation.clock.now()
            row.attempts = row.crashes = 0
            row.lease_until = row.lease_holder = None
    ids = [row.id for row in rows]
    for start in range(0, len(ids), sweep.BATCH):
        sweep.handle_events(installation, ids[start : start + sweep.BATCH])
    with installation.store.read() as session:
        for row in session.scalars(select(InboxEvent).where(InboxEvent.id.in_(ids)).order_by(InboxEvent.id)):
            click.echo(f"event {row.id}: {row.state}, {row.outcome or row.problem or '-'}")
    if not ids:
        click.echo("nothing had failed")
