"""Bytes that no browser sends, and not every web server refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import EnvironBuilder, run_wsgi_app

from tests.support.runners import place
from tests.support.site import site


def _asked(folder: Path, path: str, query: bytes) -> tuple[int, bytes]:
    with place(folder, STRAVA_CLIENT_ID="1", STRAVA_CLIENT_SECRET="secret") as here:
        app = site(here)
        environ: dict[str, Any] = EnvironBuilder(path.format(key=here.installation.settings.webhook_key)).get_environ()
        # As WSGI has it: bytes as they came, one character each.
        environ["QUERY_STRING"] = query.decode("latin-1")
        pieces, status, _ = run_wsgi_app(app, environ)
        return int(status.partition(" ")[0]), b"".join(pieces)


@pytest.mark.parametrize(
    ("path", "status"),
    [("/webhooks/strava/{key}", 400), ("/connect/strava/callback", 400), ("/connect/strava", 302), ("/", 200)],
)
def test_a_query_that_is_no_utf_8_is_the_senders_fault(tmp_path: Path, path: str, status: int) -> None:
    assert _asked(tmp_path, path, b"state=\xff&hub.mode=\xc3&next=\x80")[0] == status


def test_raw_utf_8_in_a_query_reads_as_if_it_were_percent_encoded(tmp_path: Path) -> None:
    with place(tmp_path) as here:
        token = here.installation.settings.verify_token
    query = f"hub.mode=subscribe&hub.verify_token={token}&hub.challenge=".encode()

    for challenge in ("Größe".encode(), b"Gr%C3%B6%C3%9Fe"):
        status, body = _asked(tmp_path, "/webhooks/strava/{key}", query + challenge)

        assert (status, body.strip()) == (200, b'{"hub.challenge":"Gr\\u00f6\\u00dfe"}')
