"""Files that are made from data: the drawings' stylesheet, and the script that keeps routines at hand offline."""

from __future__ import annotations

import gzip
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from flask import abort, current_app, request, url_for
from werkzeug.wrappers import Response

from adductor import drawings
from service.pages.access import Page, blueprint

_DAY_S = 86_400
_YEAR_S = 365 * _DAY_S
_COMPRESS_FROM_BYTES = 1000


@blueprint.get("/drawings.css")
def drawings_css() -> Page:
    """The stylesheet of the drawings; ``of`` names the exercises, without it everything."""
    asked = [id_ for id_ in request.args.get("of", "").split(",") if id_]
    if len(asked) > len(drawings.exercise_ids()) or not set(asked) <= set(drawings.exercise_ids()):
        abort(404)
    body, packed = _drawings_css(tuple(sorted(set(asked))))
    return packed_if_wanted(Response(body, mimetype="text/css"), packed, max_age_s=_DAY_S)


@blueprint.get("/drawings/<exercise_id>.svg")
def drawing_svg(exercise_id: str) -> Page:
    """An exercise where nothing may move, for the overview; ``scheme`` is light or dark."""
    scheme = request.args.get("scheme", "light")
    if exercise_id not in drawings.exercise_ids() or scheme not in ("light", "dark"):
        abort(404)
    body = drawings.at_rest(exercise_id, dark=scheme == "dark").encode()
    return packed_if_wanted(Response(body, mimetype="image/svg+xml"), _packed(body), max_age_s=_DAY_S)


@blueprint.get("/offline.js")
def offline_script() -> Page:
    """The service worker. It stands at the root so that it may serve the routines' addresses."""
    response = current_app.send_static_file("offline.js")
    response.headers["Cache-Control"] = "no-cache"
    return response


@blueprint.app_context_processor
def _static_files() -> dict[str, object]:
    return {"asset": asset}


@blueprint.after_app_request
def _static_file(response: Response) -> Response:
    """A static file: packed, and under an address that names its contents kept for good (RFC 8246)."""
    if request.endpoint != "static" or response.status_code not in (200, 304):
        return response
    if "v" in request.args:
        response.headers["Cache-Control"] = f"public, max-age={_YEAR_S}, immutable"
    etag, _ = response.get_etag()
    if etag is not None:
        response.set_etag(etag, weak=True)  # one for both forms
    if response.status_code == 304:
        return response
    response.direct_passthrough = False
    return packed_if_wanted(response, _packed(response.get_data()))


def asset(name: str) -> str:
    """The address of a static file, which changes with its contents: it may be kept for long."""
    folder = current_app.static_folder
    assert folder is not None  # noqa: S101 - we have one
    path = Path(folder) / name
    return url_for("static", filename=name, v=_fingerprint(str(path), path.stat().st_mtime_ns))


def packed_if_wanted(response: Response, packed: bytes, *, max_age_s: int | None = None) -> Response:
    """Send the packed form to whoever takes it. Only for what holds no secret."""
    response.vary.add("Accept-Encoding")
    if max_age_s is not None:
        response.headers["Cache-Control"] = f"public, max-age={max_age_s}"
    if request.accept_encodings.quality("gzip") > 0 and len(packed) >= _COMPRESS_FROM_BYTES:
        response.set_data(packed)
        response.headers["Content-Encoding"] = "gzip"
    return response


# Anybody may ask for any selection: so many are kept, 130 KB each at most.
@lru_cache(maxsize=64)
def _drawings_css(ids: tuple[str, ...]) -> tuple[bytes, bytes]:
    body = drawings.stylesheet(*ids).encode()
    return body, gzip.compress(body, mtime=0)


@lru_cache(maxsize=64)
def _packed(body: bytes) -> bytes:
    return gzip.compress(body, mtime=0)


@lru_cache(maxsize=64)
def _fingerprint(path: str, _changed_ns: int) -> str:
    return sha256(Path(path).read_bytes()).hexdigest()[:10]
