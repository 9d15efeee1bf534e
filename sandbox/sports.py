"""Strava's lists of sports, and which of the old `type` values each newer `sport_type` maps to."""

# ruff: noqa: SIM905 - a paragraph of names reads better than fifty lines of them

from __future__ import annotations

# Strava's swagger, enum SportType (2026-11).
SPORT_TYPES = (
    "AlpineSki BackcountrySki Badminton Basketball Canoeing Cricket Crossfit Dance EBikeRide Elliptical "
    "EMountainBikeRide Golf GravelRide Handcycle HighIntensityIntervalTraining Hike IceSkate InlineSkate "
    "Kayaking Kitesurf MountainBikeRide NordicSki Padel PhysicalTherapy Pickleball Pilates Racquetball Ride "
    "RockClimbing RollerSki Rowing Run Sail Skateboard Snowboard Snowshoe Soccer Squash StairStepper "
    "StandUpPaddling Surfing Swim TableTennis Tennis TrailRun Velomobile VirtualRide VirtualRow VirtualRun "
    "Volleyball Walk WeightTraining Wheelchair Windsurf Workout Yoga"
).split()

# Strava's swagger, enum ActivityType: the older list, which sports added later do not belong to.
_NEWER = {
    "EMountainBikeRide": "EBikeRide",
    "GravelRide": "Ride",
    "MountainBikeRide": "Ride",
    "TrailRun": "Run",
    "VirtualRow": "Rowing",
} | dict.fromkeys(
    (
        "Badminton Basketball Cricket Dance HighIntensityIntervalTraining Padel PhysicalTherapy Pickleball "
        "Pilates Racquetball Squash TableTennis Tennis Volleyball"
    ).split(),
    "Workout",
)
ACTIVITY_TYPES = sorted(set(SPORT_TYPES) - set(_NEWER))

RUNS = frozenset({"Run", "TrailRun", "VirtualRun"})
# Sports that cover ground; the others have neither distance nor map.
MOVING = RUNS | frozenset(
    "Canoeing EBikeRide EMountainBikeRide GravelRide Handcycle Hike InlineSkate Kayaking MountainBikeRide "
    "NordicSki Ride RollerSki Rowing Skateboard Snowshoe StandUpPaddling Swim Velomobile VirtualRide "
    "VirtualRow Walk Wheelchair".split()
)

# A runner's usual pace in a form that asks only for minutes; metres a second.
USUAL_SPEED_M_PER_S = {
    "Run": 2.9, "TrailRun": 2.4, "VirtualRun": 2.9, "Walk": 1.4, "Hike": 1.2, "Swim": 0.7,
    "Ride": 6.9, "GravelRide": 6.1, "MountainBikeRide": 5.0, "VirtualRide": 8.0, "EBikeRide": 6.7,
}  # fmt: skip

WORKOUT_TYPES = {"default": 0, "race": 1, "long": 2, "workout": 3}


def activity_type(sport_type: str) -> str:
    """The old `type` for a `sport_type`."""
    return _NEWER.get(sport_type, sport_type)
