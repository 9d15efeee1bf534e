"""The pages, used as a person would: forms, links, words."""

from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path

from sandbox.control import COMMON_FAULTS
from tests.sandbox.conftest import MARA, Sandbox

NOTE = "Routine · 8 min\n1. Squeeze: 1 x 10 s\nSteps: http://127.0.0.1:8000/r/1\n— Coach"


def page(sandbox: Sandbox, path: str = "/", status: int = 200) -> str:
    answer = sandbox.http.get(path)
    assert answer.status_code == status
    text: str = answer.get_data(as_text=True)
    return text


def test_the_first_page_says_what_this_is_and_a_click_records_a_run(strava: Sandbox) -> None:
    text = page(strava)
    for words in (
        "a made-up Strava on this machine. Nothing here leaves it.",
        "Not connected yet",
        "No activities yet",
    ):
        assert words in text
    assert 'href="http://app.example:8000"' in text
    assert strava.http.post("/record", data={"preset": "easy"}).status_code == 303
    (truth,) = strava.look(f"/runners/{MARA}/activities")
    assert (truth["sport_type"], truth["moving_time_s"]) == ("Run", 2700)
    assert truth["name"] in page(strava)
    answer = strava.http.get(f"/activities/{truth['id']}")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/#a{truth['id']}")
    page(strava, "/activities/1", 404)
    assert "To the feed" in page(strava, "/nothing", 404)


def test_the_long_form_records_its_choices_and_a_mistake_keeps_them(strava: Sandbox) -> None:
    form = {
        "sport_type": "TrailRun", "workout_type": "long", "minutes": "95.5", "distance_km": "14.2", "climb_m": "620",
        "visibility": "only_me", "when": "at", "start_local": "2026-11-20T07:30", "trainer": "on", "manual": "on",
        "hide_start": "on", "title": "Up & down", "description": "a\r\nb", "private_note": "p",
    }  # fmt: skip
    refused = strava.http.post("/record", data=form | {"minutes": "-4", "title": "Kept <b>"})
    assert refused.status_code == 400
    for words in ("That could not be recorded", "minutes", 'value="Kept &lt;b&gt;"'):
        assert words in refused.get_data(as_text=True)
    strava.http.post("/record", data=form)
    (truth,) = strava.look(f"/runners/{MARA}/activities")
    assert truth["start_utc"] == "2026-11-20T06:30:00Z"  # Stockholm's wall time
    assert (truth["workout_type"], truth["distance_m"], truth["visibility"]) == (2, 14_200, "only_me")
    assert truth["trainer"] and truth["manual"] and truth["start_hidden"]  # noqa: PT018
    text = page(strava)
    for words in ("Up &amp; down", "Trail run", "Only you can see this activity", "Long run", "Start time hidden"):
        assert words in text


def test_the_note_stands_below_the_run_marked_as_private(connected: Sandbox) -> None:
    activity_id = connected.record(description="<script>alert(1)</script>")
    before = page(connected, "/feed/version")
    assert page(connected, "/feed/version") == before
    connected.put(activity_id, private_note=NOTE)
    assert page(connected, "/feed/version") != before
    text = page(connected)
    assert "Private note <span>only you</span>" in text
    assert "1. Squeeze: 1 x 10 s\nSteps: <a href=" in text
    assert "Private note\n    changed by the application" in text
    assert "<script>alert" not in text


def test_saving_the_edit_form_untouched_changes_nothing(connected: Sandbox) -> None:
    activity_id = connected.record(title="T", description="a\nb ", private_note=NOTE)
    before = connected.truth(activity_id)
    sent = {"title": "T", "sport_type": "Run", "description": "a\r\nb ", "private_note": NOTE.replace("\n", "\r\n")}
    connected.http.post(f"/activities/{activity_id}/edit", data=sent)
    assert connected.truth(activity_id) == before
    connected.http.post(f"/activities/{activity_id}/edit", data=sent | {"description": "a\r\nc"})
    assert connected.truth(activity_id)["description"] == "a\r\nc"


def test_another_runner_sees_only_their_own_in_their_units(strava: Sandbox) -> None:
    activity_id = strava.record(title="Mara's own")
    strava.http.post("/runner", data={"runner_id": str(MARA + 1)})
    strava.admin(f"/runners/{MARA + 1}/activities", {"distance_km": 8.04672, "minutes": 40, "climb_m": 100})
    text = page(strava)
    for words in ("Sam Okoro", "5.00 mi", "8:00 /mi", "328 ft"):
        assert words in text
    assert "Mara's own" not in text
    assert strava.http.post(f"/activities/{activity_id}/delete").status_code == 404
    assert strava.http.post("/runner", data={"runner_id": "5"}).status_code == 400


def test_another_site_presses_no_buttons_and_is_never_loaded(strava: Sandbox) -> None:
    for path in ("/record", "/admin/reset", "/faults/remove"):
        assert strava.http.post(path, headers={"Origin": "https://elsewhere.example"}).status_code == 403
    own = strava.http.post("/record", data={"preset": "easy"}, headers={"Origin": "http://localhost"})
    assert own.status_code == 303
    for path in ("/", "/mailbox", "/log", "/faults"):
        answer = strava.http.get(path)
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert 'src="http' not in answer.get_data(as_text=True)


def test_the_mailbox_shows_mails_newest_first_and_isolates_their_html(strava: Sandbox, folder: Path) -> None:
    box = folder / "mail"
    assert "No mail yet" in page(strava, "/mailbox")
    box.mkdir()
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = "Rest day, grüezi", "Coach <c@localhost>", "m@example.org"
    message.set_content("Hello in text, http://127.0.0.1:8000/a/1")
    (box / "1.eml").write_bytes(bytes(message))
    message.replace_header("Subject", "Newest")
    message.add_alternative("<html><head></head><img src='cid:squeeze'><script>x</script></html>", subtype="html")
    part = list(message.iter_parts())[1]
    assert isinstance(part, EmailMessage)
    part.add_related(b"\x89PNG", "image", "png", cid="<squeeze>")
    (box / "2.eml").write_bytes(bytes(message))
    text = page(strava, "/mailbox")
    assert text.index("Newest") < text.index("Rest day, grüezi")
    assert "sandbox=" in text
    policy = strava.http.get("/mailbox/html?mail=2.eml").headers["Content-Security-Policy"]
    assert "sandbox" in policy
    assert "allow-scripts" not in policy
    assert "default-src 'none'" in policy
    assert "src='data:image/png;base64,iVBORw=='" in page(strava, "/mailbox/html?mail=2.eml")
    assert "Hello in text" in page(strava, "/mailbox?mail=1.eml")

    (box / "broken.eml").write_bytes(b"\xff\xfe\x00 no mail at all")
    (box / "charset.eml").write_bytes(b"Content-Type: text/plain; charset=x-none\n\nx")
    (folder / "secret.eml").write_bytes(b"Subject: secret\n\nx")
    assert "Newest" in page(strava, "/mailbox")
    page(strava, "/mailbox/html?mail=../secret.eml", 404)
    assert "secret" not in page(strava, "/mailbox?mail=../secret.eml")


def test_the_log_shows_events_calls_and_the_use_of_the_limits(subscribed: Sandbox) -> None:
    activity_id = subscribed.record()
    subscribed.look("/wait?for=deliveries")
    subscribed.put(activity_id, private_note="x")
    text = page(subscribed, "/log")
    for words in (
        f"activity {activity_id}: create", "200 in", f"PUT /api/v3/activities/{activity_id}", "1 of 100",
        "No call was ever made over a limit",
    ):  # fmt: skip
        assert words in text


def test_every_common_fault_and_lasting_switch_goes_on_and_off_by_button(strava: Sandbox) -> None:
    for name in COMMON_FAULTS:
        strava.http.post("/faults/add", data={"fault": name})
        (fault,) = strava.look("/faults")
        assert "Switched on" in page(strava, "/faults")
        strava.http.post("/faults/remove", data={"id": str(fault["id"])})
        assert strava.look("/faults") == []
    usual = strava.look("/switches")
    for name in ("inactive", "no-private-note", "duplicates", "drops", "paused", "strip-links"):
        strava.http.post("/faults/toggle", data={"switch": name, "on": "1"})
        assert strava.look("/switches") != usual
        assert page(strava, "/faults").count('aria-pressed="true" aria-label') == 1
        strava.http.post("/faults/toggle", data={"switch": name, "on": "0"})
        assert strava.look("/switches") == usual


def test_time_and_size_are_buttons(strava: Sandbox) -> None:
    before = strava.look("/clock")["now"]
    strava.http.post("/faults/clock", data={"advance_s": "86400"})
    strava.http.post("/faults/clock", data={"speed": "60"})
    after = strava.look("/clock")
    assert (after["now"] - before >= 86_400, after["speed"]) == (True, 60)
    assert strava.http.post("/faults/clock", data={"speed": "fast"}).status_code == 400
    strava.http.post("/faults/tier", data={"tier": "10"})
    assert strava.look("/state")["limits"]["tier"] == "10 athletes"
