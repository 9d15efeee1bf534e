"""The faults of both made-up platforms (faults.yaml), each active for some seconds, and when they come."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True, slots=True)
class Fault:
    """One entry of faults.yaml, which says what the fields mean."""

    name: str
    lasts_s: float
    call: dict[str, Any] | None = None
    begin: dict[str, Any] | None = None
    end: dict[str, Any] | None = None
    then: dict[str, Any] | None = None
    log: str = "strava"
    rare: bool = False
    long: bool = False

    @property
    def hides_private_notes(self) -> bool:
        return self.begin == {"private_note": {"served": False}}


@dataclass(frozen=True, slots=True)
class Planned:
    """A fault at its time, real seconds after the start."""

    at_s: float
    lasts_s: float
    fault: Fault


FAULTS = [Fault(**entry) for entry in yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))]


def plan_faults(chance: random.Random, seconds: float, *, short: bool) -> list[Planned]:
    """Every kind at least once where the time is enough; two or three at a time."""
    found: list[Planned] = []
    kinds = [fault for fault in FAULTS if not (short and fault.long)]
    at, left = 0.3, list[Fault]()
    while at < seconds - 1:
        left = left or chance.sample(kinds, len(kinds))
        fault = left.pop()
        if fault.rare and any(entry.fault == fault for entry in found) and chance.random() < 0.7:
            continue
        found.append(Planned(at, min(fault.lasts_s * chance.uniform(0.6, 1.4), seconds - at), fault))
        at += max(min(2.5, seconds / len(FAULTS) * 0.9), 0.5) * chance.uniform(0.6, 1.4)
    return found
