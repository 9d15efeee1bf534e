"""The sandbox's control pages: the log of calls and deliveries, faults, the clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for

from sandbox.admin.steering import change_switches
from sandbox.calls import world
from sandbox.faults import FaultSpec
from sandbox.models import TIERS, DeliverySwitches

blueprint = Blueprint("control", __name__)

_LINES_SHOWN = 100


@blueprint.get("/log")
def log() -> Any:
    here = world()
    with here.lock:
        tier, now = here.switches.tier, here.clock.now()
        bars = [
            (f"{words}, {span}", used, limit)
            for words, bucket, limits in (
                ("All calls", here.limits.usage("overall", now), tier.overall),
                ("Reads", here.limits.usage("read", now), tier.read),
            )
            for span, used, limit in zip(("this quarter hour", "today (UTC)"), bucket, limits, strict=True)
        ]
        return render_template(
            "log.html",
            tab="log",
            bars=bars,
            tier=tier,
            over_limit=here.limits.over_limit,
            deliveries=list(here.deliveries.values())[: -_LINES_SHOWN - 1 : -1],
            calls=list(here.calls)[: -_LINES_SHOWN - 1 : -1],
            subscription=here.subscription,
        )


# The common faults as buttons: name, description, the fault.
COMMON_FAULTS: dict[str, tuple[str, FaultSpec]] = {
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

_TOGGLES: dict[str, tuple[str, Callable[[bool], dict[str, Any]]]] = {
    "inactive": (
        "The application is inactive (its owner's paid subscription has lapsed)",
        lambda on: {"application": "inactive" if on else "active"},
    ),
    "no-private-note": (
        "Strava no longer gives or takes the private note",
        lambda on: {"private_note": {"served": not on}},
    ),
    "duplicates": ("Every event is delivered twice", lambda on: {"delivery": {"copies": 2 if on else 1}}),
    "drops": ("Every event is lost", lambda on: {"delivery": {"drop_share": 1.0 if on else 0.0}}),
    "paused": ("Events wait until this is switched off", lambda on: {"delivery": {"paused": on}}),
    "strip-links": ("Links are stripped from what applications write", lambda on: {"text": {"strip_links": on}}),
}


def _toggles_on() -> dict[str, bool]:
    switches = world().switches
    return {
        "inactive": switches.application == "inactive",
        "no-private-note": not switches.private_note.served,
        "duplicates": switches.delivery.copies > 1,
        "drops": switches.delivery.drop_share > 0,
        "paused": switches.delivery.paused,
        "strip-links": switches.text.strip_links,
    }


@blueprint.get("/faults")
def faults() -> Any:
    here = world()
    with here.lock:
        on = _toggles_on()
        return render_template(
            "faults.html",
            tab="faults",
            common=COMMON_FAULTS,
            faults=here.faults.all(),
            toggles=[(name, words, on[name]) for name, (words, _) in _TOGGLES.items()],
            tiers=TIERS,
            tier=here.switches.tier,
            usual_delivery=here.switches.delivery == DeliverySwitches(),
        )


def _back() -> Any:
    return redirect(url_for("control.faults"), 303)


@blueprint.post("/faults/add")
def add() -> Any:
    fault = COMMON_FAULTS.get(request.form.get("fault", ""))
    if fault is not None:
        world().faults.add(fault[1])
    return _back()


@blueprint.post("/faults/remove")
def remove() -> Any:
    text = request.form.get("id", "")
    if text == "all":
        world().faults.clear()
    elif text.isdecimal():
        world().faults.remove(int(text))
    return _back()


@blueprint.post("/faults/toggle")
def toggle() -> Any:
    name = request.form.get("switch", "")
    if name in _TOGGLES:
        change_switches(_TOGGLES[name][1](request.form.get("on") == "1"))
    return _back()


@blueprint.post("/faults/tier")
def tier() -> Any:
    chosen = TIERS.get(request.form.get("tier", ""))
    if chosen is not None:
        change_switches({"tier": chosen.model_dump()})
    return _back()


@blueprint.post("/faults/clock")
def clock() -> Any:
    """Advance the clock or set its speed, by the page's buttons."""
    try:
        advance_s = float(request.form.get("advance_s", "0"))
        speed = float(request.form["speed"]) if "speed" in request.form else None
        world().clock.set(advance_s=advance_s, speed=speed)
    except ValueError:
        abort(400, "The clock's buttons send numbers; these were none.")
    return _back()
