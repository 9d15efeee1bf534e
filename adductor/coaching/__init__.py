"""The coach: catalogue, decision rules, progression and routine choice. Pure: no clock, no I/O, no randomness."""

from adductor.coaching.decide import decide
from adductor.coaching.forecast import forecast
from adductor.coaching.normalise import hold_is_over, is_from_a_number, logged_race
from adductor.coaching.progression import after_hold, after_session, after_soreness, can_be_loaded, next_load
from adductor.coaching.routine import all_five

__all__ = [
    "after_hold",
    "after_session",
    "after_soreness",
    "all_five",
    "can_be_loaded",
    "decide",
    "forecast",
    "hold_is_over",
    "is_from_a_number",
    "logged_race",
    "next_load",
]
