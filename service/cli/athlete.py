"""`adductor athlete list|export|forget`: list the athletes, hand over or delete the data of one."""

from __future__ import annotations

import json
from typing import Any

import click
from sqlalchemy import select

from adductor.athletes import personal_data
from adductor.jobs import leaving
from adductor.store.models import Athlete
from service.cli.opened import find_athlete, opened


@click.group()
def athlete() -> None:
    """List the runners; hand over or delete everything that is held about one.

    \b
    Example:
      adductor athlete list
      adductor athlete export 7 > runner-7.json
      adductor athlete forget 7 --remove-notes
    """


@athlete.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON array.")
def list_all(as_json: bool) -> None:
    """Every runner: our number, name, platforms, state, last event (UTC).

    \b
    Example: adductor athlete list
    """
    with opened("athlete") as installation, installation.store.read() as session:
        athletes: list[dict[str, Any]] = [
            {
                "id": each.id,
                "name": each.name,
                "platforms": [f"{one.platform}:{one.external_id}" for one in each.connections],
                "state": ", ".join(sorted({one.state for one in each.connections})) if each.confirmed_at else "new",
                "last_event_at": each.last_event_at.isoformat(timespec="seconds") if each.last_event_at else None,
            }
            for each in session.scalars(select(Athlete).order_by(Athlete.id))
        ]
    if as_json:
        return click.echo(json.dumps(athletes, ensure_ascii=False, indent=2))
    for each in athletes:
        platforms, seen = " ".join(each["platforms"]), each["last_event_at"] or "no event yet"
        click.echo(f"{each['id']:>6}  {each['state']:<13}  {platforms:<22}  {seen}  {each['name']}")
    return click.echo(f"{len(athletes)} runners")


@athlete.command()
@click.argument("athlete")
def export(athlete: str) -> None:
    """Everything held about ATHLETE (our number, strava:ID or intervals:ID), as JSON; no tokens.

    \b
    Example: adductor athlete export 7 > runner-7.json
    """
    with opened("athlete") as installation, installation.store.read() as session:
        found = find_athlete(session, athlete)
        click.echo(json.dumps(personal_data.export(session, found), ensure_ascii=False, indent=2))


@athlete.command()
@click.argument("athlete")
@click.option("--remove-notes", is_flag=True, help="Take our notes out of their activities first.")
@click.option("--yes", is_flag=True, help="Don't ask.")
def forget(athlete: str, remove_notes: bool, yes: bool) -> None:
    """Delete everything about ATHLETE (our number, strava:ID or intervals:ID) and give the access back to Strava.

    \b
    Example: adductor athlete forget 7 --remove-notes
    """
    with opened("athlete") as installation:
        with installation.store.read() as session:
            athlete_id = find_athlete(session, athlete).id
        if not yes:
            click.confirm(f"Delete everything about athlete {athlete_id}? This can't be undone.", abort=True)
        try:
            done = leaving.forget(installation, athlete_id, remove_notes=remove_notes)
        except LookupError as error:  # deleted by another process meanwhile
            raise click.ClickException(str(error)) from None
    click.echo(f"Athlete {athlete_id} is deleted.")
    if remove_notes:
        click.echo(f"Notes removed: {done.notes_removed}; left in place: {done.notes_left}.")
    if not done.revoked:
        click.echo("The running log could not be told; the runner can end the access in its settings.")
