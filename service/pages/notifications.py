"""Web Push on the pages: a browser is subscribed and removed. It is offered after the first routine that was done."""

from __future__ import annotations

from flask import flash, jsonify, redirect, request, url_for

from adductor.athletes import browsers
from adductor.push import PushSubscription, SubscriptionError
from service import numbers
from service.context import installation
from service.pages.access import Page, blueprint, current_athlete, signed_in
from service.pages.forms import changing


@blueprint.app_template_global()
def push_key() -> str | None:
    """The key for subscribing; None while notifications are not offered."""
    athlete = current_athlete()
    done = athlete is not None and (athlete.last_completed_on is not None or athlete.push_since is not None)
    return installation().pusher.public_key if done else None


@blueprint.post("/notifications")
@signed_in
def subscribe() -> Page:
    """Store the subscription of the runner's browser. Each visit sends it ``again``: only a known one is kept then."""
    names = ("endpoint", "p256dh", "auth")
    given = PushSubscription(**{name: request.form.get(name, "") for name in names})
    try:
        with changing() as coach:
            if request.form.get("again") and not browsers.find(coach.session, coach.athlete.id, given.endpoint):
                return jsonify(saved=False, ended=True), 410
            browsers.subscribe(coach.session, coach.installation, coach.athlete, given, coach.now)
    except SubscriptionError as error:
        return jsonify(saved=False, problem=f"This browser can't be notified: {error}."), 400
    return jsonify(saved=True)


@blueprint.post("/notifications/remove")
@signed_in
def unsubscribe() -> Page:
    """Remove a browser: by its address (the browser itself asks) or its number in the list of the settings."""
    number = request.form.get("browser", type=numbers.row_id)
    with changing() as coach:
        found = browsers.find(coach.session, coach.athlete.id, request.form.get("endpoint", ""))
        browsers.remove(coach.session, coach.athlete.id, [each for each in (number, found and found.id) if each])
    flash("That browser gets no more notifications.", "done")
    return redirect(url_for("pages.settings") + "#notifications")
