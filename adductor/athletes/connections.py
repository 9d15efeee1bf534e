"""Connecting an athlete to a platform, resting a connection that is refused, and ending one.

Only a refused refresh or the platform's deauthorisation event ends a connection. Everything else waits: after hours of
refused calls the connection rests, its data stays for as long as it may, and the athlete is asked to connect again.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, delete, false, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from adductor import logs
from adductor.athletes import channels, decisions, schedule, tokens
from adductor.installation import Installation
from adductor.platforms import registry
from adductor.platforms.base import Grant, WebhookEvent, platform_of
from adductor.queue import claims
from adductor.store.models import Athlete, Connection, Delivery, InboxEvent, LoggedActivity, Suggestion

log = logs.get(__name__)

# A platform that refuses its own new tokens for longer than this (athletes' time) won't stop soon. Judgement.
REST_AFTER = timedelta(hours=6)


def find(session: Session, platform: str, external_id: str) -> Connection | None:
    """The connection of this account; its athlete may have left."""
    return session.scalar(select(Connection).filter_by(platform=platform, external_id=external_id))


def is_connected() -> ColumnElement[bool]:
    """Condition on `Athlete`: a platform counts the athlete as ours, and calls work."""
    return Athlete.connections.any(Connection.state == Connection.CONNECTED) & Athlete.leaving_at.is_(None)


def is_account(athlete: Athlete, external_id: str) -> bool:
    """Whether the athlete has a connection with this id: our own number alone may be reused after an erasure."""
    return any(connection.external_id == external_id for connection in athlete.connections)


class OtherAthleteError(Exception):
    """The account belongs to another athlete here: two persons can't be made one."""


def connect(
    session: Session,
    installation: Installation,
    platform: str,
    grant: Grant,
    scopes: str,
    *,
    to_athlete: int | None = None,
) -> Athlete:
    """Connect an athlete: a new one, or one who comes back and continues where their own record stood.

    ``to_athlete``: this athlete, who is signed in, adds the account. Raises OtherAthleteError when it is another's, or when
    another account of this platform is connected already.
    """
    now = installation.clock.now()
    connection = _find_or_create(session, platform, grant.external_id, now, to_athlete)
    athlete = session.scalars(select(Athlete).where(Athlete.id == connection.athlete_id).with_for_update()).one()
    session.refresh(connection)  # a disconnect may have been committed while this waited for the lock
    if connection.state != Connection.CONNECTED:
        athlete.history_read_at = None
    # Also for a connection that stands: a deauthorisation of the earlier grant may still be on its way.
    connection.connected_at = now
    connection.disconnected_at = None
    connection.state = Connection.CONNECTED
    connection.scopes = scopes[:200]
    connection.by_key = grant.by_key
    polled = grant.by_key or registry.FACTS[platform].catch_up is not None
    connection.poll_at = now if polled else None
    connection.refused_since = None
    tokens.store(installation, connection, grant.tokens)
    athlete.leaving_at = None
    first = athlete.connection.id == connection.id
    athlete.name = grant.name[:200] if first or not athlete.name else athlete.name
    athlete.units = grant.units if first else athlete.units
    if grant.timezone and first:
        athlete.timezone = grant.timezone
    # The first look only works out when a look is due: what was run before now is never written to.
    athlete.reconcile_at = now
    athlete.reconciled_at = None
    session.flush()
    session.refresh(athlete, ["connections"])
    schedule.reschedule(athlete, now)
    log.info("athlete connected", athlete=athlete.id, platform=platform, scopes=scopes)
    return athlete


def disconnect(session: Session, connection: Connection, now: datetime) -> None:
    """End a connection: its tokens and the platform's data are deleted, waiting writes end. The athlete's record stays."""
    athlete = connection.athlete
    connection.state = Connection.REVOKED
    connection.disconnected_at = now
    connection.access_encrypted = connection.refresh_encrypted = connection.expires_at = None
    connection.lease_until = connection.lease_owner = None
    connection.refresh_unconfirmed_since = connection.refused_since = None
    connection.poll_at, connection.told = None, {}
    connection.plan_notes_wanted, connection.plan_notes_at, connection.plan_notes = False, None, {}
    stays = any(each.is_usable for each in athlete.connections)
    theirs = LoggedActivity.platform_id.startswith(f"{connection.platform}:")
    session.execute(delete(LoggedActivity).where(LoggedActivity.athlete_id == athlete.id, theirs))
    titled = update(InboxEvent).where(InboxEvent.object_type != "athlete")
    session.execute(titled.where(events_of(connection)).values(updates={}))
    waiting = (
        select(Delivery)
        .join(Suggestion)
        .where(Suggestion.athlete_id == athlete.id, Delivery.state.in_((claims.WAITING, claims.CLAIMED)))
    )
    for delivery in session.scalars(waiting):
        # A calendar is at the one platform that keeps one.
        at = platform_of(delivery.activity_id) if delivery.activity_id else None
        by_calendar = delivery.channel == channels.CALENDAR and not channels.can_write(athlete, [channels.CALENDAR])
        if not stays or at == connection.platform or by_calendar:
            claims.finish(session, delivery, "disconnected")
    if stays:
        schedule.reschedule(athlete, now)
        log.info("connection ended", athlete=athlete.id, platform=connection.platform)
        return
    athlete.next_due_at = athlete.reconcile_at = None
    athlete.name = ""  # the platform's too; connecting again brings it back
    for suggestion in session.scalars(decisions.open_suggestions(athlete)):
        suggestion.status = "withdrawn"
        suggestion.withdrawn_because = "You disconnected."
    log.info("athlete disconnected", athlete=athlete.id, platform=connection.platform)


def disconnect_now(installation: Installation, seen: Connection) -> bool:
    """`disconnect` in a transaction of its own; false when the athlete has connected again since ``seen``."""
    with installation.store.write() as session:
        connection = _lock(session, seen)
        if connection is not None and connection.disconnected_at is None:
            disconnect(session, connection, installation.clock.now())
        return connection is not None


def note_refusal(installation: Installation, seen: Connection) -> None:
    """The platform refused an access token that it had just issued: remember since when, and rest after hours of it."""
    now = installation.clock.now()
    with installation.store.write() as session:
        connection = _lock(session, seen)
        if connection is None or not connection.is_usable:
            return
        connection.refused_since = connection.refused_since or now
        if connection.state == Connection.CONNECTED and now - connection.refused_since >= REST_AFTER:
            _rest(session, connection, "calls refused for hours", now)


def rest(installation: Installation, seen: Connection, *, because: str) -> None:
    """Rest a connection: no revocation is proved, and no call works."""
    with installation.store.write() as session:
        connection = _lock(session, seen)
        if connection is not None and connection.state == Connection.CONNECTED:
            _rest(session, connection, because, installation.clock.now())


def recover(installation: Installation, seen: Connection) -> None:
    """A call worked: a connection that rested is connected again."""
    with installation.store.write() as session:
        connection = _lock(session, seen)
        if connection is None or not connection.is_usable:
            return
        connection.refused_since = None
        if connection.state == Connection.RESTING:
            connection.state = Connection.CONNECTED
            connection.athlete.reconcile_at = installation.clock.now()
            schedule.reschedule(connection.athlete, installation.clock.now())
            log.info("connection recovered", athlete=connection.athlete_id, platform=connection.platform)


def stop_reading(installation: Installation, seen: Connection) -> None:
    """The permission to read was withdrawn: no call is made any more, and the athlete's page says what is missing."""
    with installation.store.write() as session:
        connection = _lock(session, seen)
        if connection is not None and connection.is_usable:
            without_reading(connection)


def known_accounts(session: Session, events: Sequence[WebhookEvent]) -> set[str]:
    """The accounts of these events (all of one platform) that are connected here; a stranger's data is not kept."""
    if not events:
        return set()
    owners = {event.owner_id for event in events}
    known = select(Connection.external_id).where(Connection.platform == events[0].platform)
    return set(session.scalars(known.where(Connection.external_id.in_(owners))))


def without_reading(connection: Connection) -> None:
    """As `stop_reading`, in the caller's transaction."""
    connection.state = Connection.SCOPE_MISSING
    connection.poll_at = None
    _stop_looking(connection.athlete)
    log.warning("read permission missing", athlete=connection.athlete_id, platform=connection.platform)


def events_of(*accounts: Connection) -> ColumnElement[bool]:
    """Condition on `InboxEvent`: events of these accounts."""
    theirs = (and_(InboxEvent.platform == one.platform, InboxEvent.owner_id == one.external_id) for one in accounts)
    return or_(false(), *theirs)


def _rest(session: Session, connection: Connection, because: str, now: datetime) -> None:
    athlete = connection.athlete
    connection.state = Connection.RESTING
    _stop_looking(athlete)
    log.warning("connection rests", athlete=athlete.id, platform=connection.platform, because=because)
    if channels.can_mail(athlete):
        channels.write_letter(session, athlete, "reconnect", now)


def _stop_looking(athlete: Athlete) -> None:
    """No look by the clock, unless another connection still works."""
    if not any(each.state == Connection.CONNECTED for each in athlete.connections):
        athlete.next_due_at = athlete.reconcile_at = None


def _lock(session: Session, seen: Connection) -> Connection | None:
    """The connection, with its athlete locked: two events of one athlete change it one after the other.

    None when the athlete has connected again since ``seen``: a refusal of the earlier grant says nothing of the new one.
    """
    connection = session.get(Connection, seen.id)
    if connection is None or decisions.lock(session, connection.athlete_id) is None:
        return None
    session.refresh(connection, with_for_update=True)
    return connection if connection.connected_at == seen.connected_at else None


def _find_or_create(
    session: Session, platform: str, external_id: str, now: datetime, to_athlete: int | None
) -> Connection:
    found = find(session, platform, external_id)
    if to_athlete is not None:
        return _add(session, found, platform, external_id, now, to_athlete)
    if found is None:
        # The button may be pressed twice, and the other request be first.
        with suppress(IntegrityError), session.begin_nested():
            first = Connection(platform=platform, external_id=external_id, connected_at=now)
            prompt = schedule.spread_prompt(external_id)
            session.add(Athlete(connections=[first], rest_day_prompt_local=prompt))
        found = find(session, platform, external_id)
    assert found is not None  # noqa: S101 - its key was just found to be taken
    return found


def _add(
    session: Session, found: Connection | None, platform: str, external_id: str, now: datetime, to_athlete: int
) -> Connection:
    """The account as a connection of this athlete; one that ended makes room for another account."""
    athlete = decisions.lock(session, to_athlete)
    if athlete is None or (found is not None and found.athlete_id != to_athlete):
        raise OtherAthleteError
    known = athlete.connection_at(platform)
    if known is None:
        known = Connection(platform=platform, external_id=external_id, connected_at=now, athlete_id=to_athlete)
        # As one that isn't connected yet: the history is read anew.
        known.state = Connection.REVOKED
        athlete.connections.append(known)
        session.flush()
    elif known.external_id != external_id:
        if known.is_usable:
            raise OtherAthleteError
        known.external_id = external_id
    return known
