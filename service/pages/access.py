"""Session guard of the runners' pages, and what every page needs."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import date, datetime
from typing import Any, ParamSpec, cast
from urllib.parse import urlsplit

from flask import Blueprint, abort, g, redirect, request, session, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from adductor import drawings
from adductor.athletes import channels, situations
from adductor.athletes.connections import is_account
from adductor.notes import wording
from adductor.platforms import registry
from adductor.platforms.base import own_id, platform_of
from adductor.store.models import Athlete, Connection, Suggestion
from service.context import installation
from service.pages import words

blueprint = Blueprint("pages", __name__)
P = ParamSpec("P")
Page = str | Response | tuple[str | Response, int] | tuple[str | Response, int, dict[str, str]]

# Pages open also while a connection rests or lacks a permission: they say what to do about it.
_MAY_LOOK = frozenset({Connection.CONNECTED, Connection.RESTING, Connection.SCOPE_MISSING})


def signed_in(page: Callable[P, Page]) -> Callable[P, Page]:
    """Guard a page of a runner: a visitor without a session is sent to the start."""

    @functools.wraps(page)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> Page:
        athlete = current_athlete()
        if athlete is None:
            return redirect(url_for("pages.start"))
        if athlete.confirmed_at is None and request.endpoint not in ("pages.welcome", "pages.leave"):
            return redirect(url_for("pages.welcome"))
        return page(*args, **kwargs)

    return guarded


def current_athlete() -> Athlete | None:
    """The runner whose browser this is, while they are connected. Looked up once a request."""
    if "athlete" not in g:
        g.athlete = None
        if isinstance(session.get("athlete"), int):
            with installation().store.read() as database:
                athlete = database.get(Athlete, session["athlete"])
            if athlete is not None and is_account(athlete, str(session.get("platform_athlete"))) and may_look(athlete):
                g.athlete = athlete
    return cast("Athlete | None", g.athlete)


def remember(athlete_id: int, external_id: str) -> None:
    """Sign the runner in: a new identity gets a new session, so that nothing of an old one stays.

    SQLite gives the id of a runner who has deleted everything to the next newcomer, so the id alone would open the
    newcomer's pages to a browser of the one who left: the platform's id must fit, too.
    """
    session.clear()
    session["athlete"] = athlete_id
    session["platform_athlete"] = external_id
    session.permanent = True


def may_look(athlete: Athlete) -> bool:
    """Whether the athlete's pages open."""
    return athlete.leaving_at is None and any(each.state in _MAY_LOOK for each in athlete.connections)


def the_athlete() -> Athlete:
    """The runner of a guarded page."""
    return current_athlete() or abort(401)


def today_of(athlete: Athlete) -> date:
    """The runner's local day now."""
    return installation().clock.now().astimezone(situations.zone_of(athlete.timezone)).date()


def find_suggestion(database: Session, public_id: str, athlete: Athlete | None = None) -> Suggestion:
    """The suggestion with this public id, of this athlete if one is given; 404 if there is none."""
    wanted = select(Suggestion).where(Suggestion.public_id == public_id)
    if athlete is not None:
        wanted = wanted.where(Suggestion.athlete_id == athlete.id)
    return database.scalar(wanted) or abort(404)


def wants_json() -> bool:
    """Whether a script asks, and not a browser for a page."""
    return request.accept_mimetypes.best == "application/json"


@blueprint.app_template_filter()
def local(moment: datetime) -> str:
    """``Tuesday 24 November, 18:05`` on the clock of the signed-in runner."""
    return f"{moment.astimezone(situations.zone_of(the_athlete().timezone)):%A %-d %B, %H:%M}"


@blueprint.app_template_global()
def platform_label() -> str:
    """The name of the platform that the signed-in runner connected first, for people."""
    return registry.LABELS[the_athlete().connection.platform]


@blueprint.app_template_global()
def first_platform() -> str:
    """The platform of the signed-in runner; for a visitor the first that this installation offers."""
    athlete, settings = current_athlete(), installation().settings
    if athlete is not None:
        return athlete.connection.platform
    offered = [
        name
        for offers in (registry.offers_oauth, registry.offers_keys)
        for name in registry.NAMES
        if offers(settings, name)
    ]
    return offered[0] if offered else registry.NAMES[0]


@blueprint.app_template_global()
def first_place() -> str:
    """Where the first platform's routines stand by default: private_note or calendar."""
    scopes = registry.FACTS[first_platform()].scopes
    return "private_note" if "private_note" in scopes else "calendar"


@blueprint.app_template_global()
def platforms_to_connect() -> list[tuple[str, str, bool, bool]]:
    """What can be connected yet: name, label, by OAuth, by key."""
    athlete, settings = current_athlete(), installation().settings
    taken = (
        {each.platform for each in athlete.connections if may_look(athlete) and each.is_usable} if athlete else set()
    )
    found = [
        (name, registry.LABELS[name], registry.offers_oauth(settings, name), registry.offers_keys(settings, name))
        for name in registry.NAMES
        if name not in taken
    ]
    return [each for each in found if each[2] or each[3]]


@blueprint.app_template_global()
def activity_link(activity_id: str) -> tuple[str, str]:
    """Where the running log shows an activity, and the log's name ("View on Strava")."""
    platform = platform_of(activity_id)
    parts = urlsplit(registry.setting(installation().settings, platform, "oauth_url"))
    return f"{parts.scheme}://{parts.netloc}/activities/{own_id(activity_id)}", registry.LABELS[platform]


@blueprint.app_template_global()
def opened_address(public_id: str) -> str:
    """Where a touch on a page of this suggestion is told, by its runner alone."""
    return f"{urlsplit(installation().links.runner_routine(public_id)).path}/opened"


@blueprint.app_context_processor
def _for_every_page() -> dict[str, Any]:
    athlete = current_athlete()
    return {
        "athlete": athlete,
        "can_write": athlete is not None and channels.can_write(athlete),
        "labels": registry.LABELS,
        "keep_reasons_days": installation().settings.keep_reasons_days,
        "sends_mail": installation().settings.sends_mail,
        "drawings": drawings,
        "wording": wording,
        "words": words,
    }
