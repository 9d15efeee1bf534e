"""Settings that are saved as they change and say what it means. Every form: tests/service/pages/test_settings.py."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Opens
from tests.support import people
from tests.support.live import Live

pytestmark = [pytest.mark.processes, pytest.mark.browser]


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_a_change_is_saved_and_says_its_meaning(live: Live, new_context: Opens, script: bool) -> None:
    page, runner = people.connected(live, new_context(script=script))
    page.goto(f"{live.web}/settings")
    page.get_by_role("heading", name="Sessions").click()
    dose = page.locator("#dose")

    dose.get_by_label("One").check()
    if script:
        expect(dose.locator(".preview")).to_contain_text("Saved.")
        expect(dose.get_by_role("button")).to_have_count(0)
    else:
        dose.get_by_role("button", name="What would it mean?").click()
        assert live.athlete(runner).target_sessions_per_week == 2
    expect(dose.locator(".preview")).to_contain_text("At most one session in any seven days")
    expect(dose.get_by_label("One")).to_be_checked()
    if not script:
        dose.get_by_role("button", name="Save").click()
        expect(page.get_by_text("Saved.")).to_be_visible()
        expect(dose.get_by_label("One")).to_be_visible()  # the section is open still

    assert live.athlete(runner).target_sessions_per_week == 1
