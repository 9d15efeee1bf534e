"""Settings and the runner's own choices: only what works is offered, a preview changes nothing, a saved one counts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from adductor.athletes import activities, situations
from adductor.coaching.situation import Event, EventType, OwnExercise, Placement
from adductor.jobs import rounds
from adductor.notes import wording
from adductor.store.models import PlannedRunRecord
from service.pages import choice_forms
from tests.service.pages.conftest import SCOPES, Visitor, place_with
from tests.service.pages.test_forms import DOSE, OWN, RACE, RIGHT, ROUTINES, TIMES, YOU
from tests.support.memory_log import activity
from tests.support.runners import MORNING
from tests.support.site import site

SENTENCE = "When I come home on Tuesdays, I do it before the shower"


@pytest.mark.parametrize(
    ("section", "fields", "said"),
    [
        ("dose", {**DOSE, "target": "1"}, "At most one session in any seven days"),
        ("times", {**TIMES, "prompt": "06:00"}, "A rest-day prompt comes at 06:00"),
        ("equipment", {}, "After a run: "),
        ("runs", {"run_3": "18:00", "kind_3": "intervals"}, "(before: "),  # a hard run tomorrow
        ("email", {"email": "other@example.org"}, "We send one mail to other@example.org"),
        ("you", {**YOU, "condition": "1"}, "Routines wait"),
        ("races/add", {**RACE, "day": "2026-11-21"}, "(before: "),
        ("races/add", {**RACE, "day": "2027-06-06"}, "more than two weeks away"),
    ],
)
def test_preview_tells_and_changes_nothing(me: Visitor, section: str, fields: dict[str, str], said: str) -> None:
    before = me.export()

    page = me.post(f"/settings/{section}", do="preview", **fields)
    fragment = me.post(f"/settings/{section}", headers={"X-Fragment": "1"}, do="preview", **fields)

    for answer in (page, fragment):
        assert "Saved." not in answer.text
        assert answer.status_code == 200
        assert "What this means" in answer.text
        assert said in answer.text
    assert "<html" not in fragment.text
    assert me.export() == before


@pytest.mark.parametrize(
    ("target", "kept", "said", "unsaid"),
    [("1", 1, ("Saved.", "At most one session in any seven days"), "Not saved:"), ("9", 2, ("Not saved:",), "Saved.")],
)
def test_script_gets_meaning_or_error(me: Visitor, target: str, kept: int, said: tuple[str, ...], unsaid: str) -> None:
    answer = me.post("/settings/dose", headers={"X-Fragment": "1"}, do="save", **{**DOSE, "target": target}).text
    assert all(words in answer for words in said)
    assert unsaid not in answer
    assert me.row.target_sessions_per_week == kept


def test_saved_choices_are_kept(me: Visitor) -> None:
    after_runs = {"placement_post_run": "1", "channel_post_run": "private_note+mail"}
    on_rest_days = {"placement_rest_day": "1", "channel_rest_day": "pages"}
    me.post("/settings/dose", target="1", **after_runs, **on_rest_days)
    me.post("/settings/times", prompt="06:15", quiet_from="21:00", quiet_until="06:00")
    me.post("/settings/equipment", has_chair="1", has_ball="1")
    me.post(
        "/settings/runs", run_1="18:30", kind_1="tempo", run_5="09:00", kind_5="race_b", run_6="11:00", kind_6="race"
    )
    me.post("/settings/you", units="imperial", timezone="America/New_York", age="41", jumping="1")

    athlete, page = me.row, me.page("/settings")
    assert athlete.target_sessions_per_week == 1
    assert athlete.placements == ["post_run", "rest_day"]
    assert athlete.channels == {"post_run": ["private_note", "mail"], "rest_day": "pages"}
    assert (athlete.rest_day_prompt_local, athlete.quiet_from_local) == ("06:15", "21:00")
    assert athlete.equipment == ["chair", "ball"]
    runs = [(run["at"], run["kind"], run.get("priority")) for run in athlete.usual_runs]
    assert runs == [("18:30", "tempo", None), ("09:00", "race", "B"), ("11:00", "race", None)]
    assert (athlete.units, athlete.timezone, athlete.age_years) == ("imperial", "America/New_York", 41)
    assert athlete.plyometrics_cleared
    for selected in ("private_note+mail", "race_b"):
        assert f'<option value="{selected}" selected>' in page
    with me.here.installation.store.read() as session:
        plan = situations.of(session, athlete, Event(EventType.CLOCK_TICK), me.here.now).plan
    assert {(run.start.weekday(), run.priority) for run in plan} == {(1, None), (5, "B"), (6, None)}


def test_change_counts_today_and_a_time_zone_until_a_later_activity(me: Visitor) -> None:
    me.suggested()

    me.post("/settings/you", **{**YOU, "timezone": "Asia/Tokyo"}, condition="1")

    assert me.suggestion.status == "withdrawn"
    here, runner = me.here, me.runner
    for hours_ago, zone in ((9, "Asia/Tokyo"), (3, "Europe/Berlin"), (2, "Europe/Berlin")):
        here.later(hours=6)
        start = here.now - timedelta(hours=hours_ago)
        run = activity(here.owner(runner), f"strava:{hours_ago}", start, timezone="Europe/Berlin")
        with here.installation.store.write() as session:
            activities.keep(here.coach(session, runner), run, uploaded_at=here.now)
        assert me.row.timezone == zone


@pytest.mark.parametrize(("address", "mails"), [("other@example.org", 1), ("runner@example.org", 0)])
def test_address_ends_an_unsubscription_and_a_new_one_must_be_confirmed(me: Visitor, address: str, mails: int) -> None:
    me.change(unsubscribed_at=me.here.now)
    me.post("/settings/email", email=address)
    assert (me.row.email, me.row.unsubscribed_at) == (address, None)
    assert (me.row.email_confirmed_at is None) is bool(mails)
    assert len(me.here.letters(me.runner)) == mails


def _races(me: Visitor) -> list[PlannedRunRecord]:
    with me.here.installation.store.read() as session:
        return list(session.scalars(select(PlannedRunRecord)))


@pytest.mark.parametrize(
    ("row", "day", "start", "km"),
    [
        ({"units": "imperial", "timezone": "America/New_York"}, "2026-12-06", "2026-12-06T15:00:00+00:00", 33.96),
        # Its hour stays when the clocks change.
        ({"timezone": "Europe/Berlin"}, "2027-04-04", "2027-04-04T08:00:00+00:00", 21.1),
    ],
)
def test_race_is_kept_once_in_ones_own_units_and_time(
    me: Visitor, row: dict[str, str], day: str, start: str, km: float
) -> None:
    me.change(**row)

    for _ in range(2):
        me.post("/settings/races/add", **{**RACE, "day": day})

    (race,) = _races(me)
    assert race.start.isoformat() == start
    assert race.distance_km == pytest.approx(km, abs=0.01)
    assert ("21.1 mi" if "units" in row else "21.1 km") in me.page("/settings")
    me.post(f"/settings/races/{race.id}/remove")
    assert _races(me) == []


def test_choices_are_kept_and_the_coach_gets_them(me: Visitor) -> None:
    me.post("/settings/routines", **{**ROUTINES, "after_run": "5", "side": "left", "sentence": f" {SENTENCE}\n"})
    me.post("/settings/own", **OWN, per_side="1")
    me.post("/settings/own", **{**OWN, "name": "Wall <b>sit</b>", "hold_s": "30", "on_rest_day": "1"})
    me.post("/settings/keep", maintaining="1")

    coached = situations.athlete_of(me.row)
    assert (coached.minutes_after_run, coached.minutes_rest_day, coached.less_steady_side) == (5, 15, "left")
    assert (me.row.if_then, coached.maintaining) == (SENTENCE, True)
    clam, sit = coached.own_exercises
    assert clam == OwnExercise(clam.id, "Clam shell", 2, 12, None, None, True, frozenset({Placement.POST_RUN}))
    assert (sit.reps, sit.holds, sit.hold_s) == (None, 12, 30)
    me.sees("/settings", "Wall &lt;b&gt;sit&lt;/b&gt;", f'value="{SENTENCE}"')
    me.post(f"/settings/own/{clam.id}/remove")
    assert [one["name"] for one in me.row.own_exercises] == ["Wall <b>sit</b>"]


@pytest.mark.parametrize("channel", ["private_note", "description"])
def test_choice_changes_the_next_note_and_own_words_stay_private(me: Visitor, channel: str) -> None:
    me.change(channels={"post_run": channel}, minutes_after_run=5)
    me.post("/leave-out/standing_resisted_adduction", reason="place")
    me.post("/settings/routines", **{**ROUTINES, "after_run": "15", "sentence": SENTENCE})
    me.post("/settings/own", **OWN)

    suggestion = me.suggested()

    (note,) = [delivery.block for delivery in me.here.deliveries(me.runner)]
    is_private = channel == "private_note"
    assert wording.short_name("standing_resisted_adduction") not in note
    assert ("Clam shell: 2 x 12" in note) is is_private
    assert ("An exercise of my own: 2 x 12" in note) is not is_private
    assert SENTENCE not in note or is_private
    stranger = me.http.application.test_client().get(f"/routine/{suggestion.public_id}").text
    assert 'data-name="An exercise of my own"' in stranger
    assert "Clam shell" not in stranger


def test_limit_of_every_routine_stays_until_other_minutes_are_chosen(me: Visitor) -> None:
    me.change(minutes_available=8)
    for asked, limit in (("5", 8), ("10", None)):
        me.post("/settings/routines", **{**ROUTINES, "after_run": asked, "rest_day": "5"})
        assert me.row.minutes_available == limit


def test_own_exercises_have_an_end_and_no_name_twice(me: Visitor) -> None:
    for number in range(choice_forms.MOST_OWN):
        me.post("/settings/own", **{**OWN, "name": f"Exercise {number}"})

    full = me.post("/settings/own", **{**OWN, "name": "One more"})
    me.change(own_exercises=me.row.own_exercises[:2])
    twice = me.post("/settings/own", **{**OWN, "name": "EXERCISE 1"})

    assert "exercises of your own are there already; remove one first" in full.text
    assert "“EXERCISE 1” is there already" in twice.text
    assert len(me.row.own_exercises) == 2


def test_exercise_is_left_out_after_a_look_at_what_replaces_it_and_taken_back(me: Visitor) -> None:
    path, before = "/leave-out/standing_resisted_adduction", me.export()
    assert f"In its place: {wording.short_name('side_lying_adduction_floor')}." in me.page(path)
    assert me.export() == before

    me.post(path, reason="pain")

    assert me.row.left_out == {"standing_resisted_adduction": "pain"}
    page = me.page("/settings")
    assert "tell us how much in a check-in" in page
    assert choice_forms.REASONS["pain"] in page
    me.post(f"{path}/undo")
    assert me.row.left_out == {}
    assert me.get("/leave-out/somersault").status_code == 404


def test_one_direct_exercise_without_equipment_stays(me: Visitor) -> None:
    direct = ("supine_adductor_squeeze", "side_lying_adduction_top_leg_elevated", "side_lying_adduction_floor")
    *_, answer = [me.post(f"/leave-out/{exercise}", reason="dislike") for exercise in direct]
    assert (answer.status_code, "one must stay" in answer.text) == (400, True)
    assert set(me.row.left_out) == set(direct[:2])


def test_maintenance_is_taken_back_as_easily(me: Visitor) -> None:
    me.change(programme_stage=4, stage_since=me.here.now.date() - timedelta(weeks=8))
    assert "What this means" in me.post("/settings/keep", do="preview", maintaining="1").text
    assert not me.row.maintaining

    me.post("/settings/keep", maintaining="1")

    assert me.row.maintaining
    assert "Twice a week again" in me.page("/home")
    me.post("/settings/keep")
    assert not me.row.maintaining


Open = Callable[..., Visitor]
SERVER = "smtp://mail.example.org"
READ_ONLY = "read,activity:read_all"


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    """A runner without an address, signed in, at an installation with or without a mail server."""
    with ExitStack() as stack:

        def open_for(server: str, **columns: object) -> Visitor:
            here = stack.enter_context(place_with(tmp_path, ADDUCTOR_SMTP_URL=server))
            visitor = Visitor(site(here, testing=True).test_client(), here)
            visitor.sign_in(here.runner(**{"email": None, "email_confirmed_at": None, **columns}))
            return visitor

        yield open_for


NOTES, BOTH = "private_note description", "private_note+mail"


@pytest.mark.parametrize(
    ("server", "scopes", "first", "later"),
    [
        (SERVER, SCOPES, NOTES, [f"{NOTES} mail {BOTH} pages", "mail private_note pages", "mail"]),
        (SERVER, READ_ONLY, "mail pages", ["mail pages", "mail pages", "mail"]),
        ("", SCOPES, NOTES, [f"{NOTES} pages", "private_note pages"]),
        ("", READ_ONLY, "pages", ["pages", "pages"]),
    ],
    ids=["all", "no permission", "no mail server", "neither"],
)
def test_channels_that_work_are_offered(opened: Open, server: str, scopes: str, first: str, later: list[str]) -> None:
    """After a run, on a rest day, as a warm-up."""
    visitor = opened(server, scopes=scopes)
    welcome, settings = visitor.page("/welcome"), visitor.page("/settings")
    selects = re.findall(r'<select name="channel_.*?</select>', settings, re.DOTALL)

    assert re.findall(r'name="place" value="(\w+)"', welcome) == first.split()
    assert [re.findall(r'option value="([^"]+)"', select) for select in selects] == [each.split() for each in later]


def test_routine_of_a_run_is_announced_when_only_the_pages_can_hold_it(opened: Open) -> None:
    me = opened("", scopes=READ_ONLY, channels={"post_run": "private_note"})
    me.change(paused_until=me.here.now.date())
    me.here.run_done(me.runner)
    me.here.later(days=7)
    assert "Nothing in the next two weeks" not in me.page("/home")


@pytest.mark.parametrize("scopes", [SCOPES, READ_ONLY])
def test_no_page_speaks_of_mail_without_a_mail_server(opened: Open, scopes: str) -> None:
    me = opened("", scopes=scopes, private_note_refused_at=None)
    paths = ["/welcome", "/home", "/settings", "/suggestions", "/exercises", "/check-in", "/"]
    paths.append(f"/suggestions/{me.suggested().public_id}")
    assert [path for path in paths if "mail" in me.page(path).lower()] == []


def test_address_kept_from_a_time_with_a_mail_server_promises_no_mail(opened: Open) -> None:
    known = {"email": "me@example.org", "email_confirmed_at": MORNING}
    me = opened("", **known, channels={"post_run": "mail"}, placements=["post_run", "warm_up"])
    suggestion = me.suggested()
    rounds.work(me.here.installation)

    assert "so it may not have reached you" in me.page(f"/suggestions/{suggestion.public_id}")
    assert "We send" not in me.post("/settings/email", do="preview", email="other@example.org").text
    me.post("/settings/dose", **{**DOSE, "channel_post_run": "description"})
    assert me.row.placements == ["post_run", "warm_up"]
    assert "sends no mail at the moment" in me.page("/settings")
    me.post("/settings/email", email="")
    assert me.row.email is None


BY_MAIL = {"/welcome": {**RIGHT, "place": "mail"}, "/settings/dose": {**DOSE, "channel_post_run": "mail"}}


@pytest.mark.parametrize("path", BY_MAIL)
def test_mail_needs_an_address_first(opened: Open, path: str) -> None:
    me = opened(SERVER, scopes=READ_ONLY, confirmed_at=None if path == "/welcome" else MORNING)

    refused = me.post(path, **BY_MAIL[path])

    assert (refused.status_code, "address" in refused.text) == (400, True)
    if path == "/welcome":
        assert me.post(path, **BY_MAIL[path], email="me@example.org").status_code == 302
        assert me.row.channels == {"post_run": "mail", "rest_day": "mail"}
