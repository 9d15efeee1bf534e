"""When nobody could store webhook events: Strava tries three times within some minutes, then an event is lost.

Each web process says every few seconds that it can reach the database. A gap in that is an outage, and after it everybody's
log is to be looked at, in order (`adductor.jobs.reconcile`).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from adductor import logs
from adductor.installation import Installation
from adductor.queue import heartbeats
from adductor.store.models import Athlete, Heartbeat, Outage

log = logs.get(__name__)

WEB = "web"
# Shorter than the stretch of Strava's three attempts, "about a minute or two apart": nothing lost goes unnoticed.
LOST_AFTER_S = 90.0
# Real time: three beats may be late before anything is wrong.
NEVER_BELOW = heartbeats.EVERY * 3
# How many runners are put in line at a time; more only when these have been looked at.
LINE = 200
# Something that needs pages of its own (4,096 bytes each in SQLite).
_ROOM = "room"
_ROOM_CHARS = 10_000


def web_is_alive(installation: Installation) -> Outage | None:
    """Note that events can be stored now. Returns the outage that this ends, if it ends one."""
    clock = installation.clock
    real_now = clock.real_now()
    seen = heartbeats.last(installation, WEB)
    if seen is not None and timedelta(0) <= real_now - seen < heartbeats.EVERY:
        return None
    outage = None
    with installation.store.write() as session:
        row = session.get(Heartbeat, WEB, with_for_update=True)
        if row is None:
            session.merge(Heartbeat(part=WEB, at=real_now))
            return None
        silent = real_now - row.at
        row.at = real_now
        if silent > max(timedelta(seconds=clock.real_seconds(LOST_AFTER_S)), NEVER_BELOW):
            now = clock.now()
            lasted = silent / clock.real_seconds(1.0)
            outage = Outage(began_at=now - lasted, ended_at=now)
            session.add(outage)
            log.warning("no event could be stored for a while; every log will be looked at", lasted_s=lasted.seconds)
    return outage


def can_store(installation: Installation) -> bool:
    """Whether the database takes something new now: on a full disk it may still take changes of what is there."""
    try:
        with installation.store.write() as session:
            session.merge(Heartbeat(part=_ROOM, at=installation.clock.real_now(), note="-" * _ROOM_CHARS))
        with installation.store.write() as session:
            session.execute(delete(Heartbeat).where(Heartbeat.part == _ROOM))
    except SQLAlchemyError:
        return False
    return True


def last_ended(session: Session) -> datetime | None:
    """When the latest outage ended: whoever was looked at before that may have been missed in it."""
    ended: datetime | None = session.scalar(select(func.max(Outage.ended_at)))
    return ended


def line_up(installation: Installation) -> int:
    """Put the next runners in line after an outage, when the line is short. Returns how many."""
    now = installation.clock.now()
    with installation.store.read() as session:
        open_one = session.scalar(select(Outage.id).where(Outage.done_at.is_(None)).limit(1))
        if open_one is None:
            return 0
    with installation.store.write() as session:
        outage = session.scalar(
            select(Outage).where(Outage.done_at.is_(None)).order_by(Outage.id).limit(1).with_for_update()
        )
        if outage is None:
            return 0
        waiting = select(Athlete.id).where(Athlete.reconcile_at <= now).limit(LINE).subquery()
        room = LINE - (session.scalar(select(func.count()).select_from(waiting)) or 0)
        if room <= 0:
            return 0
        ids = session.scalars(
            select(Athlete.id)
            .where(Athlete.id > outage.reached_id, Athlete.status == "connected")
            .order_by(Athlete.id)
            .limit(room)
        ).all()
        if not ids:
            outage.done_at = now
            return 0
        outage.reached_id = ids[-1]
        session.execute(update(Athlete).where(Athlete.id.in_(ids)).values(reconcile_at=now))
        return len(ids)
