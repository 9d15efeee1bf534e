"""Compressed responses, files made from data (drawings), and cache-busting addresses of static files."""

from __future__ import annotations

import gzip
from hashlib import sha256
from pathlib import Path

from flask import abort, current_app, render_template, request, session, url_for
from werkzeug.wrappers import Response

from adductor import drawings
from service.context import installation
from service.pages.access import Page, blueprint, current_athlete

_DAY_S = 86_400
_YEAR_S = 365 * _DAY_S
_COMPRESS_FROM_BYTES = 1000
_LEVEL = 5


@blueprint.get("/drawings.css")
def drawings_css() -> Page:
    """The stylesheet of the drawings; ``of`` names the exercises, without it everything."""
    asked = {id_ for id_ in request.args.get("of", "").split(",") if id_}
    if not asked <= set(drawings.exercise_ids()):
        abort(404)
    return _kept_for_a_day(drawings.stylesheet(*sorted(asked)), "text/css")


@blueprint.get("/drawings/<exercise_id>.svg")
def drawing_svg(exercise_id: str) -> Page:
    """An exercise where nothing may move, for the overview; ``scheme`` is light or dark."""
    scheme = request.args.get("scheme", "light")
    if exercise_id not in drawings.exercise_ids() or scheme not in ("light", "dark"):
        abort(404)
    return _kept_for_a_day(drawings.svg(exercise_id, "dark" if scheme == "dark" else "light"), "image/svg+xml")


@blueprint.get("/offline.js")
def offline_script() -> Page:
    """The service worker. It stands at the root so that it may serve every page."""
    response = current_app.send_static_file("offline.js")
    response.headers["Cache-Control"] = "no-cache"
    return response


@blueprint.get("/<any('manifest.webmanifest', 'robots.txt', 'favicon.ico'):name>")
def root_file(name: str) -> Page:
    """What browsers and search engines ask for at the root."""
    response = current_app.send_static_file(name)
    response.headers["Cache-Control"] = f"public, max-age={_DAY_S}"
    return response


@blueprint.get("/offline")
def offline() -> Page:
    """What the service worker shows where a page is not at hand."""
    text = "Home and your next routine are kept on this device. Everything else needs a connection."
    return render_template("message.html", title="No connection", text=text, athlete=None, to_home=True)


@blueprint.after_app_request
def _name_owner(response: Response) -> Response:
    """Say whose page it is, so that the service worker drops the pages that it keeps when the browser changes hands."""
    if response.mimetype == "text/html" and response.status_code < 400:
        response.headers["X-Pages-Of"] = pages_of()
    return response


@blueprint.app_template_global()
def pages_of() -> str:
    """A mark of the runner who is signed in, or of none; it says nothing to others."""
    athlete = current_athlete() if "athlete" in session else None  # it may just have left
    mark = f"pages of {athlete.id} {athlete.connection.external_id}" if athlete is not None else "pages of none"
    return installation().settings.derived(mark)[:16]


@blueprint.after_app_request
def _static_file(response: Response) -> Response:
    """Compress a static file; under an address that names its contents it is kept for good (RFC 8246)."""
    if request.endpoint != "static" or response.status_code not in (200, 304):
        return response
    if "v" in request.args:
        response.headers["Cache-Control"] = f"public, max-age={_YEAR_S}, immutable"
    etag, _ = response.get_etag()
    if etag is not None:
        response.set_etag(etag, weak=True)  # one for both forms
    response.direct_passthrough = False
    return response if response.status_code == 304 else compressed(response)


@blueprint.app_template_global()
def asset(name: str) -> str:
    """The address of a static file, which changes with its contents: it may be kept for long."""
    path = Path(current_app.static_folder or "") / name
    return url_for("static", filename=name, v=sha256(path.read_bytes()).hexdigest()[:10])


def compressed(response: Response) -> Response:
    """Compress the body for clients that accept gzip. Only for what holds no secret that an attacker could guess at."""
    response.vary.add("Accept-Encoding")
    if request.accept_encodings.quality("gzip") > 0:
        body = gzip.compress(response.get_data(), compresslevel=_LEVEL, mtime=0)
        if len(body) >= _COMPRESS_FROM_BYTES:
            response.set_data(body)
            response.headers["Content-Encoding"] = "gzip"
    return response


def _kept_for_a_day(body: str, mimetype: str) -> Response:
    headers = {"Cache-Control": f"public, max-age={_DAY_S}"}
    return compressed(Response(body, mimetype=mimetype, headers=headers))
