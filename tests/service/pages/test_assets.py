"""Compression and caching of files that are the same for everyone."""

from __future__ import annotations

import gzip
import json
import re

import pytest
from flask import Flask


def _stylesheet(app: Flask) -> str:
    found = re.search(r"/static/style\.css\?v=[0-9a-f]+", app.test_client().get("/").text)
    assert found is not None
    return found.group(0)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/drawings.css?of=jump_lunges", 200),
        ("/drawings.css?of=../../secrets", 404),
        ("/drawings/nothing.svg", 404),
        ("/drawings/jump_lunges.svg?scheme=dark", 200),
        ("/drawings/jump_lunges.svg?scheme=pink", 404),
        ("/routine/nope", 404),
        ("/routine/nope/state", 404),
        ("/routine/nope/exercise/0/jump_lunges", 404),
    ],
)
def test_address_of_something_unknown_is_404(app: Flask, path: str, status: int) -> None:
    assert app.test_client().get(path).status_code == status


@pytest.mark.parametrize("path", ["style", "/drawings.css", "/exercises"])
def test_response_is_compressed_for_clients_that_accept_it(app: Flask, path: str) -> None:
    path = _stylesheet(app) if path == "style" else path
    plain, packed = (
        app.test_client().get(path, headers={"Accept-Encoding": encoding}) for encoding in ("identity", "gzip")
    )

    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert gzip.decompress(packed.data) == plain.data
    assert len(packed.data) < min(len(plain.data) / 2, 60_000)


def test_static_file_is_immutable_only_under_its_fingerprint(app: Flask) -> None:
    browser = app.test_client()
    found = browser.get(_stylesheet(app), headers={"Accept-Encoding": "gzip"})

    again = browser.get(_stylesheet(app), headers={"If-None-Match": found.headers["ETag"], "Accept-Encoding": "gzip"})

    assert "immutable" in found.headers["Cache-Control"]
    assert (again.status_code, again.data) == (304, b"")
    assert "immutable" not in browser.get("/static/style.css").headers.get("Cache-Control", "")


def test_first_page_is_light_and_says_why_what_for_and_by_whom_before_the_button(app: Flask) -> None:
    browser = app.test_client()
    answers = [browser.get("/")]
    html = answers[0].text
    loaded = re.findall(r'<(?:script[^>]* src|img[^>]* src|link rel="(?:stylesheet|icon)" href)="([^"]+)"', html)
    answers += [browser.get(path, headers={"Accept-Encoding": "gzip"}) for path in set(loaded)]

    assert all(answer.status_code == 200 for answer in answers)
    assert len(loaded) >= 4
    assert sum(len(answer.data) for answer in answers) <= 60_000
    before = html[: html.index('class="connect"')]
    for said in ("Why the adductors?", "no trial of such routines in runners", "What is Strava asked for?"):
        assert said in before
    assert "they have not left a name here" in before


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/manifest.webmanifest", "application/manifest+json"),
        ("/robots.txt", "text/plain"),
        ("/favicon.ico", "image/vnd.microsoft.icon"),
    ],
)
def test_root_holds_what_browsers_and_search_engines_ask_for(app: Flask, path: str, kind: str) -> None:
    answer = app.test_client().get(path)

    assert (answer.status_code, answer.mimetype) == (200, kind)
    if path.startswith("/manifest"):
        icons = [icon["src"] for icon in json.loads(answer.text)["icons"]]
        assert [app.test_client().get(icon).mimetype for icon in icons] == ["image/png"] * 3
