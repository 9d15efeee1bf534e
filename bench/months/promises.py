"""What a year must keep. A promise yields the days on which it was broken; its docstring is its wording for people."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, time, timedelta
from itertools import pairwise

from adductor.catalogue import catalogue
from adductor.catalogue.models import Exercise
from adductor.coaching.constants import LONG_RUN_MIN
from adductor.coaching.progression import is_open, minutes_for
from adductor.coaching.routine import direct_work
from adductor.coaching.rules import in_quiet_hours
from adductor.coaching.situation import Dose, Placement, RoutineItem
from bench.months.population import DAYS, FIRST_DAY
from bench.months.year import Suggestion, Year

Broken = Iterator[date]
HALF_A_YEAR = FIRST_DAY + timedelta(weeks=26)
ENOUGH_SESSIONS = 36  # full ones in half a year: seven in ten of two a week
ENOUGH_HERE = 24  # full ones in half a year in one placement
SQUATS, JUMP = ("elevated_split_squat", "split_squat_floor"), "jump_lunges"
# Sets, reps or holds, and hold seconds of the article.
ARTICLE_DOSES = {
    "supine_adductor_squeeze": (3, 1, 10),
    "side_lying_adduction_top_leg_elevated": (3, 3, 5),
    "standing_resisted_adduction": (3, 10, 0),
    "half_kneeling_slide_hinge": (3, 8, 0),
    "standing_lateral_slide_lunge": (3, 8, 0),
}
# What a note says when a session is smaller than the one before, and what is said before such a note.
WHY_LESS = re.compile("light|half the sets|one set less|easier|from the start|more load|shortened to fit")
STEP = re.compile(r"(\d+) sets|(\d+) x (\d+)|holds of (\d+) s")
HARM = {"race_window", "on_hold", "high_pain", "red_flag", "persistent_pain", "not_cleared", "check_in_first"}


def shown(year: Year, dose: Dose | None = Dose.FULL) -> list[Suggestion]:
    """The suggestions that stood, of one dose or of all."""
    return [s for s in year.suggestions if not s.withdrawn and (dose is None or s.verdict.dose is dose)]


def done(year: Year) -> list[Suggestion]:
    """The suggestions that became sessions."""
    return [s for s in year.suggestions if s.session is not None and s.counts]


def is_busy(year: Year) -> bool:
    """Whether half a year had what it takes: two sessions a week done as prescribed, and ten minutes for each."""
    full = [s for s in done(year) if s.day < HALF_A_YEAR and s.verdict.dose is Dose.FULL]
    as_prescribed = year.traits.answers in ("always", "too easy") and year.traits.minutes != 5
    return as_prescribed and len(full) >= ENOUGH_SESSIONS


def _exercise(item: RoutineItem) -> Exercise:
    return catalogue().exercises[item.exercise]


def _is_compound(item: RoutineItem) -> bool:
    return _exercise(item).category == "compound"


def work(item: RoutineItem) -> int:
    """Reps, or seconds of holding, a side."""
    return item.sets * item.count * item.positions * (item.hold_s or 1)


def a_day_between_sessions(year: Year) -> Broken:
    """Two sessions are two local dates and 36 hours apart."""
    for one, later in pairwise(s for s in year.suggestions if s.counts):
        days = (later.day - one.at.astimezone(later.before.timezone).date()).days
        if days < 2 or later.at - one.at < timedelta(hours=36):
            yield later.day


def target_in_seven_days(year: Year) -> Broken:
    """Any seven local days hold the target at most."""
    counted = [s for s in year.suggestions if s.counts]
    for s in counted:
        earlier = (other.at.astimezone(s.before.timezone).date() for other in counted if other.at <= s.at)
        target = 1 if s.before.maintaining else s.before.target_sessions_per_week
        if sum((s.day - day).days < 7 for day in earlier) > target:
            yield s.day


def light_when_it_must_be(year: Year) -> Broken:
    """Light are the first two sessions ever and after a hold, the first after 21 days off, and those beside much running."""
    for s in shown(year):
        before = [other for other in done(year) if other.at < s.at]
        lifted = max((lift for lift in year.holds_lifted if lift < s.at), default=None)
        today = sum(run.minutes for run in year.runs[s.day] if run.hour <= s.at.astimezone(s.before.timezone).hour)
        yesterday = sum(run.minutes for run in year.runs.get(s.day - timedelta(days=1), ()))
        new = len(before) < 2 or (lifted is not None and sum(other.at > lifted for other in before) < 2)
        if new or (s.day - before[-1].day).days >= 21 or max(today, yesterday) >= LONG_RUN_MIN:
            yield s.day


def no_compounds_after_weeks_off(year: Year) -> Broken:
    """The first fortnight after 21 days off has no compounds."""
    back = [later.day for one, later in pairwise(done(year)) if (later.day - one.day).days >= 21]
    for s in shown(year):
        if any(map(_is_compound, s.routine.items)) and any(0 <= (s.day - day).days < 14 for day in back):
            yield s.day


def jumps_are_earned(year: Year) -> Broken:
    """Jump lunges come after 3 x 8 split squats done twice, first as 1 x 4, take turns with them, never after a run."""
    earned, jumped, squat_is_next = 0, False, False
    for s in shown(year, None):
        items = {item.exercise: item for item in s.routine.items}
        jump, squat = items.get(JUMP), next((items[id_] for id_ in SQUATS if id_ in items), None)
        allowed = earned >= 2 and year.traits.may_jump and s.placement is Placement.REST_DAY and not squat_is_next
        if jump is not None and not (allowed and (jumped or (jump.sets, jump.reps) == (1, 4))):
            yield s.day
        if s.counts:
            jumped, squat_is_next = jumped or jump is not None, squat is None and (squat_is_next or jump is not None)
            earned += s.session is not None and squat is not None and squat.sets >= 3 and squat.count >= 8


def deload_every_sixth_week(year: Year) -> Broken:
    """Every sixth week of the programme halves the sets, rounded up, and no other; maintenance has none."""
    for s in shown(year):
        started, items = s.before.programme_started_on, s.routine.items
        due = started is not None and not s.before.maintaining and ((s.day - started).days // 7 + 1) % 6 == 0
        own = {p.exercise: p.sets or 1 for p in s.before.progress}
        halves = [(max(own.get(i.exercise, 1), _exercise(i).dose.sets.start) + 1) // 2 for i in items]
        # One may have more: what keeps the session at enough direct work.
        if due and sum(item.sets > half for item, half in zip(items, halves, strict=True)) > 1:
            yield s.day
        if due != ("half the sets" in s.verdict.reason):
            yield s.day


def direct_work_in_every_session(year: Year) -> Broken:
    """A full session has 16 reps or 60 s of direct adductor work a side."""
    yield from (s.day for s in shown(year) if direct_work(catalogue(), s.routine.items) < 1)


def within_the_minutes(year: Year) -> Broken:
    """A routine takes no more minutes than its runner set."""
    yield from (s.day for s in shown(year, None) if s.routine.minutes > minutes_for(s.before, s.placement))


def announced_steps_come(year: Year) -> Broken:
    """An announced step stands in the next routine with the exercise, unless its note says why not."""
    suggestions = shown(year, None)
    for index, s in enumerate(suggestions):
        for name, _, step in (change.partition(": ") for change in s.changes if STEP.search(change)):
            following = ((later, item) for later in suggestions[index + 1 :] for item in later.routine.items)
            later, item = next((pair for pair in following if _exercise(pair[1]).name == name), (None, None))
            if later is None or item is None or WHY_LESS.search(later.verdict.reason):
                continue
            since = " ".join(change for other in suggestions[index:] if other.at < later.at for change in other.changes)
            undone = any(s.at < lift < later.at for lift in year.holds_lifted) or "from the start" in since
            sets, or_sets, count, hold_s = (int(number or 0) for number in STEP.findall(step)[0])
            less = item.sets < max(sets, or_sets) or item.count < count or (item.hold_s or 0) < hold_s
            if less and not undone:
                yield later.day


def less_has_its_reason(year: Year) -> Broken:
    """An exercise gets no less than the last time unless the note, or the word before it, says why."""
    most: dict[str, int] = {}
    told, lifted = "", year.holds_lifted
    for s in shown(year, None):
        if "from the start" in told or (lifted and lifted[0] < s.at):  # said at that moment
            most.clear()
        less = any(work(item) < most.get(item.exercise, 0) for item in s.routine.items)
        if less and not WHY_LESS.search(f"{s.verdict.reason} {told}"):
            yield s.day
        if s.verdict.dose is Dose.FULL:
            most |= {item.exercise: work(item) for item in s.routine.items}
        told, lifted = " ".join(s.changes), [lift for lift in lifted if lift > s.at]


def article_doses_are_reached(year: Year) -> Broken:
    """Half a year of two sessions a week reaches the article's doses in each placement, as far as the minutes allow."""
    for placement in year.athlete.placements_enabled - {Placement.WARM_UP}:
        here = [s for s in shown(year) if s.placement is placement and s.day < HALF_A_YEAR]
        items = [item for s in here for item in s.routine.items]
        for id_, (sets, count, hold_s) in ARTICLE_DOSES.items():
            exercise = catalogue().exercises[id_]
            fits = exercise.seconds(sets, count, hold_s or None) <= 60 * minutes_for(year.athlete, placement)
            can = fits and exercise.can_be_done_with(year.athlete.equipment) and len(here) >= ENOUGH_HERE
            doses = ((i.sets, i.count, i.hold_s or 0) for i in items if i.exercise == id_)
            if is_busy(year) and can and not any(d[0] >= sets and d[1] >= count and d[2] >= hold_s for d in doses):
                yield HALF_A_YEAR


def every_exercise_within_six_sessions(year: Year) -> Broken:
    """What is eligible throughout six full sessions of a level (nine of 10 min, twelve of 5) comes, easier weeks apart."""
    sessions = [s for s in done(year) if s.verdict.dose is Dose.FULL and "half the sets" not in s.verdict.reason]
    minutes = min(minutes_for(year.athlete, p) for p in year.athlete.placements_enabled - {Placement.WARM_UP})
    window = {5: 12, 10: 9}.get(minutes, 6)
    for six in (sessions[start : start + window] for start in range(len(sessions) - window + 1)):
        meanwhile = [s for s in shown(year, None) if six[0].at <= s.at <= six[-1].at]  # light ones too
        came = {id_ for s in meanwhile for id_ in s.exercises}
        missing = set.intersection(*(_eligible(s, minutes) for s in six)) - came
        if missing and len({s.routine.stage for s in six}) == 1:
            yield six[-1].day


def _eligible(s: Suggestion, minutes: int) -> set[str]:
    """The exercises of the pool that the runner can do and that nothing gates."""
    progress = {p.exercise: p for p in s.before.progress}
    pool = [catalogue().exercises[id_] for id_ in catalogue().pool(s.routine.stage, s.placement).exercises]
    can = [e for e in pool if e.can_be_done_with(s.before.equipment) and is_open(e, progress)]
    easier = {e.after.exercise for e in can if e.after is not None}
    eased = {id_ for id_, mine in progress.items() if mine.use_easier}
    gated = {e.id for e in can if e.after is not None and e.tempo is not None}  # the Copenhagen lift, by runs to come
    started = s.before.programme_started_on
    back = started is not None and (s.day - started).days < 14
    if back or minutes == 5:  # compounds come later, or leave no time for direct work
        gated |= {e.id for e in can if e.category == "compound"}
    return {e.id for e in can} - easier - eased - gated


def the_whole_article_comes(year: Year) -> Broken:
    """Half a year of two sessions a week shows what the equipment allows of the article; a year the jump lunges, too,
    unless the runner keeps what was built before they were earned.
    """
    can = [e for e in catalogue().exercise_list if e.in_article and e.can_be_done_with(year.athlete.equipment)]
    on_rest_days = sum(s.placement is Placement.REST_DAY for s in shown(year))
    jumps = year.traits.may_jump and on_rest_days >= ENOUGH_SESSIONS and year.traits.turns != "maintains"
    for until, wanted in (
        (HALF_A_YEAR, {e.id for e in can if not e.plyometric}),
        (FIRST_DAY + timedelta(days=DAYS), {e.id for e in can if jumps or not e.plyometric}),
    ):
        seen = {id_ for s in shown(year, None) if s.day < until for id_ in s.exercises}
        if is_busy(year) and wanted - seen:
            yield until


def no_nagging(year: Year) -> Broken:
    """Four suggestions without an answer, and at most one comes in 14 days until something is answered."""
    silent: list[date] = []
    for s in (s for s in shown(year, None) if s.reached or year.traits.reach == "pages"):
        if len(silent) >= 4 and (s.day - silent[-1]).days < 14:
            yield s.day
        silent = [*silent, s.day] if s.said is None else []


def a_note_within_three_weeks(year: Year) -> Broken:
    """Three weeks with a run each that could carry a note have one."""
    suggested, start = {s.day for s in year.suggestions}, FIRST_DAY
    for day in year.runs if Placement.POST_RUN in year.athlete.placements_enabled else ():
        if day in suggested or day in year.off or HARM & set(year.said_no.get(day, ())):
            start = day
        elif (day - start).days >= 21 and day in year.said_no and all(_week_has_room(year, day, n) for n in range(3)):
            yield day
            start = day


def _week_has_room(year: Year, until: date, weeks_ago: int) -> bool:
    """Whether a day of a week has a run that is neither long nor on the eve of one that matters."""
    for day in (until - timedelta(days=7 * weeks_ago + number) for number in range(7)):
        runs, quiet = year.runs.get(day, []), year.athlete.quiet_hours_local
        easy = all(run.kind == "easy" for run in year.runs.get(day + timedelta(days=1), ()))
        awake = not any(in_quiet_hours(time(run.hour), quiet) for run in runs)
        if easy and awake and 0 < sum(run.minutes for run in runs) < LONG_RUN_MIN:
            return True
    return False


def the_forecast_comes_true(year: Year) -> Broken:
    """What the evening before expects comes when nothing else has changed."""
    for expected, unchanged in year.forecasts:
        came = [(s.placement, s.verdict.dose) for s in year.suggestions if s.day == expected.day]
        if unchanged and (came[0] if came else (None, Dose.NONE)) != (expected.placement, expected.dose):
            yield expected.day


PROMISES: tuple[Callable[[Year], Broken], ...] = (
    # load
    a_day_between_sessions, target_in_seven_days, light_when_it_must_be, no_compounds_after_weeks_off, jumps_are_earned,
    deload_every_sixth_week,
    # doses
    direct_work_in_every_session, within_the_minutes, announced_steps_come, less_has_its_reason, article_doses_are_reached,
    # variety
    every_exercise_within_six_sessions, the_whole_article_comes,
    # the runner's patience
    no_nagging, a_note_within_three_weeks, the_forecast_comes_true,
)  # fmt: skip
