"""Outages of the inbox: Strava delivers an event three times within some minutes, then it is lost.

Each web process writes a heartbeat every few seconds. A gap in it is an outage; after it every log is reconciled, in order
(`adductor.jobs.reconcile`).
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.exc import SQLAlchemyError

from adductor import logs
from adductor.athletes import connections
from adductor.installation import Installation
from adductor.queue import heartbeats
from adductor.store.models import Athlete, Heartbeat, Outage

log = logs.get(__name__)

WEB = "web"
# Shorter than the stretch of Strava's three attempts, "about a minute or two apart": nothing lost goes unnoticed.
LOST_AFTER_S = 90.0
# Real time: three beats may be late before anything is wrong.
NEVER_BELOW = heartbeats.EVERY * 3
# So many athletes are queued at a time.
QUEUE = 200
# A row that needs pages of its own (4,096 bytes each in SQLite).
_ROOM = "room"
_ROOM_CHARS = 10_000


def web_is_alive(installation: Installation) -> Outage | None:
    """Write the web's heartbeat; returns the outage that it ends, if it ends one."""
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
            log.warning("inbox outage ended", lasted_s=lasted.seconds)
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


def queue_athletes(installation: Installation) -> None:
    """Queue the next athletes after an outage."""
    now = installation.clock.now()
    open_one = select(Outage).where(Outage.done_at.is_(None)).order_by(Outage.id).limit(1)
    with installation.store.read() as session:
        if session.scalar(open_one) is None:
            return
    with installation.store.write() as session:
        outage = session.scalar(open_one.with_for_update())
        if outage is None:
            return
        following = select(Athlete.id).where(Athlete.id > outage.reached_id, connections.is_connected())
        ids = session.scalars(following.order_by(Athlete.id).limit(QUEUE)).all()
        session.execute(update(Athlete).where(Athlete.id.in_(ids)).values(reconcile_at=now))
        if ids:
            outage.reached_id = ids[-1]
        else:
            outage.done_at = now
