"""Prompts without an activity: the rest-day look at the athlete's prompt time, and the warm-up before a usual run.

1. Claim due athletes by the index on their time: the cost follows those due, not all athletes.
2. Look whether anything is due in their own time zone: once a local day, also after a crash or with a second clock.
3. If a rest-day routine could be due and the rows have gaps, read the history first.
4. Decide, record, suggest and set the next time in one transaction.
"""

from __future__ import annotations

from datetime import timedelta

from adductor import logs
from adductor.athletes import activities, channels, decisions, schedule
from adductor.athletes.decisions import Consultation
from adductor.coaching import situation as words
from adductor.installation import Installation
from adductor.jobs import deliveries
from adductor.platforms import registry
from adductor.platforms.base import Priority
from adductor.queue.timers import Timer
from adductor.store.models import Athlete, Delivery

log = logs.get(__name__)

# After a failure that may pass; a prompt is worth giving for three hours.
RETRY_AFTER = timedelta(minutes=1)


def look(installation: Installation, athlete_id: int) -> None:
    """Look at one athlete now: the mark of the day keeps a second look harmless. Raises RetryLater and Final."""
    deliveries.deliver_now(installation, _look(installation, athlete_id))


TIMER = Timer("prompt", Athlete.next_due_at, look, retry_after=RETRY_AFTER, final_after=schedule.LATE)


def _look(installation: Installation, athlete_id: int) -> tuple[Delivery, ...]:
    with installation.store.write() as session:
        athlete = decisions.lock(session, athlete_id)
        if athlete is None:
            return ()
        coach = Consultation(session, installation, athlete, installation.clock.now())
        gaps = activities.has_gaps(athlete, coach.now)
        asks = (
            schedule.rest_day_due(athlete, coach.now)
            and (gaps or any("plan" in registry.FACTS[each.platform].capabilities for each in athlete.connections))
            and coach.decide(words.Event(words.EventType.CLOCK_TICK), best_case=True).decision
            is words.Decision.REST_DAY
        )
        if not asks:
            return _decide(coach)
        connection = athlete.connection
    listed = activities.list_history(installation, connection, Priority.HISTORY) if gaps else None
    activities.read_plan(installation, athlete_id, Priority.HISTORY, since=installation.clock.now())
    with installation.store.write() as session:
        athlete = decisions.lock(session, athlete_id)
        if athlete is None or not athlete.is_connected:
            return ()
        coach = Consultation(session, installation, athlete, installation.clock.now())
        if listed is not None:
            activities.keep_history(coach, listed)
        return _decide(coach)


def _decide(coach: Consultation) -> tuple[Delivery, ...]:
    athlete = coach.athlete
    waiting: tuple[Delivery, ...] = ()
    if schedule.warm_up_due(athlete, coach.now):
        athlete.last_warm_up_on = coach.today
        waiting += _one(coach, words.Placement.WARM_UP, words.EventType.RUN_STARTING_SOON)
    if schedule.rest_day_due(athlete, coach.now):
        athlete.last_prompted_on = coach.today
        waiting += _one(coach, words.Placement.REST_DAY, words.EventType.CLOCK_TICK)
    schedule.reschedule(athlete, coach.now)
    return waiting


def _one(coach: Consultation, placement: words.Placement, trigger: words.EventType) -> tuple[Delivery, ...]:
    athlete, event = coach.athlete, words.Event(trigger)
    verdict = coach.decide(event)
    if str(verdict.decision) == str(placement):
        verdict = _refuse_if_untimely(coach, placement, verdict)
    else:
        verdict = decisions.without_routine(
            verdict, "A run has just ended; its routine, if one is due, stands with it."
        )
    decision = coach.record(event, verdict, asked_platform=athlete.history_read_at == coach.now)
    log.info(
        "prompt decided", athlete=athlete.id, placement=str(placement), decision=decision.decision, rule=decision.rule
    )
    if verdict.routine is None:
        return ()
    return deliveries.claim_due(coach, coach.suggest(verdict, decision, None))


def _refuse_if_untimely(coach: Consultation, placement: words.Placement, verdict: words.Verdict) -> words.Verdict:
    """Refuse a rest-day routine beside an unknown session, which may have been a run, and a warm-up that no message may
    carry: on the pages it would be found after the run.
    """
    if placement is words.Placement.REST_DAY and activities.has_unknown_today(coach):
        reason = "There is a session today of which we may know nothing more; it may have been a run."
        return decisions.refuse(verdict, "unknown_session", reason, "a session that its platform may not hand on")
    if placement is not words.Placement.WARM_UP or channels.messages_left(
        coach.session, coach.athlete, coach.now, warm_up=True
    ):
        return verdict
    most = channels.MOST_MESSAGES_A_WEEK
    reason = f"You get {most} messages from us in 7 days at most, and your routines come first."
    return decisions.refuse(verdict, "enough_messages", reason, f"{most} messages in 7 days, routines first")
