"""Pages for what can't be shown: missing, not yours, out of date."""

from __future__ import annotations

from flask import render_template
from flask_wtf.csrf import CSRFError

from service.pages.access import Page, blueprint


@blueprint.app_errorhandler(404)
def not_found(_: Exception) -> Page:
    return render_template("message.html", title="Nothing here", text="This page doesn't exist, or no longer."), 404


@blueprint.app_errorhandler(CSRFError)
def form_out_of_date(_: Exception) -> Page:
    text = "Nothing was changed. You may have signed out in another tab: go back, reload the page and send it again."
    return render_template("message.html", title="This form is out of date", text=text), 400


@blueprint.app_errorhandler(401)
def not_signed_in(_: Exception) -> Page:
    return render_template("message.html", title="You are signed out", text="Sign in and try again."), 401


@blueprint.app_errorhandler(413)
def too_much(_: Exception) -> Page:
    return render_template("message.html", title="That was too much", text="Nothing was changed: send less text."), 413


@blueprint.app_errorhandler(500)
def our_fault(_: Exception) -> Page:
    text = "Something went wrong on our side; your record is safe. Try again in a minute."
    return render_template("message.html", title="That did not work", text=text), 500
