"""What stands on the pages for the names in the data."""

from __future__ import annotations

from typing import Any

from adductor.coaching import replies
from adductor.coaching.constants import RED_FLAGS, SESSION_COUNTS_FROM_COMPLETED_PCT
from adductor.coaching.replies import REPLIES

# What a home may have; ids of the catalogue's equipment, in the words of the question.
EQUIPMENT = (
    ("chair", "A sturdy chair, bench or sofa"),
    ("ball", "A ball, or a firm pillow"),
    ("long_band", "A long resistance band"),
    ("hard_floor", "A smooth floor and a towel or socks to slide on"),
    ("step", "A step or stair"),
    ("slider", "Exercise sliders"),
    ("dumbbell", "A dumbbell or kettlebell"),
)
# Bands, sliders and weights are not in every home; the rest is taken as there until the runner says otherwise.
NOT_IN_EVERY_HOME = frozenset({"long_band", "slider", "dumbbell"})

# Where the routine of a run can stand, as the first page asks.
PLACES = {
    "private_note": "In the private note of my run (only I see it)",
    "calendar": "In my calendar, as a note on that day (my coach sees it too)",
    "description": "In the description of my run (everybody who sees the run can read it)",
    "mail": "In an e-mail to me",
    "pages": "Only here, on my pages",
}
PLACEMENTS = {
    "post_run": "After a run",
    "rest_day": "On a rest day",
    "warm_up": "As a warm-up before a run",
}
ROUTINES = {"post_run": "Routine after the run", "rest_day": "Routine on a rest day", "warm_up": "Warm-up"}
# The levels' names in plain words, in the order of the catalogue's stages.
LEVELS = (
    "The muscle works and nothing moves: squeezes and holds.",
    "The leg moves against a steady resistance. Band work, and a first short hold on the side.",
    "The legs slide and travel under load, and the holds get longer.",
    "Several joints at once, on one leg.",
)
RULES = {
    "red_flag": "Warning signs",
    "on_hold": "Stopped for pain",
    "high_pain": "Strong pain",
    "persistent_pain": "Pain that stays",
    "not_cleared": "Health questions and pauses",
    "race_window": "Races",
    "back_off": "Answers to the latest routines",
    "warm_up": "Warm-up",
    "soreness": "Soreness",
    "check_in_first": "A question that is still open",
    "already_today": "Today so far",
    "no_trigger": "A moment for it",
    "weekly_cap": "Sessions in the last 7 days",
    "spacing": "Rest since the last session",
    "key_session_tomorrow": "Tomorrow",
    "long_run": "How tired the legs are",
    "week_plan": "Which day works best",
    "post_run": "After the run",
    "rest_day": "Rest day",
    "another_run_has_it": "One routine a day",
    "found_too_late": "Heard of too late",
    "no_occasion": "A moment for it",
    "no_way": "A way to reach you",
    "old_activity": "How long ago it was",
    "enough_messages": "Messages in the last 7 days",
}
STILL_USEFUL = {str(said): label for said, label in replies.STILL_USEFUL.items()}
ANSWERS = {str(said): reply.label for said, reply in REPLIES.items()}
OUTCOMES = {
    "written": "Written into {place}.",
    "already_there": "Written into {place}.",
    "removed": "Removed from {place} again.",
    "edited_by_runner": "You edited it, so it is yours now.",
    "deleted_by_runner": "You deleted it, so it stays away.",
    "gone": "The activity is gone.",
    "sent": "Sent to you by e-mail.",
    "never_written": "Taken back before it was written.",
    "disconnected": "Not written: you disconnected.",
    "answered": "Not written: you had answered already.",
    "mailed_instead": "Sent to you by e-mail instead: {platform} took no more notes from us that day.",
    "maybe_sent": "Sent to you by e-mail; the mail server didn't say whether it took it.",
    "pushed": "Sent to you as a notification.",
    "no_device": "Not sent: no browser of yours takes notifications any more.",
    "on_the_pages": "It appears only here: you chose that, or no note of {platform} can hold it at the moment.",
    "no_address": "Not sent: there is no confirmed e-mail address.",
    "address_refused": "Not sent: the mail server says that your address doesn't exist. Please check it in Settings.",
    "mail_refused": "Not sent: the mail server refused it.",
    "enough_messages": "Not sent: you had three mails in seven days, and that is enough.",
    "note_refused": "{platform} did not take the private note.",
    "too_late": "Not sent: its moment had passed.",
    "scope_missing": "Not written: {platform}'s permission to write is missing. Connect again to allow it.",
}
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
RUN_KINDS = {
    "easy": "Easy",
    "key": "Key session",
    "long": "Long",
    "race": "Race for fun, such as parkrun",
    "race_b": "Race I want to do well",
    "race_a": "Race I train for",
    "tempo": "Tempo",
    "intervals": "Intervals",
    "workout": "Other hard run",
}
SIGNS = {flag: text[0].upper() + text[1:] for flag, text in RED_FLAGS.items()}


def answered(answer: dict[str, Any]) -> str:
    """A stored answer in a word. Less than half of a routine is no session, so it is not called done."""
    share = answer.get("completed_pct")
    is_part = answer["said"] == "done" and share is not None and share < SESSION_COUNTS_FROM_COMPLETED_PCT
    return "Less than half" if is_part else ANSWERS[answer["said"]]


_WRITTEN_INTO = {
    "private_note": "the private note of the run",
    "description": "the description of the run",
}


def delivered(outcome: str | None, state: str, placed_in: str | None, channel: str, platform: str) -> str:
    """Where a delivery stands, in a sentence."""
    if outcome is None:
        return "On its way." if state in ("waiting", "claimed") else "It could not be written."
    text = OUTCOMES.get(outcome)
    if text is None:
        return "It could not be written." if state == "failed" else f"{outcome.replace('_', ' ').capitalize()}."
    return text.format(place=_WRITTEN_INTO.get(placed_in or channel, "this page"), platform=platform)
