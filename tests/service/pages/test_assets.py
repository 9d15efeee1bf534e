"""Files that never change under their address are kept, and sent packed to whoever takes them so."""

from __future__ import annotations

import gzip
import re

from flask import Flask


def _stylesheet(app: Flask) -> str:
    found = re.search(r"/static/style\.css\?v=[0-9a-f]+", app.test_client().get("/").text)
    assert found is not None
    return found.group(0)


def test_a_static_file_is_packed_and_kept_for_good(app: Flask) -> None:
    plain = app.test_client().get(_stylesheet(app))
    packed = app.test_client().get(_stylesheet(app), headers={"Accept-Encoding": "gzip"})

    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert len(packed.data) < len(plain.data) / 2
    assert "immutable" in packed.headers["Cache-Control"]
    assert "Accept-Encoding" in packed.headers["Vary"]


def test_whoever_has_it_already_gets_nothing_again(app: Flask) -> None:
    address = _stylesheet(app)
    etag = app.test_client().get(address, headers={"Accept-Encoding": "gzip"}).headers["ETag"]

    again = app.test_client().get(address, headers={"If-None-Match": etag, "Accept-Encoding": "gzip"})

    assert (again.status_code, again.data) == (304, b"")


def test_an_address_without_a_fingerprint_is_not_kept_for_good(app: Flask) -> None:
    assert "immutable" not in app.test_client().get("/static/style.css").headers.get("Cache-Control", "")
