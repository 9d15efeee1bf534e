"""Web Push deliveries: tell every browser of the athlete that a routine waits.

A message may go out twice after a crash: both have one topic and one tag, so the second takes the place of the first.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from hashlib import sha256

from sqlalchemy.orm import joinedload

from adductor import logs
from adductor.athletes import browsers, situations
from adductor.installation import Installation
from adductor.jobs import letters
from adductor.push import PushEndedError, PushLaterError, PushSubscription
from adductor.queue.retry import RetryLater
from adductor.store.models import Athlete, Delivery

log = logs.get(__name__)

PUSHED = "pushed"
NO_DEVICE = "no_device"
_TITLE = "A routine waits"


def send_routine(installation: Installation, delivery: Delivery) -> str:
    """Send the notification of a claimed delivery. Returns the outcome. Raises RetryLater and Final."""
    now = installation.clock.now()
    with installation.store.read() as session:
        row = session.get_one(Delivery, delivery.id, options=[joinedload(Delivery.suggestion)])
        suggestion = row.suggestion
        athlete = session.get_one(Athlete, suggestion.athlete_id)
        rows = browsers.of_athlete(session, athlete.id)
    if row.written_at is not None:
        return PUSHED
    unwanted = letters.why_unwanted(row, suggestion, athlete, now)
    if unwanted is not None:
        return unwanted
    tag = sha256(suggestion.public_id.encode()).hexdigest()[:32]  # a topic: at most 32 characters (RFC 8030, 5.4)
    message = {"title": _TITLE, "tag": tag, "url": installation.links.runner_routine(suggestion.public_id)}
    ttl_s = _seconds_left_today(athlete, now)
    sent, ended, problem = 0, [], ""
    for each in rows:
        try:
            subscription = PushSubscription.from_json(installation.vault.decrypt(each.subscription_encrypted))
            installation.pusher.send(subscription, message, topic=tag, ttl_s=ttl_s)
            sent += 1
        except PushEndedError as error:
            ended.append(each.id)
            log.info("notification subscription ended", athlete=athlete.id, problem=str(error))
        except PushLaterError as error:
            problem = str(error)
    if ended or not rows:
        with installation.store.write() as session:
            browsers.remove(session, athlete.id, ended)
    if sent:
        return PUSHED
    if problem:
        raise RetryLater(problem)
    return NO_DEVICE


def _seconds_left_today(athlete: Athlete, now: datetime) -> int:
    """Until the athlete's day ends: after it the routine is another day's."""
    local = now.astimezone(situations.zone_of(athlete.timezone))
    midnight = datetime.combine(local.date() + timedelta(days=1), time(), tzinfo=local.tzinfo)
    return max(int((situations.instant(midnight) - now).total_seconds()), 60)
