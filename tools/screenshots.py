"""`python -m tools.screenshots`: pictures of the pages, taken from a running installation, so that they stay true.

Writes docs/pictures/*.png (the best four, for the README). `--all FOLDER` writes every page, at phone and desktop width,
light and dark, for looking at them one by one.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page

from adductor.store.models import PlannedRunRecord
from tests.support import people
from tests.support.live import Live, Runner, installation

PICTURES = Path(__file__).parent.parent / "docs" / "pictures"
PALETTE_COLOURS = 96
OPERATOR = "an-operators-made-up-token"
PAST_WEEKS = [1, 2, 2, 0, 1, 2, 2, 2, 1, 2, 2]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.screenshots", description=__doc__)
    parser.add_argument("--all", type=Path, metavar="FOLDER", help="every page, into this folder")
    chosen = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="adductor-pictures-") as folder,
        installation(Path(folder), speed=2, ADDUCTOR_OPS_TOKEN=OPERATOR) as live,
        people.chromium() as browser,
    ):
        if chosen.all:
            chosen.all.mkdir(parents=True, exist_ok=True)
            _everything(live, browser, chosen.all)
        else:
            PICTURES.mkdir(parents=True, exist_ok=True)
            _best(live, browser, PICTURES)


def _best(live: Live, browser: Browser, folder: Path) -> None:
    with _looking(browser, "light", people.PHONE) as page:
        _, run = _a_runner(live, page)
        page.goto(f"{live.web}/home")
        page.get_by_role("button", name="No, thanks").click()
        _shoot(page, folder / "home.png")
        page.goto(f"{live.web}/routine/{_routine(live, run)}")
        page.get_by_role("button", name="Start the timer").click()
        page.get_by_role("button", name="Next").click()
        page.get_by_role("button", name="Pause").click()
        _shoot(page, folder / "routine.png")
        page.goto(f"{live.web}/suggestions/{_routine(live, run)}")
        _shoot(page, folder / "why.png")
        page.set_viewport_size({"width": 780, "height": 844})
        page.goto(f"{live.web}/exercises")
        _shoot(page, folder / "exercises.png")


def _everything(live: Live, browser: Browser, folder: Path) -> None:
    for scheme in ("light", "dark"):
        with _looking(browser, scheme, people.PHONE) as page:

            def shoot(name: str, path: str, page: Page = page, scheme: str = scheme) -> None:
                if path:
                    page.goto(live.web + path)
                for width, size in (("phone", people.PHONE), ("desktop", people.DESKTOP)):
                    page.set_viewport_size({"width": size["width"], "height": size["height"]})
                    _shoot(page, folder / f"{name}-{width}-{scheme}.png", whole=True)

            shoot("ops-sign-in", "/ops")
            page.get_by_label("Token").fill(OPERATOR)
            page.get_by_role("button", name="Sign in").click()
            shoot("ops", "/ops")
            shoot("start", "/")
            shoot("connect-denied", "/connect/strava/callback?error=access_denied")
            people.authorize(live, page)
            shoot("welcome", "")
            people.first_answers(page)
            shoot("home-new", "/home")
            page.context.clear_cookies()
            runner, run = _a_runner(live, page)
            routine = _routine(live, run)
            for name, path in (
                ("home", "/home"),
                ("review", "/suggestions"),
                ("suggestion", f"/suggestions/{routine}"),
                ("routine", f"/routine/{routine}"),
                ("settings", "/settings"),
                ("progress", "/progress"),
                ("privacy", "/privacy"),
                ("check-in", "/check-in"),
                ("exercises", "/exercises"),
                ("missing", "/nothing"),
            ):
                shoot(name, path)
            _in_the_player(live, page, routine, folder, scheme)
            live_now = live.here.installation.clock.now()
            with live.store.write() as session:
                athlete = live.athlete(runner)
                athlete.paused_until = (live_now + timedelta(days=9)).date()
                session.merge(athlete)
            shoot("home-paused", "/home")
            page.goto(f"{live.web}/home")
            page.get_by_role("button", name="End the pause").click()
            page.get_by_text("Check in", exact=True).click()
            shoot("home-check-in", "")
            page.get_by_role("button", name="Pain 7 of 10").click()
            shoot("home-hold", "/home")


def _in_the_player(live: Live, page: Page, routine: str, folder: Path, scheme: str) -> None:
    page.set_viewport_size({"width": people.PHONE["width"], "height": people.PHONE["height"]})
    page.goto(f"{live.web}/routine/{routine}")
    page.get_by_role("button", name="Start the timer").click()
    page.get_by_role("button", name="Next").click()
    page.get_by_role("button", name="Pause").click()
    for width, size in (("phone", people.PHONE), ("desktop", people.DESKTOP)):
        page.set_viewport_size({"width": size["width"], "height": size["height"]})
        _shoot(page, folder / f"player-{width}-{scheme}.png")
    page.get_by_role("button", name="Finish now").click()
    for width, size in (("phone", people.PHONE), ("desktop", people.DESKTOP)):
        page.set_viewport_size({"width": size["width"], "height": size["height"]})
        _shoot(page, folder / f"finish-{width}-{scheme}.png")


def _a_runner(live: Live, page: Page) -> tuple[Runner, int]:
    """A runner in the third month who has just come home from an easy run."""
    today = live.here.installation.clock.now().date()
    _, runner = people.connected(
        live,
        page.context,
        programme_stage=2,
        sessions_completed_total=17,
        sessions_at_stage=2,
        last_completed_on=today - timedelta(days=5),
        programme_started_on=today - timedelta(days=74),
        stage_since=today - timedelta(days=12),
        equipment=["chair", "ball", "long_band", "hard_floor", "step"],
        usual_runs=[{"weekday": 1, "at": "18:00", "kind": "easy"}, {"weekday": 6, "at": "09:00", "kind": "long"}],
        progress=[{"exercise": "standing_resisted_adduction", "sets": 3, "reps_or_holds": 10, "at_target": True}],
    )
    people.with_a_past(live, runner, PAST_WEEKS)
    with live.store.write() as session:
        start = live.here.installation.clock.now() + timedelta(days=24)
        session.add(
            PlannedRunRecord(
                athlete_id=runner.id, start=start, kind="race", priority="A", distance_km=21.1, name="Half marathon"
            )
        )
    run = live.record(runner, title="Along the river", private_note="New shoes. Legs fine.")
    live.note_comes(run)
    return runner, run


def _routine(live: Live, run: int) -> str:
    suggestion = live.suggestion(run)
    if suggestion is None:
        raise SystemExit("the run brought no routine, so there is nothing to take pictures of")
    return suggestion.public_id


@contextmanager
def _looking(browser: Browser, scheme: str, size: dict[str, int]) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": size["width"], "height": size["height"]},
        color_scheme="dark" if scheme == "dark" else "light",
        device_scale_factor=2 if size is people.PHONE and scheme == "light" else 1,
        reduced_motion="reduce",
        locale="en-GB",
    )
    yield context.new_page()
    context.close()


def _shoot(page: Page, file: Path, *, whole: bool = False) -> None:
    page.wait_for_load_state("networkidle")
    page.screenshot(path=file, full_page=whole)
    if file.parent == PICTURES:
        # Flat colours and their soft edges fit a palette, in a third of the bytes.
        image = Image.open(file).convert("RGB").quantize(PALETTE_COLOURS, dither=Image.Dither.NONE)
        image.save(file, optimize=True)


if __name__ == "__main__":
    main()
