"""`adductor why`: the last decisions for an athlete, in words."""

from __future__ import annotations

import click
from sqlalchemy import select

from adductor.athletes.situations import zone_of
from adductor.store.models import Athlete, Connection, DecisionRecord
from service.cli.opened import opened


@click.command()
@click.argument("athlete", type=int)
@click.option("--last", default=10, show_default=True, type=click.IntRange(1, 1000), help="How many.")
def why(athlete: int, last: int) -> None:
    """The last decisions for ATHLETE (our id, or Strava's), also each "none", with rule and reason.

    \b
    Example: adductor why 1 --last 3
    """
    with opened("why") as installation, installation.store.read() as session:
        runner = session.get(Athlete, athlete) or session.scalar(
            select(Athlete).join(Connection).where(Connection.external_id == str(athlete))
        )
        if runner is None:
            raise click.ClickException(f"no athlete {athlete}")
        rows = session.scalars(
            select(DecisionRecord)
            .where(DecisionRecord.athlete_id == runner.id)
            .order_by(DecisionRecord.at.desc(), DecisionRecord.id.desc())
            .limit(last)
        ).all()
    zone = zone_of(runner.timezone)
    if not rows:
        click.echo("nothing was decided yet")
    for row in rows:
        about = f" about activity {row.activity_id}" if row.activity_id else ""
        dose = f", {row.dose}" if row.dose != "none" else ""
        click.echo(f"{row.at.astimezone(zone):%Y-%m-%d %H:%M %Z}  {row.decision}{dose}  [{row.rule}]{about}")
        click.echo(f"    {row.reason}")
        click.echo(f"    trace {row.trace_id}: the same in every log line about it, from the webhook to the note")
        for step in row.considered:
            mark = "■" if step["stopped"] else "·"
            click.echo(f"      {mark} {step['rule']}: {step['because']}")
