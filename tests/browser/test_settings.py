"""Settings that say what a change means before it is kept. Every form: tests/service/pages/test_settings.py."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Opens
from tests.support import people
from tests.support.live import Live

pytestmark = [pytest.mark.processes, pytest.mark.browser]


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_a_change_says_its_meaning_before_it_is_kept(live: Live, new_context: Opens, script: bool) -> None:
    page, runner = people.connected(live, new_context(script=script))
    page.goto(f"{live.web}/settings")
    dose = page.locator("#dose")

    dose.get_by_label("One").check()
    if not script:
        dose.get_by_role("button", name="What would it mean?").click()
    expect(dose.locator(".preview")).to_contain_text("At most one session in any seven days")
    expect(dose.get_by_label("One")).to_be_checked()
    assert live.athlete(runner).target_sessions_per_week == 2
    dose.get_by_role("button", name="Save").click()

    expect(page.get_by_text("Saved.")).to_be_visible()
    assert live.athlete(runner).target_sessions_per_week == 1
