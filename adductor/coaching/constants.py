"""Every number of the rules, in one place: its unit in its name, its source beside it.

Sources: (article) the article behind the product, (evidence) a study named in the catalogue or here, (judgement) ours.
What a runner chooses (weekly target, placements, quiet hours, prompt time, race priorities) comes from the runner.
"""

from __future__ import annotations

from adductor.coaching.situation import Intensity

# --- Minimum of a run -----------------------------------------------------------------------------------------------
QUALIFYING_SPORTS = frozenset({"run", "trail_run", "treadmill_run", "virtual_run"})  # judgement: running in any form
QUALIFYING_RUN_MIN_MOVING_MIN = 10  # judgement: shorter is not a run to follow
POST_RUN_WINDOW_H = 3  # judgement: later than that "at the end of running" (article) is gone
SPLIT_FILE_MERGE_GAP_MIN = 30  # judgement: two files with a shorter stop between them are one run
DUPLICATE_OVERLAP_SHARE = 0.5  # judgement: two files that share more than this of the shorter one are one activity
LONG_RUN_MIN = 90  # judgement: no loading on exhausted legs, after a single run of this length
RUNNING_LIGHT_MIN = 90  # judgement: all runs of today, or of yesterday, together
RIDE_LIGHT_MIN = 150  # judgement: such a ride, today or yesterday, leaves tired legs
HIKE_LIGHT_MIN = 180  # judgement: so does such a hike
UNKNOWN_STRENGTH_LIGHT_MIN = 30  # judgement: strength work of unknown kind counts as work for the legs from here on
HILLY_RUN_GAIN_M = 600  # judgement: climb that tires the hips
UNKNOWN_RACE_PACE_MIN_PER_KM = 5.0  # judgement: quick for most, so a race without a distance errs to the longer block
PLANNED_RUN_DONE_WITHIN_H = 3  # judgement: a run that began this shortly before a planned one was that planned run

# --- Placeholder times ----------------------------------------------------------------------------------------------
PLACEHOLDER_HOURS = (0, 12)  # judgement: forms default to full midnight or noon
PLACEHOLDER_ROUND_MIN = 5  # judgement: a duration that is a multiple of this was typed, not measured
WATCH_AHEAD_MIN = 15  # judgement: a watch that is ahead by no more has measured well; its start is at most now
CLOCK_TOLERANCE_MIN = 5  # judgement: a manual entry may claim to end this long after it was made

# --- How often ------------------------------------------------------------------------------------------------------
WEEKLY_WINDOW_LOCAL_DAYS = 7  # article: "1-2 times each week", read as any seven local days
WEEKLY_CAP_MAX = 2  # article: "1-2 times each week"; the runner chooses 1 or 2
SPACING_LOCAL_DAYS = 2  # judgement, after the usual 48 h; local dates avoid DST and a habit that drifts later
SPACING_FLOOR_ELAPSED_H = 36  # judgement
SESSION_COUNTS_FROM_COMPLETED_PCT = 50  # judgement: less than half was not a session

# --- The week plan --------------------------------------------------------------------------------------------------
SLOT_HALF_WEIGHT_WEEKS = 8  # judgement: of the record of a slot, each further eight weeks weigh half
SLOT_WORSE_FROM_OFFERS = 4  # judgement: fewer offers (weighted) say nothing about a slot
SLOT_WORSE_SHARE = 0.5  # judgement: at most half the other's chance is clearly worse
SLOT_BETTER_WITHIN_DAYS = 3  # judgement: a better slot further away is too uncertain to wait for
FIRST_CHANCE_AFTER_DAYS = 10  # judgement: a week and those three days after the last suggestion any slot is taken
HABIT_OFFERS = 2  # judgement: so many routines after runs of one weekday in those eight weeks make it a day of running
RUN_BEFORE_PAGES_H = 24  # judgement: a run this near brings the routine to where the runner looks
BACK_OFF_AFTER_UNANSWERED = 4  # judgement: silence is an answer
BACK_OFF_DAYS = 14  # judgement: then at most one suggestion in so many days

# --- Races and key sessions -----------------------------------------------------------------------------------------
# judgement; practitioners stop 2-10 days before, soreness peaks 24-72 h after loading
PRE_RACE_BLOCK_DAYS = {"A": 3, "B": 2}  # a C-race blocks nothing: it is a hard run
TAPER_LIGHT_DAYS_A = 7  # judgement: days 4-7 before an A-race keep a light dose
# (km up to, local days). evidence: Wang 2025 (half marathon, 1-2 days), Petersen 2007 (marathon, jump power -12 % at
# day 5), plus judgement; beyond the marathon judgement alone
POST_RACE_BLOCK_DAYS = ((12.0, 1), (25.0, 2), (45.0, 7), (80.0, 10), (float("inf"), 14))
HOURS_LONG_RACE_MIN = 360  # judgement: six hours of racing tire like the distances beyond a marathon
HOURS_LONG_RACE_BLOCK_DAYS = 10  # judgement
UNKNOWN_RACE_BLOCK_DAYS = 7  # judgement: neither distance nor time is known, so a marathon is assumed
POST_RACE_LIGHT_FROM_DAYS = 7  # judgement: the first session after this many free days is light
LOGGED_RACE_PRIORITY = "B"  # judgement: a race that no plan and no habit knows
USUAL_RACE_PRIORITY = "C"  # judgement: a race of every week cannot be one to rest for
ANOTHER_LENGTH_SHARE = 0.2  # judgement: a run that differs by more than this from the planned race was another run
# evidence: the next day's running suffers even when strength follows a run (Doma & Deakin 2013)
KEY_SESSION_KINDS = frozenset(
    {
        "long", "key", "tempo", "threshold", "intervals", "track", "fartlek", "hills", "progression", "workout", "hard",
        "time_trial", "race",
    }
)  # fmt: skip
NOT_A_RUN_KINDS = frozenset({"rest", "off", "cross_training", "strength", "ride", "swim", "walk", "hike"})

# --- Pain and soreness (scores 0-10) --------------------------------------------------------------------------------
PAIN_GREEN_MAX = 2  # evidence: Thorborg 2017, bands 0-2 / 3-5 / 6-10
PAIN_YELLOW_MAX = 5  # evidence: Thorborg 2017
PERSISTENT_YELLOW_DAYS = 13  # judgement: two weekly check-ins after the first one
CHECK_IN_VALID_DAYS = 7  # judgement: older word says nothing about today
HOLD_GREEN_DAYS = 2  # judgement: two local days of green pain end a hold that a pain number began
SORENESS_BLOCK_FROM = 4  # judgement: wait until 3 or less
SORENESS_VALID_H = 36  # judgement: soreness passes in days
RED_FLAGS = {
    "pain_on_hopping": "pain when hopping",
    "night_pain": "pain at night",
    "rest_pain": "pain at rest",
    "fever": "fever",
    "unexplained_weight_loss": "unexplained weight loss",
    "cannot_weight_bear_or_limp": "limping or not being able to put weight on the leg",
    "pop_with_bruising": "a pop with bruising",
    "groin_lump": "a lump in the groin",
    "testicular_pain_or_swelling": "testicular pain or swelling",
    "saddle_numbness_or_bladder_bowel_change": "numbness in the saddle area or a bladder or bowel change",
    "leg_numbness_or_weakness": "numbness or weakness in a leg",
    "history_of_cancer_with_new_pain": "new pain with a history of cancer",
    "direct_trauma": "a direct blow or fall",
}  # evidence.md section 4: Robertson & Wood 2017; BMJ Best Practice
# "hop pain, night pain or limping overrides any score" (evidence.md section 4): a bone may be hurt
DO_NOT_RUN_FLAGS = frozenset({"pain_on_hopping", "night_pain", "rest_pain", "cannot_weight_bear_or_limp"})
# "emergency" when sudden, severe or with vomiting (evidence.md section 4); saddle numbness: general knowledge
EMERGENCY_FLAGS = frozenset({"testicular_pain_or_swelling", "groin_lump", "saddle_numbness_or_bladder_bowel_change"})
SAME_DAY_FLAGS = frozenset({"fever", "leg_numbness_or_weakness", *EMERGENCY_FLAGS})  # judgement

# --- Prompts --------------------------------------------------------------------------------------------------------
WARM_UP_LEAD_MIN = 45  # judgement: earlier it has worn off
PAUSE_AFTER_INACTIVE_DAYS = 14  # judgement: no rest-day prompts to someone who doesn't run
RIDE_BLOCKS_REST_DAY_MIN = 90  # judgement: not a rest day
HIKE_BLOCKS_REST_DAY_MIN = 180  # judgement: not a rest day

# --- Beginning and coming back --------------------------------------------------------------------------------------
ADULT_FROM_YEARS = 18  # evidence.md section 9: "for healthy adults who run"
NEW_ATHLETE_LIGHT_SESSIONS = 2  # judgement: the first two sessions are light
AFTER_HOLD_LIGHT_SESSIONS = 2  # judgement: after a hold or a referral the way back starts like the way in
HARD_DAY_FULL_FROM_SESSIONS = 4  # judgement: before that a hard day gets the light dose
REENTRY_GAP_DAYS = 21  # evidence: Quintana-Cepedal 2024, no clear loss at three weeks; plus judgement
STAGE_DOWN_GAP_DAYS = 28  # evidence: Alonso-Fernandez 2022, thickness gains gone at four weeks
ONE_SET_LESS_GAP_DAYS = 10  # catalogue, progression.missed
FIRST_RUN_BACK_GAP_DAYS = 14  # judgement: the first run after this long is a return

# --- Progression ----------------------------------------------------------------------------------------------------
ADD_AFTER_SESSIONS_AT_TOP = 2  # evidence: ACSM 2009, top of the range twice
ADD_MAX_RPE_1_10 = 8  # general knowledge: two or more reps in reserve
ADD_MAX_PAIN_0_10 = 2  # evidence: green band, Thorborg 2017
ADD_MAX_SORENESS_0_10 = 3  # judgement
EASIER_PAIN_ABOVE_0_10 = 3  # evidence: Lindblom 2023, trial rule
EASIER_SORENESS_FROM_0_10 = 5  # judgement
EASIER_AFTER_SESSIONS_MISSED = 2  # judgement: reps missed in two sessions
BACK_FROM_RPE_1_10 = 9  # judgement: one rep in reserve or none
BACK_AFTER_SESSIONS = 2  # judgement: one hard day is no trend
SKIP_MAX_RPE_1_10 = 5  # judgement: four reps or more in reserve
SKIP_AFTER_SESSIONS = 2  # judgement
SPARE_MAX_RPE_1_10 = 7  # general knowledge: three or more reps in reserve, so one session is enough for a set more
LOAD_MORE_SHARE = 0.1  # evidence: ACSM 2009, 2-10 % more
HEAVY_FROM = 10.0  # kg; judgement: from here on weights come in wider steps
LOAD_STEP_LIGHT = 1.0  # kg; judgement
LOAD_STEP_HEAVY = 2.0  # kg; judgement
DELOAD_EVERY_WEEKS = 6  # evidence: survey practice, 6.4 days every 5.8 weeks (Bell 2023)
JUMP_GATE_WEEKS_AT_STAGE_4 = 4  # catalogue, jump_lunges.gate
JUMP_GATE_TIMES_DONE = 2  # catalogue, jump_lunges.gate: 3 x 8 split squats per side, done twice
JUMP_GATE_MAX_RPE_1_10 = 7
JUMP_GATE_MAX_PAIN_0_10 = 1
PLYOMETRIC_RACE_GAP_H = 72  # catalogue: never within 72 h of a race

# --- Composition of a routine ---------------------------------------------------------------------------------------
MINUTES_AFTER_RUN = 10  # judgement, where the runner chose nothing
MINUTES_REST_DAY = 15  # judgement, where the runner chose nothing
SHORT_ROUTINE_MIN = 10  # judgement: up to here two exercises at three sets rather than three at two
COMES_WITHIN_SESSIONS = 6  # judgement: what can be done comes once in so many full sessions
MOST_EXERCISES_IN_A_SHORT_ROUTINE = 2  # evidence: Eckard, 86 % compliance for two or fewer
MOST_EXERCISES = 3  # evidence: Bachmann 2018, fewer than four
SQUEEZE_S = 210  # catalogue, supine_adductor_squeeze at the article's dose
LEAST_DIRECT_REPS = 16  # a side; evidence: Thorarinsdottir 2025
LEAST_DIRECT_S = 60  # a side, under tension; judgement: what 16 slow reps take
OTHER_PAN_EVERY_DAYS = 7  # judgement: one rest day a week
NO_COMPOUNDS_DAYS = 14  # catalogue, elevated_split_squat: high soreness in the first fortnight after 3 weeks off
OWN_REP_S = 4  # judgement, as the player counts an own exercise: a rep, then set-up, rest, and a pause between
OWN_SETUP_S = 10  # judgement
OWN_REST_S = 45  # judgement
OWN_PAUSE_S = 5  # judgement: between two holds, and between the sides
FEELS_GOOD = 4  # of 5; judgement; article: "Even when you are feeling good, more strength is not a bad thing"
MAINTAIN_AFTER_WEEKS = 8  # judgement: on the last stage; then once a week keeps it (Haroy 2019)
RACE_SEASON_DAYS = 42  # judgement: before an A-race, fresh legs come first

# --- Kinds of sports ------------------------------------------------------------------------------------------------
STRENGTH_SPORTS = frozenset({"strength", "weight_training", "crossfit"})
NOT_LOWER_BODY = frozenset({"upper", "core"})  # judgement: different muscles; unknown counts as lower body
FOOT_SPORTS = frozenset({"walk", "hike", "snowshoe"})
GENTLE_SPORTS = frozenset({"yoga", "pilates", "stretching", "mobility", "meditation"})
# A run inherits these from its files.
HARD_INTENSITIES = frozenset({Intensity.HARD, Intensity.RACE})
