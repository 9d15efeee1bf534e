"""The pages for people: the feed, the mailbox, the log, the faults."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, redirect, render_template, request

from sandbox import activities, connections
from sandbox.activities import Recording
from sandbox.calls import world
from sandbox.models import Activity
from sandbox.session import chosen_runner_id, remember_runner

blueprint = Blueprint("pages", __name__)


def _chosen() -> Any:
    here = world()
    runner_id = chosen_runner_id()
    return here.runners.get(runner_id or 0) or min(here.runners.values(), key=lambda r: r.id)


@blueprint.get("/")
def feed() -> Any:
    here, runner = world(), _chosen()
    with here.lock:
        page = render_template(
            "feed.html", runner=runner, runners=list(here.runners.values())[:50],
            found=here.activities_of(runner.id)[:50], connection=here.connection(runner.id), app_url=here.config.app_url,
        )  # fmt: skip
    answer = Response(page)
    remember_runner(answer, runner.id)
    return answer


@blueprint.post("/record")
def record() -> Any:
    here, runner, form = world(), _chosen(), request.form
    activities.record(here, runner, Recording(minutes=float(form.get("minutes") or 45)))
    return redirect("/", 303)


def _own(activity_id: int) -> Activity:
    return world().activity(activity_id)


@blueprint.post("/disconnect")
def disconnect() -> Any:
    connections.disconnect(world(), _chosen().id)
    return redirect("/", 303)


def not_found() -> Any:
    return Response("There is no such page.\n", 404, mimetype="text/plain")
