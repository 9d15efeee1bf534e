"""State, reset, switches, size, clock and faults."""

from __future__ import annotations

from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from sandbox.activities import problems_of
from sandbox.admin.common import RefusedError, blueprint, body, json_object
from sandbox.admin.shared import change_switches
from sandbox.calls import world
from sandbox.clock import ClockError
from sandbox.models import TIERS, Tier


def _clock() -> dict[str, Any]:
    clock = world().clock
    return {"now": clock.now(), "utc": clock.datetime().isoformat(), "speed": clock.speed}


def state() -> dict[str, Any]:
    here = world()
    with here.lock:
        return {
            "clock": _clock(),
            "application": {
                "client_id": here.config.client_id,
                "status": here.switches.application,
                "connected_athletes": here.connected_count(),
            },
            "subscription": here.subscription.model_dump() if here.subscription else None,
            "runners": len(here.runners),
            "activities": sum(not a.deleted for a in here.activities.values()),
        }


def limits() -> dict[str, Any]:
    here = world()
    with here.lock:
        tier, used = here.switches.tier, here.limits.usage(here.clock.now())
        return {
            "tier": tier.name,
            "overall": {"limit": tier.overall, "used": used},
            "read": {"limit": tier.read, "used": used},
            "over_limit": here.limits.over_limit,
            "peak": here.limits.peak,
        }


@blueprint.post("/tier")
def set_tier() -> Any:
    raw = json_object(': {"tier": "1" | "10" | "unlimited"} or a tier of your own')
    if "tier" in raw and str(raw["tier"]) not in TIERS:
        raise RefusedError(f"tier: {raw['tier']!r} is none of {', '.join(TIERS)}")
    try:
        tier = TIERS[str(raw["tier"])] if "tier" in raw else Tier.model_validate({"name": "custom"} | raw)
    except ValidationError as error:
        raise RefusedError(*problems_of(error)) from None
    change_switches(world(), {"tier": tier.model_dump()})
    return limits()


class _SetClock(BaseModel):
    model_config = ConfigDict(extra="forbid")
    now: AwareDatetime | float | None = None
    advance_s: float = 0.0
    speed: float | None = Field(None, gt=0, le=1_000_000)


@blueprint.get("/clock")
def clock() -> Any:
    return _clock()


@blueprint.post("/clock")
def set_clock() -> Any:
    asked = body(_SetClock)
    now = asked.now if isinstance(asked.now, float) or asked.now is None else asked.now.timestamp()
    try:
        world().clock.set(now=now, advance_s=asked.advance_s, speed=asked.speed)
    except ClockError as error:
        raise RefusedError(str(error)) from None
    return _clock()
