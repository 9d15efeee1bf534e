"""What is due without an activity: the rest-day look at the runner's prompt time, and the warm-up before a usual run.

1. Claim runners whose time has come, by the index on it: the cost follows those due, not all runners.
2. Look whether anything is due in their own time zone; once for each local day, whatever crashes or a second clock repeats.
3. If a rest-day routine could be due and our rows have gaps, read the history first.
4. Decide, record, suggest, and set the next time, in one transaction.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from adductor import coaching, logs
from adductor.athletes import activities, channels, decisions, platform_calls, schedule, situations
from adductor.athletes.schedule import reschedule
from adductor.coaching import situation as words
from adductor.installation import Installation
from adductor.jobs import deliveries
from adductor.platforms.base import Priority
from adductor.store.models import Athlete, Suggestion

__all__ = ["look", "reconsider", "reschedule", "tick"]

log = logs.get(__name__)

BATCH = 20
# Taken by a process that ends, a runner is looked at again after this; the day's own mark keeps a second look harmless.
CLAIMED_FOR = timedelta(minutes=10)


def tick(installation: Installation, *, until: float | None = None) -> int:
    """Look at the runners whose time has come, as far as time goes (``until``, by `time.monotonic`). Returns how many."""
    ids = _claim(installation)
    for looked_at, athlete_id in enumerate(ids):
        if until is not None and time.monotonic() >= until:
            for left in ids[looked_at:]:
                _again(installation, left, timedelta(0))
            return looked_at
        look(installation, athlete_id)
    return len(ids)


def look(installation: Installation, athlete_id: int) -> None:
    """Look at one runner now. Never raises for what one runner can cause."""
    try:
        waiting = _look(installation, athlete_id)
    except platform_calls.LaterError as later:
        log.warning("prompt waits", athlete=athlete_id, problem=later.problem)
        _again(installation, athlete_id, later.wait)
    except platform_calls.StopError as stop:
        log.warning("prompt ended", athlete=athlete_id, outcome=stop.outcome, problem=stop.problem)
        _again(installation, athlete_id, schedule.LATE)
    except Exception:  # one runner must not keep the others waiting
        log.exception("prompt failed", athlete=athlete_id)
        _again(installation, athlete_id, CLAIMED_FOR)
    else:
        if waiting:
            deliveries.run(installation, waiting)


def reconsider(session: Session, installation: Installation, athlete: Athlete, *, now: datetime) -> None:
    """After a change of the runner's settings, plan or health: does what is announced for today still hold?

    ``athlete`` must be locked. Withdraws what the coach would no longer suggest (not because its moment has passed),
    and works out anew when to look next.
    """
    session.flush()
    today = now.astimezone(situations.zone_of(athlete.timezone)).date()
    rows = session.scalars(
        select(Suggestion).where(
            Suggestion.athlete_id == athlete.id, Suggestion.status == "open", Suggestion.local_date == today
        )
    ).all()
    for suggestion in rows:
        event = _event_of(suggestion)
        verdict = decisions.decide(session, installation, athlete, event, now)
        if verdict.decision is words.Decision.NONE and verdict.rule not in ("no_trigger", "warm_up"):
            decisions.record(
                session,
                athlete,
                verdict,
                trigger=event.type,
                now=now,
                trace_id=secrets.token_hex(8),
                activity_id=suggestion.activity_id,
                asked_platform=False,
            )
            decisions.withdraw(session, suggestion, verdict.reason, now=now)
        elif str(verdict.dose) != suggestion.dose and str(verdict.decision) == suggestion.placement:
            _with_another_dose(session, installation, athlete, suggestion, verdict, event, now)
    reschedule(athlete, now)


def _event_of(suggestion: Suggestion) -> words.Event:
    if suggestion.activity_id is not None:
        return words.Event(words.EventType.ACTIVITY_UPDATED, str(suggestion.activity_id))
    if suggestion.placement == words.Placement.WARM_UP:
        return words.Event(words.EventType.RUN_STARTING_SOON)
    return words.Event(words.EventType.CLOCK_TICK)


def _with_another_dose(
    session: Session,
    installation: Installation,
    athlete: Athlete,
    suggestion: Suggestion,
    verdict: words.Verdict,
    event: words.Event,
    now: datetime,
) -> None:
    """The same routine in another dose takes its place where it stands; what was mailed can't be changed."""
    if suggestion.activity_id is None:
        return
    decision = decisions.record(
        session,
        athlete,
        verdict,
        trigger=event.type,
        now=now,
        trace_id=secrets.token_hex(8),
        activity_id=suggestion.activity_id,
        asked_platform=False,
    )
    decisions.suggest(session, installation, athlete, verdict, decision, now=now, activity_id=suggestion.activity_id)


def _claim(installation: Installation) -> list[int]:
    now = installation.clock.now()
    wanted = select(Athlete.id).where(Athlete.next_due_at <= now).order_by(Athlete.next_due_at, Athlete.id).limit(BATCH)
    with installation.store.read() as session:
        if session.scalar(wanted.limit(1)) is None:
            return []  # nearly every time: no write lock for nothing
    if not installation.store.is_sqlite:
        wanted = wanted.with_for_update(skip_locked=True)
    with installation.store.write() as session:
        return list(
            session.scalars(
                update(Athlete)
                .where(Athlete.id.in_(wanted.scalar_subquery() if installation.store.is_sqlite else wanted))
                .values(next_due_at=now + CLAIMED_FOR)
                .returning(Athlete.id),
                execution_options={"synchronize_session": False},
            )
        )


def _look(installation: Installation, athlete_id: int) -> tuple[int, ...]:
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
    since = installation.clock.now() - activities.HISTORY
    listed = platform_calls.call(
        installation,
        athlete_id,
        1,
        lambda token: installation.strava.list_activities(token, after=since, priority=Priority.HISTORY),
    )
    with installation.store.write() as session:
        athlete = decisions.lock(session, athlete_id)
        now = installation.clock.now()
        if athlete is None or athlete.status != "connected":
            return ()
        activities.keep_history(session, athlete, listed, now)
        return _decide(session, installation, athlete, now)


def _could_be_a_rest_day(session: Session, installation: Installation, athlete: Athlete, now: datetime) -> bool:
    situation = situations.of(session, athlete, words.Event(words.EventType.CLOCK_TICK), now)
    verdict = coaching.decide(situations.best_rest_day(situation), installation.catalogue)
    return verdict.decision is words.Decision.REST_DAY


def _decide(session: Session, installation: Installation, athlete: Athlete, now: datetime) -> tuple[int, ...]:
    today = now.astimezone(situations.zone_of(athlete.timezone)).date()
    waiting: tuple[int, ...] = ()
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
) -> tuple[int, ...]:
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
    log.info("looked", athlete=athlete.id, placement=str(placement), decision=decision.decision, rule=decision.rule)
    if str(verdict.decision) != str(placement):
        return ()
    suggestion = decisions.suggest(session, installation, athlete, verdict, decision, now=now, activity_id=None)
    return deliveries.waiting_now(session, suggestion, now)


def _if_it_arrives(
    session: Session, athlete: Athlete, placement: words.Placement, verdict: words.Verdict, now: datetime
) -> words.Verdict:
    """A routine that would not get to the runner is not suggested: unanswered, it would count against the next one."""
    found = {way.channel for way in channels.ways(session, athlete, placement, activity_id=None, now=now)}
    if found == {channels.PAGES} and channels.PAGES not in channels.chosen(athlete, placement):
        days = channels.NOTE_OF_LATEST_RUN_DAYS
        return _no(
            verdict,
            "no_way",
            f"no run in the last {days} days, no mail address",
            f"There is no run of the last {days} days whose note could hold it, and no confirmed mail address.",
        )
    if found == {channels.MAIL} and not channels.messages_left(session, athlete, now):
        most = channels.MOST_MESSAGES_A_WEEK
        return _no(
            verdict,
            "enough_messages",
            f"{most} of {most} messages in the last 7 days",
            f"You had {most} mails from us in the last 7 days; that is enough for one week.",
        )
    return verdict


def _no(verdict: words.Verdict, rule: str, because: str, reason: str) -> words.Verdict:
    return replace(
        verdict,
        decision=words.Decision.NONE,
        dose=words.Dose.NONE,
        rule=rule,
        reason=reason,
        routine=None,
        considered=(*verdict.considered, words.Considered(rule, True, because)),
    )


def _again(installation: Installation, athlete_id: int, wait: timedelta) -> None:
    now = installation.clock.now()
    with installation.store.write() as session:
        athlete = decisions.lock(session, athlete_id)
        if athlete is not None and athlete.status == "connected":
            athlete.next_due_at = now + wait
