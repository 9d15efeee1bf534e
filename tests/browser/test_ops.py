"""The operator's page without barriers in both colour schemes. What it does: tests/service/test_ops_page.py."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from adductor.store.models import InboxEvent
from tests.browser.conftest import SMALLEST, Opens, no_barriers
from tests.support import people
from tests.support.live import Live, installation

pytestmark = [pytest.mark.processes, pytest.mark.browser]

TOKEN = "an-operators-made-up-token"


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with installation(tmp_path_factory.mktemp("ops"), ADDUCTOR_OPS_TOKEN=TOKEN) as running:
        yield running


@pytest.mark.parametrize(
    ("scheme", "size"), [("light", SMALLEST), ("dark", people.DESKTOP)], ids=["light at 320 px", "dark on a desktop"]
)
def test_operator_sees_what_failed_and_tries_again(
    live: Live, new_context: Opens, scheme: str, size: dict[str, int]
) -> None:
    run = live.record(live.runner())
    live.note_comes(run)
    with live.store.write() as session:
        row = session.get_one(InboxEvent, live.events(run)[0].id)
        row.state, row.problem, row.attempts = "failed", "gave up after 1 day, 0:00:00: Strava answered 503", 31
    page = new_context(scheme=scheme, size=size).new_page()
    page.set_extra_http_headers({"Authorization": f"Basic {b64encode(f'operator:{TOKEN}'.encode()).decode()}"})
    page.goto(f"{live.web}/ops")
    expect(page.get_by_text("events given up: 1")).to_be_visible()
    no_barriers(page)

    page.get_by_role("button", name="Try again", exact=True).click()
    expect(page.get_by_text("It is due now.")).to_be_visible()
    live.until(lambda: live.events(run)[0].state == "done")
    page.get_by_role("link", name="Refresh").click()
    expect(page.get_by_text("All is well")).to_be_visible()
    no_barriers(page)
