"""The rules: one predicate each, and the table that orders them.

A rule looks at the `Facts` and answers with a `Finding`: either "go on", with the fact that let it pass, or "stop",
with the decision and the reason in words that a runner understands. The first rule that stops decides.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, time, timedelta
from typing import NamedTuple

from adductor.coaching import constants as k
from adductor.coaching import week, words
from adductor.coaching.normalise import (
    Facts,
    Planned,
    facts,
    is_from_a_number,
    is_valid,
    spells_of_pain,
    where_it_hurts,
)
from adductor.coaching.situation import Activity, CheckIn, Decision, EventType, Intensity, Placement, Situation


class Finding(NamedTuple):
    """The finding of a rule. ``decision`` None passes on to the next rule."""

    because: str
    decision: Decision | None = None
    reason: str = ""


class Rule(NamedTuple):
    """One row of the table: the rule's name in every log and answer, the function, and where the rule comes from."""

    name: str
    look: Callable[[Facts], Finding]
    source: str


def _stop(because: str, reason: str) -> Finding:
    return Finding(because, Decision.NONE, reason)


# --- pain and permission --------------------------------------------------------------------------------------------


def red_flag(seen: Facts) -> Finding:
    """A warning sign overrides everything, also a hold when it is new. Only lifting the hold ends it."""
    flagged: CheckIn | None = next((c for c in reversed(seen.check_ins) if c.red_flags), None)
    if flagged is None:
        return Finding("no warning signs reported")
    hold = seen.hold
    if hold is not None and flagged.at <= hold.since:
        return Finding("no new warning signs since the pause")
    what = words.listed(k.RED_FLAGS.get(flag, flag) for flag in sorted(flagged.red_flags))
    return Finding(f"reported: {what}", Decision.REFER, words.referral(what, flagged.red_flags))


def on_hold(seen: Facts) -> Finding:
    """After a referral nothing is prescribed until a professional's word, or two green days after a pain number."""
    hold = seen.hold
    if hold is None:
        return Finding("routines are not stopped")
    since = words.day_in_words(seen.day_of(hold.since))
    flagged = any(check_in.red_flags for check_in in seen.check_ins)
    until = words.lifted_by(from_a_number=is_from_a_number(hold) and not flagged)
    return _stop(f"stopped since {since}", f"Your routines are stopped since {since} {until}.")


def high_pain(seen: Facts) -> Finding:
    """Pain of 6 or more, wherever it is, is for a professional."""
    if seen.pain is None:
        return Finding("no pain reported in the last 7 days")
    if seen.pain <= k.PAIN_YELLOW_MAX:
        return Finding(f"{seen.pain_where} {seen.pain} out of 10")
    what = f"{seen.pain_where} of {seen.pain} out of 10"
    return Finding(what, Decision.REFER, words.referral(what))


def persistent_pain(seen: Facts) -> Finding:
    """Some pain at every check-in for two weeks is for a professional, whatever today's number."""
    latest: CheckIn | None = None
    span = -1
    for latest, span in spells_of_pain(seen):  # noqa: B007 - the last one counts
        pass
    if latest is None or span < 0 or not is_valid(seen, latest):
        return Finding("no pain at the latest check-in")
    if span < k.PERSISTENT_YELLOW_DAYS:
        return Finding(f"pain at check-ins for {words.days(span)}, less than {k.PERSISTENT_YELLOW_DAYS}")
    what = f"{where_it_hurts(latest)} at every check-in for {words.days(span)}"
    return Finding(what, Decision.REFER, words.referral(what))


def not_cleared(seen: Facts) -> Finding:
    """No prescription before the safety questions, while ill, or when the runner asked for silence."""
    athlete = seen.athlete
    if not athlete.screening_completed:
        return _stop(
            "the safety questions are not answered",
            "Please answer the safety questions first; they take a minute.",
        )
    if athlete.age is not None and athlete.age < k.ADULT_FROM_YEARS:
        return _stop(
            f"age {athlete.age}", "These routines are for adults; please ask a coach or physiotherapist who sees you."
        )
    if athlete.clearance_needed:
        return _stop(
            "a professional's go-ahead is needed",
            "Your answers say that a professional should agree first; tell us when they have.",
        )
    if athlete.illness:
        return _stop("ill", "You are ill; get well first, routines come back when you say so.")
    if athlete.paused_until is not None and seen.today < athlete.paused_until:
        until = words.day_in_words(athlete.paused_until)
        return _stop(f"paused until {until}", f"You asked for a break until {until}.")
    if athlete.declined_on == seen.today:
        return _stop("not today, said the runner", "You said not today; routines are back on from tomorrow.")
    return Finding("screened, well and not paused")


# --- races ----------------------------------------------------------------------------------------------------------


def race_window(seen: Facts) -> Finding:
    """Free days before a race, on race day and after it. A C-race is a hard run and blocks nothing."""
    for planned in seen.plan:
        if planned.run.kind != "race" or planned.priority not in k.PRE_RACE_BLOCK_DAYS:
            continue
        until = (planned.day - seen.today).days
        free = k.PRE_RACE_BLOCK_DAYS[planned.priority]
        if 0 <= until <= free:
            reason = f"Race {words.ahead(until)}: the last {words.days(free)} before it stay free for fresh legs."
            return _stop(
                f"{planned.priority}-race {words.ahead(until)}",
                reason if until else "Race today: fresh legs come first.",
            )
    for race in seen.races:
        since = (seen.today - race.day).days
        if race.blocks and 0 <= since <= race.block_days:
            back = words.day_in_words(race.day + timedelta(days=race.block_days + 1))
            return _stop(f"raced {words.ago(since)}", f"Raced {words.ago(since)}: legs recover first, until {back}.")
    return Finding("no race near")


# --- silence --------------------------------------------------------------------------------------------------------


def back_off(seen: Facts) -> Finding:
    """After four suggestions without an answer or an opening at most one in a fortnight, and no warm-up."""
    athlete = seen.athlete
    fact = f"{athlete.unanswered_in_a_row} unanswered in a row"
    if athlete.unanswered_in_a_row < k.BACK_OFF_AFTER_UNANSWERED:
        return Finding(fact)
    unheard = f"Your last {athlete.unanswered_in_a_row} routines got no answer and were not opened"
    if seen.situation.event.type is EventType.RUN_STARTING_SOON:
        return _stop(fact, f"{unheard}; warm-ups come again when you answer or open one.")
    last = athlete.last_suggested_on
    if last is None or (seen.today - last).days >= k.BACK_OFF_DAYS:
        return Finding(fact)
    again = words.day_in_words(last + timedelta(days=k.BACK_OFF_DAYS))
    return _stop(
        f"{fact}, the last {words.ago((seen.today - last).days)}",
        f"{unheard}; the next one comes from {again} on, or when you answer or open one.",
    )


# --- before a run ---------------------------------------------------------------------------------------------------


def warm_up(seen: Facts) -> Finding:
    """The three-minute activation shortly before a run; once a day, never with pain."""
    if seen.situation.event.type is not EventType.RUN_STARTING_SOON:
        return Finding("no run is about to start")
    lead_s = 60 * k.WARM_UP_LEAD_MIN
    soon = [p for p in seen.plan if p.is_a_run and 0 <= p.start_s - seen.now_s <= lead_s]
    if Placement.WARM_UP not in seen.athlete.placements_enabled:
        return _stop("warm-ups are switched off", "You switched warm-ups off.")
    if not soon:
        return _stop(
            f"no run planned within {k.WARM_UP_LEAD_MIN} minutes",
            f"No run is planned within the next {k.WARM_UP_LEAD_MIN} minutes.",
        )
    if seen.pain is not None and seen.pain > k.PAIN_GREEN_MAX:
        return _stop(
            f"{seen.pain_where} {seen.pain} out of 10",
            f"You reported {seen.pain_where} of {seen.pain} out of 10; "
            "think about the run itself first, and leave the warm-up out.",
        )
    if _unanswered_stop(seen) is not None:
        return _stop("last session stopped for pain", "The last session stopped for pain; tell us how it is first.")
    warm_ups = (s.completed_at for s in seen.situation.sessions if s.kind == "warm_up")
    if any(at.timestamp() <= seen.now_s and seen.day_of(at) == seen.today for at in warm_ups):
        return _stop("warmed up already today", "You had a warm-up today already; once a day is enough.")
    if in_quiet_hours(seen.now_time, seen.athlete.quiet_hours_local):
        return _stop("quiet hours", "These are your quiet hours.")
    minutes = round((soon[0].start_s - seen.now_s) / 60)
    return Finding(
        f"{soon[0].run.kind} run in {minutes} minutes",
        Decision.WARM_UP,
        f"your run starts in {minutes} minutes; easy effort, once through, it does not count as a session.",
    )


# --- how the legs are -----------------------------------------------------------------------------------------------


def soreness(seen: Facts) -> Finding:
    """Sore adductors wait until they are not."""
    if seen.soreness is None:
        return Finding("no soreness reported lately")
    if seen.soreness < k.SORENESS_BLOCK_FROM:
        return Finding(f"soreness {seen.soreness} out of 10")
    return _stop(
        f"soreness {seen.soreness} out of 10",
        f"Your inner thighs are sore, {seen.soreness} out of 10; wait until it is {k.SORENESS_BLOCK_FROM - 1} or less.",
    )


def _unanswered_stop(seen: Facts) -> date | None:
    """The day of the last session when it ended in pain and nothing was heard since."""
    sessions = [s for s in seen.situation.sessions if s.completed_at.timestamp() <= seen.now_s]
    if not sessions:
        return None
    last = max(sessions, key=lambda s: (s.completed_at.timestamp(), s.stopped_for_pain, s.pain_during_0_10 or 0))
    ended_in_pain = last.stopped_for_pain or (last.pain_during_0_10 or 0) > k.PAIN_YELLOW_MAX
    heard_since = any(check_in.at.timestamp() > last.completed_at.timestamp() for check_in in seen.check_ins)
    return seen.day_of(last.completed_at) if ended_in_pain and not heard_since else None


def check_in_first(seen: Facts) -> Finding:
    """After a session that stopped for pain we ask before we prescribe again."""
    day = _unanswered_stop(seen)
    if day is None:
        return Finding("the last session did not end in pain, or we heard from you since")
    return _stop(
        "last session stopped for pain, nothing heard since",
        f"The last session, {words.ago((seen.today - day).days)}, ended in pain; tell us how it is first.",
    )


def already_today(seen: Facts) -> Finding:
    """One loading of the legs a day."""
    todays = [session for session in seen.counted if session.day == seen.today]
    if any(session.done for session in todays):
        return _stop("a session today already", "You have had your session today.")
    if todays:
        return _stop("a routine waits today already", "Today's routine is waiting for you.")
    strength = (e.activity for e in seen.entries if e.day == seen.today and e.activity.sport in k.STRENGTH_SPORTS)
    for activity in strength:
        if activity.body_part is None:
            return _stop(
                "strength of unknown kind today",
                "You logged strength work today; if it was for the legs, that is enough.",
            )
        if activity.body_part not in k.NOT_LOWER_BODY:
            return _stop("leg strength today", "You trained your legs today already; one strength session a day.")
    return Finding("no session and no leg strength today")


# --- the moment -----------------------------------------------------------------------------------------------------


def in_quiet_hours(now: time, quiet: tuple[time, time]) -> bool:
    """Whether a local time is in the quiet hours: from the first time on, until just before the second."""
    start, end = quiet
    if start <= end:
        return start <= now < end
    return now >= start or now < end


def no_trigger(seen: Facts) -> Finding:
    """There must be a moment for it: the end of a run, or the evening of a rest day."""
    found = _why_no_moment(seen)
    if found is not None:
        return _stop(*found)
    run = seen.trigger_run
    if run is None:
        return Finding(f"no run today, past {seen.athlete.rest_day_prompt_local:%H:%M}")
    return Finding(f"run ended {_time_ago(seen.now_s - run.end_s)}")


def _time_ago(seconds: float) -> str:
    """``20 minutes ago``, ``3 h 35 min ago``, ``49 h ago``, ``4 days ago``."""
    hours, minutes = divmod(int(seconds / 60), 60)
    if hours < 2:  # below two hours minutes read better
        return f"{60 * hours + minutes} minutes ago"
    if hours < 12:
        return f"{hours} h {minutes} min ago"
    return f"{hours} h ago" if hours < 72 else f"{hours // 24} days ago"


def _why_no_moment(seen: Facts) -> tuple[str, str] | None:
    """The fact and the reason in words when there is no moment now."""
    athlete = seen.athlete
    if seen.trigger is None:
        return _nothing_to_follow(seen)
    if seen.trigger not in athlete.placements_enabled:
        where = "after runs" if seen.trigger is Placement.POST_RUN else "on rest days"
        return f"routines {where} are switched off", f"You switched routines {where} off."
    if in_quiet_hours(seen.now_time, athlete.quiet_hours_local):
        start, end = athlete.quiet_hours_local
        return f"quiet hours {start:%H:%M}-{end:%H:%M}", "These are your quiet hours; sleep beats strength."
    later = _run_later_today(seen)
    if later is not None:
        at = later.run.start.astimezone(athlete.timezone)
        return f"run planned today at {at:%H:%M}", "Another run is planned today; strength comes after the last one."
    return _not_a_rest_day(seen) if seen.trigger is Placement.REST_DAY else None


def _nothing_to_follow(seen: Facts) -> tuple[str, str]:
    """Why the event is no moment, as exactly as the log allows."""
    event = seen.situation.event
    prompt = f"{seen.athlete.rest_day_prompt_local:%H:%M}"
    if event.type is EventType.ACTIVITY_DELETED:
        return "the activity is gone", "The activity is gone, and with it the reason for a routine."
    entry = next((e for e in seen.entries if e.activity.id == event.activity_id), None)
    if event.activity_id is None or entry is None:
        return (
            f"no run in the last {k.POST_RUN_WINDOW_H} h and before {prompt}",
            f"No run ended in the last {k.POST_RUN_WINDOW_H} hours, and rest days are looked at from {prompt}.",
        )
    sport = entry.activity.sport.replace("_", " ")
    if entry.activity.sport not in k.QUALIFYING_SPORTS:
        what = "another sport" if sport == "other" else f"{'an' if sport[0] in 'aeiou' else 'a'} {sport}"
        return f"{what} is not a run", f"Routines follow runs; this was {what}."
    if not entry.timed:
        return (
            "start time not known",
            "Its start time is hidden, typed in or ahead of the clock, so we can't tell that it just ended.",
        )
    run = next(run for run in seen.runs if event.activity_id in run.ids)
    if not run.qualifies:
        minutes = words.number(run.moving_min)
        return (
            f"{minutes} minutes of moving, {k.QUALIFYING_RUN_MIN_MOVING_MIN} needed",
            f"{minutes} minutes is short; routines follow runs of {k.QUALIFYING_RUN_MIN_MOVING_MIN} minutes or more.",
        )
    ended = _time_ago(seen.now_s - run.end_s)
    return (
        f"the run ended {ended}, more than {k.POST_RUN_WINDOW_H} h",
        f"The run ended {ended}; a routine belongs to the first {k.POST_RUN_WINDOW_H} hours after it.",
    )


def _run_later_today(seen: Facts) -> Planned | None:
    """A planned run of today that is still to come and was not just run early."""
    early_s = 3600 * k.PLANNED_RUN_DONE_WITHIN_H
    for planned in seen.plan:
        if planned.day != seen.today or planned.start_s <= seen.now_s or not planned.is_a_run:
            continue
        # A race is awaited until something like a race is logged: an easy run before it may be its warm-up.
        race = planned.run.kind == "race"
        runs = [run for run in seen.runs_today if not race or run.intensity in k.HARD_INTENSITIES]
        if not any(planned.run.usual or (run.timed and planned.start_s - run.start_s <= early_s) for run in runs):
            return planned
    return None


def _not_a_rest_day(seen: Facts) -> tuple[str, str] | None:
    if seen.runs_today:
        return "ran today", "You ran today, so it is not a rest day; the moment after the run has passed."
    for entry in seen.entries:
        what = _too_much_for_a_rest_day(entry.activity) if entry.day == seen.today else None
        if what is not None:
            return what, f"Your {what} today makes it no rest day."
    last = seen.last_run_day
    if last is None:
        return (
            f"no run in {k.PAUSE_AFTER_INACTIVE_DAYS} days",
            f"No run in the last {k.PAUSE_AFTER_INACTIVE_DAYS} days; we start again with your next one.",
        )
    if (seen.today - last).days >= k.PAUSE_AFTER_INACTIVE_DAYS:
        gap = words.days((seen.today - last).days)
        return f"last run {gap} ago", f"Your last run was {gap} ago; we start again with your next one."
    return None


def _too_much_for_a_rest_day(activity: Activity) -> str | None:
    """In words, when an activity other than a run is too long or too hard for a rest day."""
    sport = activity.sport
    if sport in k.QUALIFYING_SPORTS or sport in k.STRENGTH_SPORTS or sport in k.GENTLE_SPORTS:
        return None
    limit = k.HIKE_BLOCKS_REST_DAY_MIN if sport in k.FOOT_SPORTS else k.RIDE_BLOCKS_REST_DAY_MIN
    name = sport.replace("_", " ")
    if activity.moving_min >= limit:
        return f"{words.number(activity.moving_min)}-minute {name}"
    return f"hard {name}" if activity.intensity in k.HARD_INTENSITIES else None


# --- how often ------------------------------------------------------------------------------------------------------


def weekly_cap(seen: Facts) -> Finding:
    """Never more sessions in any seven local days than the runner chose."""
    target = seen.athlete.target_sessions_per_week
    window, fact = seen.in_window, _in_window(seen)
    if len(window) < target:
        return Finding(fact)
    # The day on which enough of them have left the window.
    leaves = sorted(session.day for session in window)[len(window) - target]
    again = words.day_in_words(leaves + timedelta(days=k.WEEKLY_WINDOW_LOCAL_DAYS))
    return _stop(fact, f"{fact}; there is room again on {again}.")


def spacing(seen: Facts) -> Finding:
    """A full day between sessions, and a night and a half."""
    last = max(seen.counted, key=lambda session: session.at_s, default=None)
    if last is None:
        return Finding("no session before this one")
    gap_days = (seen.today - last.day).days
    gap_h = (seen.now_s - last.at_s) / 3600
    if gap_days < k.SPACING_LOCAL_DAYS:
        return _stop(
            f"last session {words.ago(gap_days)}",
            f"The last session was {words.ago(gap_days)}; a full day between them comes first.",
        )
    if gap_h < k.SPACING_FLOOR_ELAPSED_H:
        return _stop(
            f"last session {gap_h:.0f} h ago",
            f"The last session was only {gap_h:.0f} hours ago; {k.SPACING_FLOOR_ELAPSED_H} are needed.",
        )
    return Finding(f"last session {words.ago(gap_days)}")


# --- nearby days ----------------------------------------------------------------------------------------------------


def key_session_tomorrow(seen: Facts) -> Finding:
    """Nothing that loads the legs the day before a run that matters."""
    tomorrow = seen.today + timedelta(days=1)
    for planned in seen.plan:
        is_long = planned.is_a_run and (planned.run.planned_min or 0) >= k.LONG_RUN_MIN
        if planned.day == tomorrow and (is_long or planned.run.kind in k.KEY_SESSION_KINDS):
            names = {"long": "long run", "key": "key session"}
            name = names.get(planned.run.kind, planned.run.kind.replace("_", " "))
            return _stop(f"{name} tomorrow", f"Tomorrow is {_with_article(name)}; fresh legs for it come first.")
    return Finding("nothing demanding tomorrow")


def _with_article(name: str) -> str:
    if name in ("intervals", "hills", "tempo", "fartlek", "threshold", "track", "hard"):
        return f"{name} day"
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def long_run(seen: Facts) -> Finding:
    """No loading on the day of a single long run; shorter ones that add up make it light."""
    runs = seen.runs_today
    if seen.trigger_run is not None and seen.trigger_run not in runs:
        runs.append(seen.trigger_run)
    longest = max((run.moving_min for run in runs), default=0.0)
    if longest < k.LONG_RUN_MIN:
        return Finding("no long run today")
    minutes = words.number(longest)
    return _stop(
        f"run of {minutes} minutes",
        f"{minutes} minutes is a long run; today the legs recover, strength comes another day.",
    )


# --- the week plan --------------------------------------------------------------------------------------------------


def week_plan(seen: Facts) -> Finding:
    """A slot yields to a run within 24 hours that reaches the runner, or to one that works better for them."""
    if week.waits_for_a_run(seen, _allowed):
        return _stop(
            f"a run within {k.RUN_BEFORE_PAGES_H} h",
            "A run is expected tomorrow; the routine comes with it, as one of today would stand on your pages alone.",
        )
    better = week.better_slot(seen, _allowed)
    if better is None:
        return Finding("no slot of the next days is clearly better")
    now = week.record_of(seen.athlete, seen.today.weekday(), seen.trigger or better.placement)
    here, there = words.weekday(seen.today), words.weekday(better.day)
    fact = f"{here}: {now.done} of {now.offered} done"
    if better.record.done:
        record = f"{better.record.done} of {better.record.offered} done"
        return _stop(f"{fact}, {there}: {record}", f"{there}s work better for you: {record}.")
    return _stop(fact, f"{here}s seldom work for you: {now.done} of {now.offered} done; {there} comes next.")


def _allowed(situation: Situation) -> Placement | None:
    """Where a session would be allowed in a situation by all rules but the week plan."""
    seen = facts(situation)
    looks = (rule.look(seen) for rule in RULES if rule.look is not week_plan)
    decision = next(finding.decision for finding in looks if finding.decision is not None)
    return Placement(decision) if decision in (Decision.POST_RUN, Decision.REST_DAY) else None


# --- yes ------------------------------------------------------------------------------------------------------------


def _since_last(seen: Facts) -> str:
    since = seen.days_since_last_done
    if since is None:
        if seen.sessions_ever:
            return "no session in the last two weeks"
        athlete = seen.athlete
        offered = athlete.slots or athlete.last_suggested_on is not None or any(not s.done for s in seen.counted)
        return "none done so far" if offered else "your first session"
    return f"{words.days(since)} since the last one"


def _in_window(seen: Facts) -> str:
    days = k.WEEKLY_WINDOW_LOCAL_DAYS
    return f"{len(seen.in_window)} of {seen.athlete.target_sessions_per_week} in the last {days} days"


def post_run(seen: Facts) -> Finding:
    """At the end of a run: the article's second timing."""
    run = seen.trigger_run
    if run is None:
        return Finding("no run just ended")
    known = run.intensity in (Intensity.EASY, Intensity.HARD)
    done = f"{run.intensity} run done" if known else "run done"
    reason = f"{done}, {_since_last(seen)}, {_in_window(seen)}"
    return Finding(f"{done}, {_in_window(seen)}", Decision.POST_RUN, reason)


def rest_day(seen: Facts) -> Finding:
    """On a rest day: the article's third timing."""
    reason = f"no run today, {_since_last(seen)}, {_in_window(seen)}"
    return Finding(f"no run today, {_in_window(seen)}", Decision.REST_DAY, reason)


# The order is the decision: harm first, then the runner's wishes, then load, then the yes.
RULES: tuple[Rule, ...] = (
    Rule("red_flag", red_flag, "evidence: Robertson & Wood 2017; BMJ Best Practice"),
    Rule("on_hold", on_hold, "judgement: say it once, then wait for the runner"),
    Rule("high_pain", high_pain, "evidence: Thorborg 2017, red band 6-10"),
    Rule("persistent_pain", persistent_pain, "judgement: two weeks without a green day"),
    Rule("not_cleared", not_cleared, "judgement: safety questions first; the runner's own pause"),
    Rule("race_window", race_window, "evidence: Wang 2025, Petersen 2007; judgement before the race"),
    Rule("back_off", back_off, "judgement: silence is an answer; no nagging"),
    Rule("warm_up", warm_up, "article: a warm-up before your training; Leppanen 2024"),
    Rule("soreness", soreness, "judgement: muscle soreness, wait until 3 or less"),
    Rule("check_in_first", check_in_first, "judgement: ask before prescribing again"),
    Rule("already_today", already_today, "judgement: do not stack"),
    Rule("no_trigger", no_trigger, "article: at the end of running, recovery and rest days"),
    Rule("weekly_cap", weekly_cap, "article: 1-2 times each week"),
    Rule("spacing", spacing, "judgement, after the usual 48 h"),
    Rule("key_session_tomorrow", key_session_tomorrow, "evidence: Doma & Deakin 2013"),
    Rule("long_run", long_run, "judgement: no loading on exhausted legs"),
    Rule("week_plan", week_plan, "judgement: the runner's own record of what was done when"),
    Rule("post_run", post_run, "article: at the end of running"),
    Rule("rest_day", rest_day, "article: recovery/rest days"),
)
