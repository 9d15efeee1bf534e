"""The pages for people: the calendar with what stands in it, recording, planning, wellness, and the control pages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from pydantic import ValidationError

from sandbox import control, places
from sandbox.activities import problems_of
from sandbox.control import Controls, Toggle
from sandbox.faults import BaseFault
from sandbox.intervals import activities, calendar, hooks, oauth
from sandbox.intervals.activities import Recording
from sandbox.intervals.admin import IntervalsFault, limits, log_wellness
from sandbox.intervals.calls import world
from sandbox.intervals.errors import CHALLENGE, IntervalsError
from sandbox.intervals.models import Athlete, CalendarEntry, LogActivity, Thing
from sandbox.intervals.oauth import SCOPE_WORDS
from sandbox.pages import RUNNERS_SHOWN, chosen_runner, recording_of
from sandbox.session import remember_runner
from sandbox.words import PRESETS

blueprint = Blueprint("intervals_pages", __name__, url_prefix="/intervals")

_DAYS_BACK = 42
_SPORTS = "Run TrailRun VirtualRun Walk Hike Ride Swim WeightTraining Workout Pilates Yoga Transition".split()  # noqa: SIM905
_SOURCES = {"GARMIN_CONNECT": "A watch", "MANUAL": "By hand", "STRAVA": "Strava (only a stub for applications)"}


def _plan(label: str, category: str, name: str, sport: str | None = None, **more: Any) -> tuple[str, dict[str, Any]]:
    """A choice of the form, and the fields of its entry."""
    return label, {"category": category, "name": name, **({"type": sport} if sport else {}), **more}


_THRESHOLD = "- 15m easy\n- 10m threshold\n- 10m threshold\n- 10m threshold\n- 10m easy"
PLANS = {
    "race_a": _plan("Race, the one that counts (A)", "RACE_A", "City Half", "Run", distance=21097.5),
    "race_b": _plan("Race (B)", "RACE_B", "10 km race", "Run", distance=10000.0),
    "race_c": _plan("Race for fun (C)", "RACE_C", "Parkrun", "Run", distance=5000.0),
    "key": _plan("Key session", "WORKOUT", "3 x 10 min", "Run", icu_training_load=95, description=_THRESHOLD),
    "long": _plan("Long run", "WORKOUT", "Long run", "Run", moving_time=7200, icu_training_load=110),
    "easy": _plan("Easy run", "WORKOUT", "Easy run", "Run", moving_time=2700, icu_training_load=40),
    "strength": _plan("Strength", "WORKOUT", "Adductors and core", "WeightTraining", moving_time=900),
    "sick": _plan("Ill", "SICK", "Ill"),
    "injured": _plan("Injured", "INJURED", "Injured"),
    "holiday": _plan("Holiday", "HOLIDAY", "Holiday", training_availability="LIMITED"),
    "note": _plan("Note", "NOTE", "Note"),
}
LABELS = {
    "RACE_A": "Race A", "RACE_B": "Race B", "RACE_C": "Race C", "WORKOUT": "Planned", "SICK": "Ill", "INJURED": "Injured",
    "HOLIDAY": "Holiday", "NOTE": "Note",
}  # fmt: skip
# 1 is always good.
SCALES = {
    "soreness": ("Soreness", ("Low", "Average", "High", "Extreme")),
    "fatigue": ("Fatigue", ("Low", "Average", "High", "Extreme")),
    "injury": ("Injury", ("None", "Niggle", "Poor", "Injured")),
    "mood": ("Mood", ("Great", "Good", "OK", "Grumpy")),
    "sleepQuality": ("Sleep", ("Great", "Good", "Average", "Poor")),
}


def _athlete() -> Athlete:
    return world().athlete_of(chosen_runner().id)


def _today() -> date:
    return places.local(world().clock.now(), chosen_runner().timezone).date()


def _days(athlete: Athlete) -> list[tuple[date, list[CalendarEntry], list[LogActivity]]]:
    """The days that hold something, and today; an entry stands on its first day."""
    here, today = world(), _today()
    found: dict[date, tuple[list[CalendarEntry], list[LogActivity]]] = {today: ([], [])}
    for entry in here.things(CalendarEntry, athlete.id):
        day = date.fromisoformat(entry.fields["start_date_local"][:10])
        found.setdefault(day, ([], []))[0].append(entry)
    for activity in here.things(LogActivity, athlete.id):
        day = date.fromisoformat(activity.fields["start_date_local"][:10])
        found.setdefault(day, ([], []))[1].append(activity)
    return [(day, *found[day]) for day in sorted(found) if day >= today - timedelta(days=_DAYS_BACK)]


def _page(status: int = 200, problems: tuple[str, ...] = ()) -> Response:
    here, runner = world(), chosen_runner()
    with here.lock:
        athlete, today = _athlete(), _today()
        days = _days(athlete)
        wellness = here.wellness.get(f"{athlete.id} {today}")
        page = render_template(
            "intervals/calendar.html", tab="calendar", runner=runner, athlete=athlete, grant=here.grant(athlete.id),
            runners=sorted(here.people.runners.values(), key=lambda r: r.id)[:RUNNERS_SHOWN], today=today,
            coming=[day for day in days if day[0] >= today], before=[day for day in days[::-1] if day[0] < today],
            presets=PRESETS, sports=_SPORTS, sources=_SOURCES, plans=PLANS, labels=LABELS, scales=SCALES,
            wellness=wellness.fields if wellness else {}, words=SCOPE_WORDS, problems=problems, form=request.form,
            now_local=places.local(here.clock.now(), runner.timezone), version=here.journal.changes, switches=here.switches,
        )  # fmt: skip
    answer = Response(page, status)
    remember_runner(answer, runner.id)
    return answer


@blueprint.get("/", endpoint="calendar")
def show_calendar() -> Any:
    return _page()


@blueprint.get("/version")
def version() -> Any:
    return Response(str(world().journal.changes), mimetype="text/plain")


def _back(anchor: str | None = None) -> Any:
    return redirect(url_for("intervals_pages.calendar", _anchor=anchor), 303)


@blueprint.post("/record")
def record() -> Any:
    form = request.form.to_dict()
    try:
        given = recording_of(form).model_dump(exclude_unset=True)
        if form.get("preset") in PRESETS:
            form |= {"source": "GARMIN_CONNECT", "rpe": "", "feel": ""}
        given |= {name: form[name] for name in ("source", "rpe", "feel") if form.get(name)}
        recording = Recording.model_validate(given | {"also_on_strava": "also_on_strava" in form})
    except ValidationError as error:
        return _page(400, tuple(problems_of(error)))
    return _back(f"a{activities.record(world(), _athlete(), recording).id}")


def _period(form: dict[str, str]) -> dict[str, str]:
    """The chosen days as the API's local times; the last one is inclusive on the page. Raises ValueError."""
    first = date.fromisoformat(form.get("day", ""))
    last = max(first, date.fromisoformat(form["until"])) if form.get("until") else first
    end = last + timedelta(days=1)
    return {"start_date_local": f"{first}T00:00:00", "end_date_local": f"{end}T00:00:00"}


def _checked(fields: dict[str, Any], form: dict[str, str], old: dict[str, Any] | None = None) -> dict[str, Any]:
    """The entry of a form. Raises ValueError with a sentence."""
    try:
        return calendar.checked(fields | _period(form), old)
    except IntervalsError as error:
        raise ValueError(error.body["error"]) from None
    except ValueError:
        raise ValueError("day: choose a date, for example 2026-12-06") from None


@blueprint.post("/plan")
def plan() -> Any:
    form = request.form.to_dict()
    _, fields = PLANS.get(form.get("kind", ""), PLANS["note"])
    own = {name: form[name].strip() for name in ("name", "description") if form.get(name, "").strip()}
    try:
        entry = calendar.make(world(), _athlete().id, _checked(fields | own, form))
    except ValueError as error:
        return _page(400, (str(error),))
    return _back(f"e{entry.id}")


def _entry(entry_id: int) -> CalendarEntry:
    entry = world().entries.get(entry_id)
    if entry is None or entry.deleted or entry.athlete_id != _athlete().id:
        abort(404)
    return entry


def _activity(activity_id: str) -> LogActivity:
    activity = world().activities.get(activity_id)
    if activity is None or activity.deleted or activity.athlete_id != _athlete().id:
        abort(404)
    return activity


def _new_text(form: dict[str, str], thing: Thing) -> dict[str, str]:
    """The description if it was edited: a browser sends every line with \\r\\n, which must not count as an edit."""
    text = form.get("description", "").replace("\r\n", "\n")
    same = text == thing.fields.get("description", "").replace("\r\n", "\n")
    return {} if same else {"description": text}


@blueprint.post("/entries/<int:entry_id>/edit")
def edit_entry(entry_id: int) -> Any:
    entry, form = _entry(entry_id), request.form.to_dict()
    fields = {"name": form.get("name", ""), **_new_text(form, entry)}
    try:
        calendar.change(world(), entry, _checked(fields, form, entry.fields))
    except ValueError as error:
        return _page(400, (str(error),))
    return _back(f"e{entry_id}")


@blueprint.post("/entries/<int:entry_id>/delete")
def delete_entry(entry_id: int) -> Any:
    calendar.delete(world(), _entry(entry_id))
    return _back()


@blueprint.get("/activities/<activity_id>")
def show_activity(activity_id: str) -> Any:
    """The address of an activity: its place in the calendar of the athlete."""
    activity = world().activities.get(activity_id)
    if activity is None or activity.deleted:
        abort(404)
    answer = _back(f"a{activity_id}")
    remember_runner(answer, world().athletes[activity.athlete_id].runner_id)
    return answer


@blueprint.post("/activities/<activity_id>/edit")
def edit_activity(activity_id: str) -> Any:
    activity, form = _activity(activity_id), request.form.to_dict()
    given: dict[str, Any] = {name: form[name] for name in ("name", "type") if form.get(name)}
    given |= {name: int(form[name]) if form[name].isdecimal() else -1 for name in ("icu_rpe", "feel") if name in form}
    activities.edit(world(), activity, given | _new_text(form, activity))
    return _back(f"a{activity_id}")


@blueprint.post("/activities/<activity_id>/delete")
def delete_activity(activity_id: str) -> Any:
    activities.delete(world(), _activity(activity_id))
    return _back()


@blueprint.post("/wellness")
def wellness() -> Any:
    form = request.form
    fields: dict[str, Any] = {name: int(form[name]) for name in SCALES if form.get(name, "") in ("1", "2", "3", "4")}
    fields["comments"] = form.get("comments", "").strip() or None
    log_wellness(world(), _athlete(), _today().isoformat(), fields)
    return _back()


@blueprint.post("/scopes")
def scopes() -> Any:
    oauth.change_scopes(world(), _athlete().id, request.form.getlist("granted"))
    return _back()


@blueprint.post("/status")
def status() -> Any:
    wanted = "DORMANT" if request.form.get("dormant") == "1" else "ACTIVE"
    world().save(_athlete().model_copy(update={"status": wanted}))
    return _back()


@blueprint.post("/application")
def application() -> Any:
    """Manage App: the webhook's address and secret, or a test event."""
    here, form = world(), request.form
    if "test" in form:
        hooks.send_test(here)
    else:
        url = form.get("webhook_url", "").strip()
        here.save(here.application.model_copy(update={"webhook_url": url or None, "secret": form.get("secret", "")}))
    return redirect(url_for("intervals_pages.faults"), 303)


# -- log, faults, time ------------------------------------------------------------------------------

COMMON_FAULTS: dict[str, tuple[str, BaseFault]] = {
    "challenge": (
        "The application's next five calls meet Cloudflare's page in HTML (403)",
        IntervalsFault(endpoint="*", status=403, html=CHALLENGE, times=5),
    ),
    "java": (
        "The next read of the calendar fails with Java's words (500)",
        IntervalsFault(endpoint="events.list", status=500, times=1),
    ),
    "origin": (
        "The application's next five calls find no server (522)",
        IntervalsFault(endpoint="*", status=522, html="<html>error code: 522</html>", times=5),
    ),
    "lost-answer": (
        "The next calendar write arrives, but its answer is lost",
        IntervalsFault(endpoint="events.bulk", when="after", drop=True, times=1),
    ),
    "dropped": ("The next call is cut off before it arrives", IntervalsFault(endpoint="*", drop=True, times=1)),
    "slow": ("Every call of the application takes three seconds", IntervalsFault(endpoint="*", delay_ms=3000)),
    "between": (
        "The athlete renames the application's entries right after it has read the calendar, once",
        IntervalsFault(endpoint="events.list", edit={"name": "Renamed by hand"}, times=1),
    ),
}


def _switch(name: str, words: str, on: Any, off: Any) -> Toggle:
    now: Callable[[], bool] = lambda: bool(getattr(world().switches, name) == on)  # noqa: E731
    return Toggle(words, now, lambda wanted: {name: on if wanted else off})


_TOGGLES = {
    "pending": _switch("application", "The application is not approved yet", "pending", "approved"),
    "silent-echo": _switch("echo", "The application's own writes send no events", False, True),
    "late-analysis": _switch("uploaded_analyzed", "Uploads come before their analysis", False, True),
    "resurrect": _switch("resurrect_after_s", "Deleted entries are announced again three minutes later", 180.0, None),
    "no-zone": _switch("serves_timezone", "Time zones are missing", False, True),
    "limits-told": _switch("rate_headers", "Answers tell the limits in headers", "normal", "absent"),
    **control.delivery_toggles(world),
}


def _figures() -> dict[str, Any]:
    used = limits()
    bars = [
        (f"{'The application' if name == 'application' else f'The key of {name}'}, {span}", count, limit)
        for name, counts in sorted(used["used"].items())
        for span, count, limit in zip(
            ("this quarter hour", "today (UTC)"), counts, used["app" if name == "application" else "key"], strict=True
        )
    ]
    return {"bars": bars, "over_limit": used["over_limit"], "limited": "One budget for the application, one for each key.",
            "address": world().callback_url}  # fmt: skip


control.register(
    blueprint,
    Controls(
        "intervals.icu", world, COMMON_FAULTS, _TOGGLES, _figures,
        lambda: {"application": world().application, "client_id": world().config.intervals_client_id},
    ),
)  # fmt: skip
