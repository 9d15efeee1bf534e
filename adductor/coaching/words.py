"""Wording of days, counts and referrals. English, short, no jargon, no exclamation marks."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from adductor.coaching import constants as k

# evidence.md section 4, the wording of the referral
REFERRAL = (
    "Stop today. Pain like this is worth having checked by a physiotherapist or doctor before you run or exercise."
)
DO_NOT_RUN = "Please don't run until you have been seen."
SAME_DAY = "Please get medical advice today."
AFTER_HOLD = "Then two light sessions come first, and after them the start of the level below."
EMERGENCY = "If it came suddenly, is severe or comes with vomiting, go to an emergency department now."


def weekday(day: date) -> str:
    """``Tuesday``."""
    return f"{day:%A}"


def day_in_words(day: date) -> str:
    """``Tuesday 24 November``."""
    return f"{day:%A} {day.day} {day:%B}"


def days(count: int) -> str:
    """``1 day``, ``3 days``."""
    return "1 day" if count == 1 else f"{count} days"


def ago(count: int) -> str:
    """``today``, ``yesterday``, ``3 days ago``."""
    return "today" if count == 0 else "yesterday" if count == 1 else f"{count} days ago"


def ahead(count: int) -> str:
    """``today``, ``tomorrow``, ``in 3 days``."""
    return "today" if count == 0 else "tomorrow" if count == 1 else f"in {count} days"


def number(value: float) -> str:
    """A number without a needless fraction: ``45``, ``7.5``."""
    return f"{value:.1f}".removesuffix(".0")


def listed(parts: Iterable[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    *most, last = parts
    return f"{', '.join(most)} and {last}" if most else last


def lifted_by(*, from_a_number: bool) -> str:
    """How a hold ends, as the end of a sentence: by a professional's word, or by green days after a pain number."""
    green = f", or you check in on {k.HOLD_GREEN_DAYS} days with pain of {k.PAIN_GREEN_MAX} or less"
    return f"until a professional has cleared you{green if from_a_number else ''}"


def referral(what: str, flags: frozenset[str] = frozenset()) -> str:
    """Word a referral: the reported sign, the advice that follows from it, and the way back."""
    stop = f"We'll stop your routines {lifted_by(from_a_number=not flags)}. {AFTER_HOLD}"
    parts = [f"You told us about {what}.", REFERRAL, stop]
    if flags & k.DO_NOT_RUN_FLAGS:
        parts.insert(0, DO_NOT_RUN)
    if flags & k.SAME_DAY_FLAGS:
        parts.append(SAME_DAY)
    if flags & k.EMERGENCY_FLAGS:
        parts.append(EMERGENCY)
    return " ".join(parts)
