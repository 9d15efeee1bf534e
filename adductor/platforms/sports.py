"""Sports, exertion and strength words that several platforms share. Pure."""

from __future__ import annotations

import re

from adductor.coaching.situation import Intensity

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
EASY_RPE_MAX = 4
HARD_RPE_MIN = 7

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


def grade(value: float, easy_max: float, hard_min: float) -> Intensity:
    """The intensity of a value on a scale with these bounds."""
    if value <= easy_max:
        return Intensity.EASY
    return Intensity.HARD if value >= hard_min else Intensity.MODERATE


def strength(words: str) -> tuple[str | None, bool]:
    """The body part of strength work, and whether it was ours, from its title and whatever else tells its contents.

    Where our words stand beside others ("Leg day + Copenhagen planks") both hold.
    """
    ours = bool(_ADDUCTOR_WORDS.search(words))
    for part, pattern in _BODY_PARTS.items():
        if pattern.search(words):
            # A Copenhagen plank is no core session.
            return ("lower" if ours and part == "core" else part), ours
    return ("lower" if ours else None), ours
