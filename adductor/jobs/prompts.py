"""Prompts without an activity: the rest-day look at the athlete's prompt time, and the warm-up before a usual run.

1. Claim due athletes by the index on their time: the cost follows those due, not all athletes.
2. Look whether anything is due in their own time zone: once a local day, also after a crash or with a second clock.
3. If a rest-day routine could be due and the rows have gaps, read the history first.
4. Decide, record, suggest and set the next time in one transaction.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from adductor import coaching, logs
from adductor.athletes import activities, channels, decisions, schedule, situations
from adductor.athletes.schedule import reschedule
from adductor.coaching import situation as words
from adductor.installation import Installation
from adductor.jobs import deliveries
from adductor.platforms.base import Priority
from adductor.queue import timers
from adductor.queue.timers import Timer
from adductor.store.models import Athlete, Delivery

log = logs.get(__name__)

# After a failure that may pass; a prompt is worth giving for three hours.
RETRY_AFTER = timedelta(minutes=1)


def tick(installation: Installation, *, until: float | None = None) -> int:
    """Look at due athletes (see `timers.tick`); returns how many."""
    return timers.tick(installation, TIMER, until=until)


def look(installation: Installation, athlete_id: int) -> None:
    """Look at one athlete now: the mark of the day keeps a second look harmless. Raises RetryLater and Final."""
    deliveries.deliver_now(installation, _look(installation, athlete_id))


TIMER = Timer("prompt", Athlete.next_due_at, look, retry_after=RETRY_AFTER, final_after=schedule.LATE)


def _look(installation: Installation, athlete_id: int) -> tuple[Delivery, ...]:
    with installation.store.write() as session:
        athlete = decisions.lock(session, athlete_id)
        now = installation.clock.now()
        if athlete is None:
            return ()
        asks = (
            schedule.rest_day_due(athlete, now)
            and activities.has_gaps(athlete, now)
            and _could_be_a_rest_day(session, installation, athlete, now)
        )
        if not asks:
            return _decide(session, installation, athlete, now)
        connection_id = athlete.connection.id
    listed = activities.list_history(installation, connection_id, athlete_id, priority=Priority.HISTORY)
    with installation.store.write() as session:
        athlete = decisions.lock(session, athlete_id)
        now = installation.clock.now()
        if athlete is None or not athlete.is_connected:
            return ()
        activities.keep_history(session, athlete, listed, now)
        return _decide(session, installation, athlete, now)


def _could_be_a_rest_day(session: Session, installation: Installation, athlete: Athlete, now: datetime) -> bool:
    situation = situations.of(session, athlete, words.Event(words.EventType.CLOCK_TICK), now)
    verdict = coaching.decide(situations.best_rest_day(situation), installation.catalogue)
    return verdict.decision is words.Decision.REST_DAY


def _decide(session: Session, installation: Installation, athlete: Athlete, now: datetime) -> tuple[Delivery, ...]:
    today = now.astimezone(situations.zone_of(athlete.timezone)).date()
    waiting: tuple[Delivery, ...] = ()
    if schedule.warm_up_due(athlete, now):
        athlete.last_warm_up_on = today
        event = words.Event(words.EventType.RUN_STARTING_SOON)
        waiting += _one(session, installation, athlete, words.Placement.WARM_UP, event, now)
    if schedule.rest_day_due(athlete, now):
        athlete.last_prompted_on = today
        event = words.Event(words.EventType.CLOCK_TICK)
        waiting += _one(session, installation, athlete, words.Placement.REST_DAY, event, now)
    reschedule(athlete, now)
    return waiting


def _one(
    session: Session,
    installation: Installation,
    athlete: Athlete,
    placement: words.Placement,
    event: words.Event,
    now: datetime,
) -> tuple[Delivery, ...]:
    verdict = decisions.decide(session, installation, athlete, event, now)
    if str(verdict.decision) == str(placement):
        verdict = _if_it_arrives(session, athlete, placement, verdict, now)
    decision = decisions.record(
        session,
        athlete,
        verdict,
        trigger=event.type,
        now=now,
        trace_id=secrets.token_hex(8),
        asked_platform=athlete.history_read_at == now,
    )
    log.info(
        "prompt decided", athlete=athlete.id, placement=str(placement), decision=decision.decision, rule=decision.rule
    )
    if str(verdict.decision) != str(placement):
        return ()
    suggestion = decisions.suggest(session, installation, athlete, verdict, decision, now=now, activity_id=None)
    return deliveries.claim_due(session, installation, suggestion, now)


def _if_it_arrives(
    session: Session, athlete: Athlete, placement: words.Placement, verdict: words.Verdict, now: datetime
) -> words.Verdict:
    """A routine that would not reach the athlete is not suggested: unanswered, it would count against the next one."""
    found = {
        each.channel for each in channels.delivery_channels(session, athlete, placement, activity_id=None, now=now)
    }
    if found == {channels.PAGES} and channels.PAGES not in channels.chosen(athlete, placement):
        missing = f"no run of the last {channels.NOTE_OF_LATEST_RUN_DAYS} days whose note could hold it"
        if channels.private_note_problem(athlete, now) is not None:
            missing = "no private note that Strava takes from us at the moment"
        reason = f"There is {missing}, and no confirmed mail address."
        return decisions.refuse(verdict, "no_way", reason, f"{missing}, no mail address")
    if found == {channels.MAIL} and not channels.messages_left(session, athlete, now):
        most = channels.MOST_MESSAGES_A_WEEK
        return decisions.refuse(
            verdict,
            "enough_messages",
            f"You had {most} mails from us in the last 7 days; that is enough for one week.",
            f"{most} of {most} messages in the last 7 days",
        )
    return verdict
