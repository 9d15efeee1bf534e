"""The sandbox's control pages: the log of calls and deliveries, faults, the clock; for each company."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for

from sandbox.admin.shared import change_switches
from sandbox.base import BaseWorld
from sandbox.calls import world
from sandbox.faults import BaseFault, FaultSpec
from sandbox.models import TIERS

_LINES_SHOWN = 100


@dataclass(frozen=True)
class Toggle:
    """A switch as a button: its words, how it is now, and the change of switches that sets it."""

    words: str
    on: Callable[[], bool]
    change: Callable[[bool], dict[str, Any]]


@dataclass(frozen=True)
class Controls:
    """What one company's control pages show. `figures`: more for the log's template; `more`: for that of the faults."""

    company: str
    world: Callable[[], BaseWorld]
    common: dict[str, tuple[str, BaseFault]]
    toggles: dict[str, Toggle]
    figures: Callable[[], dict[str, Any]]
    more: Callable[[], dict[str, Any]] = field(default=dict)


def register(blueprint: Blueprint, controls: Controls) -> None:
    """Hang the pages on a blueprint."""
    at = blueprint.name

    def back() -> Any:
        page = {"feed": "pages.feed", "calendar": "intervals_pages.calendar"}.get(request.form.get("back", ""))
        return redirect(url_for(page or f"{at}.faults"), 303)

    @blueprint.get("/log")
    def log() -> Any:
        here = controls.world()
        with here.lock:
            return render_template(
                "log.html",
                tab="log",
                at=at,
                company=controls.company,
                deliveries=list(here.deliveries.values())[: -_LINES_SHOWN - 1 : -1],
                calls=list(here.calls)[: -_LINES_SHOWN - 1 : -1],
                **controls.figures(),
            )

    @blueprint.get("/faults")
    def faults() -> Any:
        here = controls.world()
        with here.lock:
            return render_template(
                "faults.html",
                tab="faults",
                at=at,
                company=controls.company,
                common=controls.common,
                faults=here.faults.all(),
                toggles=[(name, toggle.words, toggle.on()) for name, toggle in controls.toggles.items()],
                **controls.more(),
            )

    @blueprint.post("/faults/add")
    def add() -> Any:
        fault = controls.common.get(request.form.get("fault", ""))
        if fault is not None:
            controls.world().faults.add(fault[1])
        return back()

    @blueprint.post("/faults/remove")
    def remove() -> Any:
        text = request.form.get("id", "")
        if text == "all":
            controls.world().faults.clear()
        elif text.isdecimal():
            controls.world().faults.remove(int(text))
        return back()

    @blueprint.post("/faults/toggle")
    def toggle() -> Any:
        chosen = controls.toggles.get(request.form.get("switch", ""))
        if chosen is not None:
            change_switches(controls.world(), chosen.change(request.form.get("on") == "1"))
        return back()

    @blueprint.post("/faults/clock")
    def clock() -> Any:
        """Advance the clock or set its speed, by the page's buttons."""
        try:
            advance_s = float(request.form.get("advance_s", "0"))
            speed = float(request.form["speed"]) if "speed" in request.form else None
            controls.world().clock.set(advance_s=advance_s, speed=speed)
        except ValueError:
            abort(400, "The clock's buttons send numbers; these were none.")
        return back()


# -- Strava -----------------------------------------------------------------------------------------

blueprint = Blueprint("control", __name__)

# The common faults as buttons: name, description, the fault.
COMMON_FAULTS: dict[str, tuple[str, BaseFault]] = {
    "late-activity": (
        "The next read of an activity finds nothing (404), as happens seconds after an upload",
        FaultSpec(endpoint="activities.get", status=404, body='{"message":"Record Not Found","errors":[]}', times=1),
    ),
    "maintenance": (
        "The application's next five calls meet a maintenance page in HTML (503)",
        FaultSpec(endpoint="*", status=503, html="<html><body>We'll be back.</body></html>", times=5),
    ),
    "lost-answer": (
        "The next write arrives, but its answer is lost",
        FaultSpec(endpoint="activities.update", when="after", drop=True, times=1),
    ),
    "dropped": ("The next call is cut off before it arrives", FaultSpec(endpoint="*", drop=True, times=1)),
    "slow": ("Every call of the application takes three seconds", FaultSpec(endpoint="*", delay_ms=3000)),
    "between": (
        "Another application adds a line to the private note between the application's read and its write, once",
        FaultSpec.model_validate(
            {
                "endpoint": "activities.get",
                "times": 1,
                "edit": {"author": "another app", "private_note": "{old}\nShoes: 312 km"},
            }
        ),
    ),
}


def delivery_toggles(here: Callable[[], BaseWorld]) -> dict[str, Toggle]:
    """The switches of a company's deliveries that have a button."""
    return {
        "duplicates": Toggle(
            "Every event is delivered twice",
            lambda: here().delivery_switches.copies > 1,
            lambda on: {"delivery": {"copies": 2 if on else 1}},
        ),
        "drops": Toggle(
            "Every event is lost",
            lambda: here().delivery_switches.drop_share > 0,
            lambda on: {"delivery": {"drop_share": 1.0 if on else 0.0}},
        ),
        "paused": Toggle(
            "Events wait until this is switched off",
            lambda: here().delivery_switches.paused,
            lambda on: {"delivery": {"paused": on}},
        ),
    }


_TOGGLES = {
    "inactive": Toggle(
        "The application is inactive (its owner's paid subscription has lapsed)",
        lambda: world().switches.application == "inactive",
        lambda on: {"application": "inactive" if on else "active"},
    ),
    "no-private-note": Toggle(
        "Strava no longer gives or takes the private note",
        lambda: not world().switches.private_note.served,
        lambda on: {"private_note": {"served": not on}},
    ),
    **delivery_toggles(world),
    "strip-links": Toggle(
        "Links are stripped from what applications write",
        lambda: world().switches.text.strip_links,
        lambda on: {"text": {"strip_links": on}},
    ),
}


def _figures() -> dict[str, Any]:
    here = world()
    tier, used = here.switches.tier, here.limits.usage(here.clock.now())
    bars = [
        (f"{words}, {span}", count, limit)
        for words, limits in (("All calls", tier.overall), ("Reads", tier.read))
        for span, count, limit in zip(("this quarter hour", "today (UTC)"), used, limits, strict=True)
    ]
    subscription = here.subscription
    return {
        "bars": bars,
        "over_limit": here.limits.over_limit,
        "limited": f"For an application of the size “{tier.name}”.",
        "address": f"Subscription {subscription.id}" if subscription else None,
    }


register(
    blueprint,
    Controls(
        "Strava", world, COMMON_FAULTS, _TOGGLES, _figures,
        lambda: {"tiers": TIERS, "tier": world().switches.tier},
    ),
)  # fmt: skip


@blueprint.post("/faults/tier")
def tier() -> Any:
    chosen = TIERS.get(request.form.get("tier", ""))
    if chosen is not None:
        change_switches(world(), {"tier": chosen.model_dump()})
    return redirect(url_for("control.faults"), 303)
