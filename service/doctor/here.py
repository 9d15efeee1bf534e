"""What `adductor doctor` looks at on this side: database, broker, clock and workers, what waits, keys, mail."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from adductor.athletes import rotate_keys
from adductor.installation import Installation
from adductor.jobs import backlog
from adductor.mail.transport import MailError, Postbox
from adductor.store import migrate
from adductor.store.models import Connection
from service.doctor.base import FailedError
from service.ops.health import broker_problem

# Heartbeats of other machines may lie a moment in the future.
CLOCKS_APART_S = 5


def database(installation: Installation) -> str:
    """It answers and is of this version."""
    try:
        current, wanted = migrate.current(installation.store), migrate.latest()
    except SQLAlchemyError as error:
        raise FailedError(
            f"does not answer ({type(error).__name__})", "start it, or mend ADDUCTOR_DATABASE_URL"
        ) from error
    if current is not None and current not in migrate.revisions():
        raise FailedError(
            f"at revision {current}, which a newer Adductor Coach made; this one knows {wanted}",
            "install that newer version, or restore the backup that was taken before it",
        )
    if current != wanted:
        raise FailedError(f"at revision {current or 'none'}, wanted {wanted}", "run: adductor db upgrade")
    return f"answers, at revision {current}"


def broker(installation: Installation) -> str:
    """It answers and takes writes."""
    problem = broker_problem(installation)
    if installation.redis is None:
        raise FailedError(
            "no ADDUCTOR_REDIS_URL is set", "set it; `adductor up` brings its own and sets it for its parts"
        )
    if problem is not None:
        raise FailedError(problem, "start it, or mend it or ADDUCTOR_REDIS_URL; events are stored meanwhile")
    return "answers"


def at_work(installation: Installation) -> str:
    """The clock asks, and a worker does what it asks."""
    with installation.store.read() as session:
        seen = backlog.heartbeats(session)
    now = installation.clock.real_now()
    ago = {part: int((now - at).total_seconds()) for part, at in seen.items()}
    for part, ago_s in ago.items():
        if ago_s < -CLOCKS_APART_S:
            raise FailedError(
                f"the {part} was seen at work {-ago_s} s in the future: two clocks differ, or this one was set back",
                "set the clocks by NTP; work that was due in between waits until the clock has caught up",
            )
    within_s = backlog.SEEN_WITHIN.total_seconds()
    missing = [part for part in ("beat", "worker") if part not in ago or ago[part] > within_s]
    if missing:
        names = {"beat": "the clock", "worker": "a worker"}
        last = [
            f"{names[part]} was last seen at work {ago[part]} s ago" if part in ago else f"{names[part]} was never seen"
            for part in missing
        ]
        raise FailedError(
            "; ".join(last),
            f"start {' and '.join(f'`adductor {part}`' for part in missing)}, or look why they don't reach the broker",
        )
    return f"the clock was seen {max(ago['beat'], 0)} s ago, a worker {max(ago['worker'], 0)} s ago"


def work_waiting(installation: Installation) -> str:
    """Nothing was given up, and nothing that is due waits for long."""
    with installation.store.read() as session:
        queues = backlog.queues(session, installation.clock.now())
    given_up = [f"{queue.given_up} {queue.name}" for queue in queues if queue.given_up]
    waiting = sum(queue.due + queue.later for queue in queues if queue.name in backlog.QUEUES)
    if given_up:
        raise FailedError(
            f"{' and '.join(given_up)} given up, {waiting} waiting", "see why and try again: adductor replay --failed"
        )
    now = installation.clock.now()
    for queue in queues:
        if queue.is_late(now):
            raise FailedError(
                f"the oldest of the due {queue.name} has been waiting for {int(queue.age_s(now)) // 60} minutes",
                "look at the workers' log; more workers help where they are all busy",
            )
    return f"{waiting} waiting, none given up"


def data_age(installation: Installation) -> str:
    """Strava's data goes in time."""
    now = installation.clock.now()
    with installation.store.read() as session:
        ages = {row.table: now - row.at for row in backlog.oldest_strava_data(session) if row.at is not None}
    for table, age in ages.items():
        if age > backlog.STRAVA_ALLOWS:
            raise FailedError(
                f"rows of {table} are {age.days} days old, and Strava allows {backlog.STRAVA_ALLOWS.days}",
                "start `adductor beat` and `adductor worker`: they delete what is too old once an hour",
            )
    days = max((age.days for age in ages.values()), default=0)
    return f"what comes from Strava is at most {days} days old" if ages else "nothing of Strava's is kept"


def runners(installation: Installation) -> str:
    """Everybody allowed what is needed."""
    connected = Connection.state == Connection.CONNECTED
    with installation.store.read() as session:
        count = session.scalar(select(func.count()).where(connected)) or 0
        cannot = (
            session.scalar(select(func.count()).where(connected, ~Connection.scopes.contains("activity:write"))) or 0
        )
    if cannot:
        raise FailedError(
            f"{cannot} of {count} did not allow us to write",
            "their routines go by mail; connecting again lets them tick the box",
        )
    return f"{count} connected, all with the scopes that are needed"


def keys(installation: Installation) -> str:
    """The tokens can be decrypted."""
    stand = rotate_keys.count_keys(installation)
    if stand.unreadable:
        raise FailedError(
            f"{stand.unreadable} runners' tokens can be decrypted with none of the keys that are set",
            "put the key that is missing back behind the new one in ADDUCTOR_TOKEN_KEYS, or let them connect again",
        )
    if stand.older:
        return f"{stand.older} tokens still need an older key; within the hour, or with `adductor db reseal`, none does"
    return f"{stand.newest} tokens, all under the newest key"


def mail(installation: Installation) -> str:
    """The mail server takes our connection."""
    settings = installation.settings
    if settings.smtp_url is None:
        return "no ADDUCTOR_SMTP_URL: mails are kept in the data folder"
    try:
        Postbox(settings.smtp_url.get_secret_value(), settings.mail_dir).check()
    except MailError as error:
        raise FailedError(str(error), "mend ADDUCTOR_SMTP_URL, or ask the mail server's operator") from error
    return "the mail server takes our connection"
