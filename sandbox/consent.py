"""The consent page of both companies: what is asked, which person answers, and the way back to the application."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from flask import Response, redirect, render_template, request

from sandbox import errors, places
from sandbox.activities import known_zone
from sandbox.calls import world
from sandbox.models import Runner
from sandbox.session import chosen_runner_id


def page(action: str, words: dict[str, str], **more: Any) -> str:
    """The page, for the person who is chosen in this browser or another one. `words`: of each scope."""
    runners = sorted(world().runners.values(), key=lambda runner: runner.id)
    chosen = chosen_runner_id()
    return render_template(
        "authorize.html",
        action=action,
        runners=runners[:50],
        chosen=chosen if chosen in world().runners else runners[0].id,
        words=words,
        zones=sorted(places.known_zones()),
        **more,
    )


def answered_by() -> int | None:
    """The person of the form, a new one if it says so; None for an unknown one."""
    form = request.form
    if form.get("runner_id") == "new":
        return _new_runner(form.get("firstname", ""), form.get("timezone", "")).id
    runner_id = int(form["runner_id"]) if form.get("runner_id", "").isdecimal() else 0
    return runner_id if runner_id in world().runners else None


def _new_runner(firstname: str, timezone: str) -> Runner:
    """A made-up person. Raises Strava's error for an unknown time zone."""
    here = world()
    try:
        zone_name = known_zone(timezone or "UTC")
    except ValueError:
        raise errors.bad_request("Athlete", "timezone") from None
    runner = Runner(
        id=here.next_id("runner"), firstname=firstname.strip()[:60] or "New", lastname="Runner",
        city=zone_name.rpartition("/")[2].replace("_", " "), country="", timezone=zone_name,
        created_at=here.clock.now(),
    )  # fmt: skip
    here.save(runner)
    return runner


def leads_to_application(redirect_uri: str) -> bool:
    """Whether it is the application's host, or one of the two that are always allowed."""
    target = urlsplit(redirect_uri)
    allowed = {"localhost", "127.0.0.1", urlsplit(world().config.app_url or "").hostname}
    return target.scheme in ("http", "https") and target.hostname in allowed


def back(redirect_uri: str, answer: Iterable[tuple[str, str]]) -> Response:
    """Redirect to the application with the answer."""
    target = urlsplit(redirect_uri)
    query = urlencode([*parse_qsl(target.query, keep_blank_values=True), *answer], safe=":,")
    found = redirect(urlunsplit(target._replace(query=query)), 302)
    assert isinstance(found, Response)  # noqa: S101 - Flask's redirect returns Flask's Response
    return found
