"""The installation of a one-shot command, run beside `adductor up` or alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from adductor import logs
from adductor.installation import Installation
from adductor.platforms import registry
from adductor.settings import load_beside_up
from adductor.store.models import Athlete, Connection
from service.numbers import row_id


@contextmanager
def opened(command: str, *, quiet: bool = False) -> Iterator[Installation]:
    """Open it, and close it at the end. ``quiet``: log errors alone. Raises SettingsError."""
    settings = load_beside_up()
    logs.configure(settings.log_format, command, quiet=quiet)
    installation = Installation(settings)
    try:
        yield installation
    finally:
        installation.close()


def find_athlete(session: Session, named: str) -> Athlete:
    """The athlete of a command's ATHLETE: our number, or a platform's as ``strava:4711``. Raises ClickException."""
    platform, colon, external_id = named.partition(":")
    if colon:
        facts = registry.FACTS.get(platform.lower())
        own = facts.athlete_id(external_id) if facts is not None else external_id
        of_platform = Connection.platform == platform.lower(), Connection.external_id == own
        found = session.scalar(select(Athlete).join(Connection).where(*of_platform))
    else:
        try:
            found = session.get(Athlete, row_id(named))
        except ValueError:
            raise click.UsageError(f"{named!r} is no number of a runner, nor one like strava:4711") from None
    if found is None:
        raise click.ClickException(f"there is no athlete {named}; `adductor athlete list` shows them")
    return found
