"""Checks on this side: database, broker, heartbeats, backlog, rate budget, scopes, token keys, mail server."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from adductor.athletes import channels, rotate_keys
from adductor.jobs import backlog, retention
from adductor.mail.transport import MailLaterError
from adductor.platforms import registry
from adductor.queue import heartbeats
from adductor.store import migrate, words_of
from adductor.store.models import Connection
from service.doctor import FailedError
from service.doctor.status import Status

# A nightly one that failed once is seen the next day.
BACKUP_EVERY = timedelta(days=2)
_PART_NAMES = {"beat": "the clock", "worker": "a worker"}


def database(status: Status) -> str:
    """It answers and is of this version."""
    try:
        current, wanted = migrate.current(status.here.store), migrate.latest()
    except SQLAlchemyError as error:
        raise FailedError(f"does not answer ({words_of(error)})", "start it, or mend ADDUCTOR_DATABASE_URL") from error
    if current is not None and current not in migrate.revisions():
        raise FailedError(
            f"at revision {current}, which a newer Adductor Coach made; this one knows {wanted}",
            "install that newer version, or restore the backup that was taken before it",
        )
    if current != wanted:
        raise FailedError(f"at revision {current or 'none'}, wanted {wanted}", "run: adductor db upgrade")
    if "database" in status.problems:
        raise FailedError(status.problems["database"], "look at its log, then run this again")
    return f"answers, at revision {current}"


def broker(status: Status) -> str:
    """It answers and takes writes."""
    if status.here.redis is None:
        raise FailedError(
            "no ADDUCTOR_REDIS_URL is set", "set it; `adductor up` brings its own and sets it for its parts"
        )
    if "broker" in status.problems:
        raise FailedError(
            status.problems["broker"], "start it, or mend it or ADDUCTOR_REDIS_URL; events are stored meanwhile"
        )
    return "answers"


def at_work(status: Status) -> str:
    """The clock asks, and a worker does what it asks."""
    clocks_apart = heartbeats.compare_clocks(status.here) or status.clocks_apart
    if clocks_apart is not None:
        raise FailedError(
            clocks_apart, "set the clocks by NTP: due work waits or is taken from living workers meanwhile"
        )
    ago = {part: status.real_now - at for part, at in status.heartbeats.items()}
    for part, age in ago.items():
        if age < -heartbeats.CLOCKS_APART:
            raise FailedError(
                f"the {part} was seen at work {_long(-age)} in the future: two clocks differ, or this one was set back",
                "set the clocks by NTP; work that was due in between waits until the clock has caught up",
            )
    missing = [part for part in _PART_NAMES if part not in ago or ago[part] > backlog.SEEN_WITHIN]
    if missing:
        last = [
            f"{_PART_NAMES[part]} was {f'last seen at work {_long(ago[part])} ago' if part in ago else 'never seen'}"
            for part in missing
        ]
        raise FailedError(
            "; ".join(last),
            f"start {' and '.join(f'`adductor {part}`' for part in missing)}, or look why they don't reach the broker",
        )
    return f"the clock was seen {_long(ago['beat'])} ago, a worker {_long(ago['worker'])} ago"


def work_waiting(status: Status) -> str:
    """No dead letters, and no row that is due waits for long."""
    given_up = [f"{queue.name} given up: {queue.given_up}" for queue in status.queues if queue.given_up]
    waiting = sum(queue.due + queue.later for queue in status.queues if queue.name in backlog.QUEUES)
    seen, do = [], []
    if given_up:
        seen.append(f"{', '.join(given_up)}; {waiting} waiting")
        do.append("see why and try again: adductor replay --failed")
    for queue in status.queues:
        if queue.is_late(status.now):
            age = _long(timedelta(seconds=queue.age_s(status.now)))
            seen.append(f"the oldest of the due {queue.name} has been waiting for {age}")
    if len(seen) > len(do):
        do.append("look at the workers' log; more workers help where they are all busy")
    if seen:
        raise FailedError("; ".join(seen), "; ".join(do))
    return f"{waiting} waiting, none given up"


def data_age(status: Status) -> str:
    """Strava's data goes in time."""
    ages = {table: status.now - at for table, at in status.oldest.items() if at is not None}
    for table, age in ages.items():
        if age > retention.LIMIT:
            raise FailedError(
                f"rows of {table} are {age.days} days old, and Strava allows {retention.LIMIT.days}",
                "start `adductor beat` and `adductor worker`: they delete what is too old once an hour",
            )
    days = max((age.days for age in ages.values()), default=0)
    return f"what comes from Strava is at most {days} days old" if ages else "nothing of Strava's is kept"


def budget(status: Status) -> str:
    """Enough calls are left."""
    if not status.budget_is_shared:
        raise FailedError(
            "Redis is not there to count the calls of all processes together, so they wait",
            "start Redis, or mend ADDUCTOR_REDIS_URL; notes come later meanwhile, and no limit is exceeded",
        )
    low = [
        f"{window.left} of {window.limit} left for {window.words}"
        for window in status.windows
        if window.left < backlog.BUDGET_LOW_SHARE * window.limit
    ]
    if low:
        raise FailedError(
            ", ".join(low), "nothing is lost, notes come later; ask Strava for a higher limit if this is usual"
        )
    return ", ".join(f"{window.left} left for {window.words}" for window in status.windows if window.bucket == "read")


def known_subscription(status: Status) -> str:
    """Strava confirmed the subscription when the workers last asked; it is not asked now."""
    if status.other_logs:
        return "no Strava application is set, and other logs are connected"
    if status.subscription_problem is not None:
        command = "adductor up" if status.here.settings.uses_sandbox else "adductor strava subscribe"
        raise FailedError(status.subscription_problem, f"run: {command}")
    return "confirmed by Strava within the last hours"


def backup(status: Status) -> str:
    """The last backup is not too old."""
    age = timedelta(seconds=status.backup_age_s)
    if age > BACKUP_EVERY:
        seen = (
            f"the last one is {_long(age)} old"
            if status.has_backup
            else f"none in the {_long(age)} since the first runner"
        )
        raise FailedError(seen, "run: adductor db backup FILE; after pg_dump or a snapshot: adductor db backed-up")
    return (
        f"the last one is {_long(age)} old"
        if status.has_backup
        else "none yet, and nothing older than two days to keep"
    )


def operator(status: Status) -> str:
    """The dead man's switch and the weekly mail reach the operator."""
    if status.duty_problems:
        raise FailedError("; ".join(status.duty_problems), "mend that, or the setting; it is tried again by itself")
    if status.here.settings.heartbeat_url is None:
        return "no ADDUCTOR_HEARTBEAT_URL: no word goes out when all is down"
    return "ADDUCTOR_HEARTBEAT_URL answers"


def runners(status: Status) -> str:
    """Every connected runner allowed what is needed."""
    connected = Connection.state == Connection.CONNECTED
    with status.here.store.read() as session:
        found = session.scalars(select(Connection).where(connected)).all()
    count = len(found)
    cannot = sum(not any(map(each.allows, writing_scopes(each))) for each in found)
    if cannot:
        raise FailedError(
            f"{cannot} of {count} did not allow us to write",
            "their routines go by mail; connecting again lets them tick the box",
        )
    return f"{count} connected, all with the scopes that are needed"


def writing_scopes(connection: Connection) -> list[str]:
    """The scopes of this platform of which one lets us write."""
    scopes = registry.FACTS[connection.platform].scopes
    return [scope for channel, scope in scopes.items() if channel in channels.WRITTEN]


def keys(status: Status) -> str:
    """The tokens can be decrypted."""
    found = rotate_keys.count_keys(status.here)
    if found.unreadable:
        raise FailedError(
            f"{found.unreadable} runners' tokens can be decrypted with none of the keys that are set",
            "put the key that is missing back behind the new one in ADDUCTOR_TOKEN_KEYS, or let them connect again",
        )
    if found.older:
        return f"{found.older} tokens still need an older key; within the hour none does"
    return f"{found.newest} tokens, all under the newest key"


def mail(status: Status) -> str:
    """The mail server takes our connection."""
    if status.here.settings.smtp_url is None:
        return "no ADDUCTOR_SMTP_URL: mails are kept in the data folder"
    try:
        status.here.postbox.check()
    except MailLaterError as error:
        raise FailedError(str(error), "mend ADDUCTOR_SMTP_URL, or ask the mail server's operator") from error
    return "the mail server takes our connection"


def _long(length: timedelta) -> str:
    seconds = max(int(length.total_seconds()), 0)
    for size_s, name in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size_s:
            return f"{seconds // size_s} {name}"
    return f"{seconds} s"
