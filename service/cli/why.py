"""`adductor why`: the last decisions for an athlete, in words."""

from __future__ import annotations

from datetime import datetime, tzinfo

import click
from sqlalchemy import exists, select

from adductor.athletes import connections, decisions
from adductor.athletes.situations import zone_of
from adductor.store.models import DecisionRecord, InboxEvent
from service.cli.opened import find_athlete, opened


@click.command()
@click.argument("athlete")
@click.option("--last", default=10, show_default=True, type=click.IntRange(1, 1000), help="How many.")
def why(athlete: str, last: int) -> None:
    """The last decisions for ATHLETE (our number, strava:ID or intervals:ID), also each "none", with rule and reason.

    Events that led to no decision follow with their outcome.

    \b
    Example: adductor why 1 --last 3
    """
    with opened("why") as installation, installation.store.read() as session:
        runner = find_athlete(session, athlete)
        rows = session.scalars(
            select(DecisionRecord)
            .where(DecisionRecord.athlete_id == runner.id)
            .order_by(DecisionRecord.at.desc(), DecisionRecord.id.desc())
            .limit(last)
        ).all()
        undecided = session.scalars(
            select(InboxEvent)
            .where(connections.events_of(*runner.connections))
            .where(~exists().where(DecisionRecord.event_id == InboxEvent.id))
            .order_by(InboxEvent.id.desc())
            .limit(last)
        ).all()
        counted = decisions.counted(session, runner.id)
    zone = zone_of(runner.timezone)
    if not rows:
        click.echo("nothing was decided yet")
    for row in rows:
        about = f" about activity {row.activity_id}" if row.activity_id else ""
        dose = f", {row.dose}" if row.dose != "none" else ""
        click.echo(f"{_at(row.at, zone)}  {row.decision}{dose}  [{row.rule}]{about}")
        click.echo(f"    {row.reason}")
        click.echo(f"    trace {row.trace_id}: the same in every log line about it, from the webhook to the note")
        for step in row.considered:
            mark = "■" if step["stopped"] else "·"
            click.echo(f"      {mark} {step['rule']}: {step['because']}")
    for rule, count, first, latest in counted:
        click.echo(f"{first} to {latest}  none  [{rule}]: {count} times; only the count is kept")
    if undecided:
        click.echo("events without a decision")
    for event in undecided:
        about = f"{event.aspect_type} of {event.object_type} {event.object_id}"
        end = (
            event.outcome
            if event.outcome and event.state != "waiting"
            else f"{event.state}, due {_at(event.due_at, zone)}"
        )
        problem = f" ({event.problem})" if event.problem else ""
        click.echo(
            f"{_at(event.received_at, zone)}  {about}: {end}{problem}, attempts {event.attempts}, trace {event.trace_id}"
        )


def _at(moment: datetime, zone: tzinfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M %Z}"
