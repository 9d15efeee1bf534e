"""Every page without barriers: axe finds nothing in both colour schemes, nothing is too wide at 320 px, no foreign host.

What the pages say and do: tests/service/pages. Here is what only a browser does: keys, scripts, drawings that move.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from adductor.store.models import InboxEvent
from tests.browser.conftest import SMALLEST, Opens, no_barriers, suggested
from tests.support import people
from tests.support.live import Live, installation

pytestmark = [pytest.mark.processes, pytest.mark.browser]

TOKEN = "an-operators-made-up-token"
PAGES = ("/home", "/suggestions", "/settings", "/progress", "/privacy", "/check-in", "/exercises", "/nothing-here")
PAGES += ("/leave-out/side_lunge",)
SCREENS = pytest.mark.parametrize(
    ("scheme", "size"), [("light", SMALLEST), ("dark", people.DESKTOP)], ids=["light at 320 px", "dark on a desktop"]
)


def _complaints(page: Page) -> list[str]:
    found: list[str] = []
    page.on("console", lambda message: found.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    return found


@SCREENS
def test_every_page_is_free_of_barriers(live: Live, new_context: Opens, scheme: str, size: dict[str, int]) -> None:
    context: BrowserContext = new_context(scheme=scheme, size=size)
    hosts: set[str] = set()
    context.on("request", lambda request: hosts.add("/".join(request.url.split("/")[:3])))
    page = context.new_page()
    complaints = _complaints(page)
    page.goto(f"{live.web}/")
    no_barriers(page)
    people.authorize(live, page, name="Mara")
    expect(page.get_by_text("Hello Mara")).to_be_visible()
    no_barriers(page)
    page.get_by_role("button", name="Start").evaluate("button => button.form.noValidate = true")
    with page.expect_navigation():  # otherwise axe may read a page that is half there
        page.get_by_role("button", name="Start").click()
    no_barriers(page)
    page.close()
    context.clear_cookies()

    page, runner = people.connected(live, context)
    complaints += _complaints(page)
    expect(page.get_by_role("heading", name="Just record your next run")).to_be_visible()
    no_barriers(page)
    suggestion = suggested(live, runner)
    links, now = live.here.installation.links, live.here.installation.clock.now()
    key = links.runner_routine(suggestion.public_id)
    signed = [
        *(links.answer(suggestion.public_id, said, suggestion.created_at) for said in ("done", "pain")),
        links.unsubscribe(runner.id, str(runner.strava_id), now),
        links.confirm(runner.id, "anna@example.org", now),
    ]
    own = [*PAGES, f"/suggestions/{suggestion.public_id}", f"/routine/{suggestion.public_id}", "/a/nonsense"]
    for address in (*(live.web + path for path in own), *signed, key):
        page.goto(address)
        for summary in page.locator("summary").all()[:12]:
            summary.click()
        no_barriers(page)
    page.set_viewport_size({"width": people.PHONE["width"], "height": people.PHONE["height"]})
    for path in PAGES:
        page.goto(live.web + path)
        page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        assert page.evaluate("document.documentElement.scrollWidth") <= people.PHONE["width"], path
    page.set_viewport_size({"width": size["width"], "height": size["height"]})
    page.goto(key)
    page.get_by_role("button", name="Start the timer").click()
    page.get_by_role("button", name="Pause").click()
    no_barriers(page)
    page.get_by_role("button", name="It hurts").click()
    expect(page.get_by_label("I stopped because it hurt")).to_be_checked()
    no_barriers(page)
    page.locator("input[name=rpe][value='9']").check(force=True)
    page.locator("input[name=pain][value='8']").check(force=True)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("before you run or exercise")
    no_barriers(page)
    assert live.athlete(runner).hold_since is not None
    assert [text for text in complaints if "400" not in text and "404" not in text] == []
    assert hosts <= {live.web, live.sandbox}


def test_keyboard_alone_goes_through_a_whole_routine(live: Live, context: BrowserContext) -> None:
    page, runner = people.connected(live, context)
    page.goto(f"{live.web}/routine/{suggested(live, runner).public_id}")
    page.get_by_role("button", name="Start the timer").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")  # the focus is on Pause now
    expect(page.get_by_role("button", name="Resume")).to_be_focused()
    page.get_by_role("button", name="Next").focus()
    finish = page.locator("#finish-title")
    for _ in range(120):
        if finish.is_visible():
            break
        page.keyboard.press("Enter")
    expect(finish).to_be_focused()
    for key in ("Tab", "Tab", "Tab", "Space", "Tab", "Space", "Tab", "Tab", "Tab", "Enter"):
        page.keyboard.press(key)

    expect(page.get_by_role("heading", name="Done.")).to_be_focused()


def test_pain_is_told_with_the_keyboard_alone_and_the_referral_is_read(live: Live, context: BrowserContext) -> None:
    runner = live.runner()
    suggestion = suggested(live, runner)
    page = context.new_page()
    page.goto(live.here.installation.links.answer(suggestion.public_id, "pain", suggestion.created_at))
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("alert")).to_contain_text("Choose how strong the pain was")

    page.get_by_role("radio", name="0").first.focus()
    for _ in range(7):
        page.keyboard.press("ArrowRight")
    page.get_by_label("Where is it?").fill("left groin")
    page.get_by_label("Pain when hopping").focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Send").focus()
    page.keyboard.press("Enter")

    expect(page.get_by_role("alert")).to_contain_text("Please don't run until you have been seen.")
    assert live.athlete(runner).hold_since is not None
    no_barriers(page)


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_a_change_of_the_settings_is_saved_and_says_its_meaning(live: Live, new_context: Opens, script: bool) -> None:
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


@pytest.mark.parametrize("moving", [True, False], ids=["motion", "less motion"])
def test_drawings_move_or_are_still_pictures_as_the_system_asks(live: Live, new_context: Opens, moving: bool) -> None:
    page = new_context(moving=moving).new_page()
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url))
    page.goto(f"{live.web}/exercises", wait_until="networkidle")

    drawings, stills = page.locator(".exercise svg"), page.locator(".exercise img")
    expect(drawings.first if moving else stills.first).to_be_visible()
    expect(stills.first if moving else drawings.first).to_be_hidden()
    for still in [] if moving else stills.all():
        still.scroll_into_view_if_needed()
        page.wait_for_function("image => image.complete && image.naturalWidth > 0", arg=still.element_handle())
        assert (still.get_attribute("alt") or "").strip()
    page.locator(".exercise").last.scroll_into_view_if_needed()
    page.wait_for_load_state("networkidle")
    assert len([url for url in fetched if "/drawings/" in url]) == (0 if moving else stills.count())


@pytest.fixture(scope="module")
def operated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with installation(tmp_path_factory.mktemp("ops"), ADDUCTOR_OPS_TOKEN=TOKEN) as running:
        yield running


@SCREENS
def test_operator_tries_failures_again(operated: Live, new_context: Opens, scheme: str, size: dict[str, int]) -> None:
    run = operated.record(operated.runner())
    operated.note_comes(run)
    with operated.store.write() as session:
        row = session.get_one(InboxEvent, operated.events(run)[0].id)
        row.state, row.problem, row.attempts = "failed", "gave up after 1 day, 0:00:00: Strava answered 503", 31
    page = new_context(scheme=scheme, size=size).new_page()
    page.set_extra_http_headers({"Authorization": f"Basic {b64encode(f'operator:{TOKEN}'.encode()).decode()}"})
    page.goto(f"{operated.web}/ops")
    expect(page.get_by_text("events given up: 1")).to_be_visible()
    no_barriers(page)

    page.get_by_role("button", name="Try again", exact=True).click()
    expect(page.get_by_text("It is due now.")).to_be_visible()
    operated.until(lambda: operated.events(run)[0].state == "done")
    page.get_by_role("link", name="Refresh").click()
    expect(page.get_by_text("All is well")).to_be_visible()
    no_barriers(page)
