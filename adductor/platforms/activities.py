"""Fields, sports, exertion and strength words that the activities of several platforms share. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from adductor.coaching.situation import Intensity
from adductor.platforms.base import UNKNOWN_SPORT, LoggedActivity, storable
from adductor.platforms.fields import (
    Answer,
    OptionalAmount,
    OptionalFlag,
    OptionalInstant,
    OptionalNumber,
    OptionalText,
    OptionalWall,
    OptionalZone,
)

# Strava's sport types (swagger, 2026-11), which intervals.icu uses too. Unlisted ones become "other".
SPORTS = {
    "Run": "run",
    "TrailRun": "trail_run",
    "VirtualRun": "virtual_run",
    "Walk": "walk",
    "Snowshoe": "hike",
    "Hike": "hike",
    "Swim": "swim",
    "Rowing": "row",
    "VirtualRow": "row",
    "Elliptical": "elliptical",
    "NordicSki": "nordic_ski",
    "RollerSki": "nordic_ski",
    "BackcountrySki": "ski",
    "AlpineSki": "ski",
    "Soccer": "soccer",
}
_RIDES = "Ride VirtualRide GravelRide MountainBikeRide EBikeRide EMountainBikeRide Velomobile Handcycle"
SPORTS |= dict.fromkeys(_RIDES.split(), "ride")
# There is no finer word for strength work: the title has to tell the body part.
_STRENGTH = "WeightTraining Workout Crossfit Pilates Yoga HighIntensityIntervalTraining PhysicalTherapy"
SPORTS |= dict.fromkeys(_STRENGTH.split(), "strength")

# Perceived exertion 1-10 as training zones: up to 4 is below the first ventilatory threshold, from 7 above the second
# (Seiler & Kjerland, Scand J Med Sci Sports 2006;16:49-56).
_EASY_RPE_MAX = 4
_HARD_RPE_MIN = 7

# Stems, so that they hold in English, German, French, Spanish, Italian and Dutch.
_ADDUCTOR_WORDS = re.compile(
    r"\badd?u[ckt]t|\bcopenhagen|\bkopenhagen|\bgroin|\bleisten|\bhip(?:s|_|\b)(?!\W?(?:thrust|hinge|hop|flexor))",
    re.IGNORECASE,
)
_PART_WORDS = {
    "full": r"(full|whole|total)[ -]?body\b|ganzk(ö|oe)rper",
    # Hip thrusts and hinges work the back of the leg.
    "lower": r"(legs?|lower|squats?|deadlifts?|lunges?|glutes?|calf|calves|hamstrings?|quads?|beine?|beintraining"
    r"|hip[ -]?(thrusts?|hinges?))\b",
    "upper": r"(upper|arms?|chest|back day|shoulders?|biceps?|triceps?|bench|pull[ -]?ups?|push[ -]?ups?)\b"
    r"|oberk(ö|oe)rper",
    "core": r"(core|abs|planks?)\b|rumpf",
}
_BODY_PARTS = {part: re.compile(rf"\b({words})", re.IGNORECASE) for part, words in _PART_WORDS.items()}


def by_exertion(exertion: float | None) -> Intensity | None:
    """The intensity by perceived exertion; None where it says nothing."""
    if exertion is None or not 0 < exertion <= 10:
        return None
    return grade(exertion, _EASY_RPE_MAX, _HARD_RPE_MIN)


def grade(value: float, easy_max: float, hard_min: float) -> Intensity:
    """The intensity of a value on a scale with these bounds."""
    if value <= easy_max:
        return Intensity.EASY
    return Intensity.HARD if value >= hard_min else Intensity.MODERATE


def _strength(words: str) -> tuple[str | None, bool]:
    """The body part of strength work, and whether it was ours, from its title and whatever else tells its contents.

    Where our words stand beside others ("Leg day + Copenhagen planks") both hold.
    """
    ours = bool(_ADDUCTOR_WORDS.search(words))
    for part, pattern in _BODY_PARTS.items():
        if pattern.search(words):
            # A Copenhagen plank is no core session.
            return ("lower" if ours and part == "core" else part), ours
    return ("lower" if ours else None), ours


# Stands in for a start that isn't there yet; `complete` is False then.
_NO_START = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_TITLE_CHARS = 1_000


class Activity(Answer):
    """The fields that platforms share."""

    name: OptionalText = None
    start_date: OptionalInstant = None
    start_date_local: OptionalWall = None
    timezone: OptionalZone = None
    moving_time: OptionalAmount = None
    elapsed_time: OptionalAmount = None
    distance: OptionalAmount = None
    total_elevation_gain: OptionalAmount = None
    perceived_exertion: OptionalNumber = None
    trainer: OptionalFlag = None
    description: OptionalText = None

    def logged(
        self, sport_type: str, start: datetime | None, *, words: str = "", withheld: bool = False, **own: Any
    ) -> LoggedActivity:
        """The activity in our words. ``own``: what each platform tells in its own way; it comes before what is shared.

        ``words`` tell the contents of strength work beside its title. ``withheld``: the sport may not be handed on.
        """
        title = storable((self.name or "")[:_MAX_TITLE_CHARS])
        sport = UNKNOWN_SPORT if withheld else SPORTS.get(sport_type, "other")
        if sport == "run" and self.trainer:
            sport = "treadmill_run"
        body_part, ours = _strength(f"{title} {words}") if sport == "strength" else (None, False)
        if sport_type.startswith("Virtual"):
            own["timezone"] = None  # a virtual world's zone isn't the athlete's
        shared: dict[str, Any] = {
            "timezone": self.timezone,
            "moving_s": int(self.moving_time or 0),
            "elapsed_s": int(self.elapsed_time if self.elapsed_time is not None else self.moving_time or 0),
            "private_note": None,
            "time_unreliable": False,
        }
        return LoggedActivity(
            title=title,
            sport=sport,
            start=start or _NO_START,
            distance_m=self.distance or 0.0,
            elevation_gain_m=self.total_elevation_gain or 0.0,
            body_part=body_part,
            is_adductor_session=ours,
            **shared | own,
        )
