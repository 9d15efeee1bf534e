"""Web Push deliveries: tell every browser of the athlete that a routine waits.

A message may go out twice after a crash: both have one topic and one tag, so the second takes the place of the first.
"""

from __future__ import annotations

from hashlib import sha256

from adductor import logs
from adductor.athletes import browsers
from adductor.coaching.constants import WARM_UP_LEAD_MIN
from adductor.coaching.situation import Placement
from adductor.installation import Installation
from adductor.jobs import letters
from adductor.push import PushLaterError, SubscriptionError
from adductor.queue.retry import RetryLater
from adductor.store.models import Delivery

log = logs.get(__name__)

NO_DEVICE = "no_device"
_TITLE = "A routine waits"
# How long a message waits for a phone that is off: the evening of a rest day (judgement), or until the run.
_TTL_S = 6 * 3600
_WARM_UP_TTL_S = WARM_UP_LEAD_MIN * 60


def send_routine(installation: Installation, delivery: Delivery) -> str:
    """Send the notification of a claimed delivery. Returns the outcome. Raises RetryLater and Final."""
    suggestion, athlete = letters.read(installation, delivery)
    with installation.store.read() as session:
        rows = browsers.of_athlete(session, athlete.id)
    tag = sha256(suggestion.public_id.encode()).hexdigest()[:32]  # a topic: at most 32 characters (RFC 8030, 5.4)
    message = {"title": _TITLE, "tag": tag, "url": installation.links.runner_routine(suggestion.public_id)}
    ttl_s = _WARM_UP_TTL_S if suggestion.placement == Placement.WARM_UP else _TTL_S
    sent, ended, problem = 0, [], ""
    for each in rows:
        try:
            installation.pusher.send(browsers.read(installation, each), message, topic=tag, ttl_s=ttl_s)
            sent += 1
        except SubscriptionError as error:
            ended.append(each.id)
            log.info("notification subscription ended", athlete=athlete.id, problem=str(error))
        except PushLaterError as error:
            problem = str(error)
    if ended or not rows:
        with installation.store.write() as session:
            browsers.remove(session, athlete.id, ended)
    if sent:
        return letters.PUSHED
    if problem:
        raise RetryLater(problem)
    return NO_DEVICE
