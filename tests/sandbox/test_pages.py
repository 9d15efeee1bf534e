"""The pages, used as a person would: forms, links, words."""

from __future__ import annotations

from email.message import EmailMessage

import pytest

from sandbox.config import SandboxConfig
from sandbox.control import COMMON_FAULTS
from tests.sandbox.conftest import MARA, Sandbox

NOTE = "Routine · 8 min\n1. Squeeze: 1 x 10 s\nSteps: http://127.0.0.1:8000/r/1\n— Coach"


def page(sandbox: Sandbox, path: str = "/", status: int = 200) -> str:
    answer = sandbox.http.get(path)
    assert answer.status_code == status
    text: str = answer.get_data(as_text=True)
    return text


def test_the_first_page_says_what_this_is_and_what_to_do(strava: Sandbox) -> None:
    text = page(strava)
    assert "a made-up Strava on this machine. Nothing here leaves it." in text
    assert "Not connected yet" in text
    assert 'href="http://app.example:8000"' in text
    assert "No activities yet" in text


def test_one_click_records_a_run(strava: Sandbox) -> None:
    assert strava.http.post("/record", data={"preset": "easy"}).status_code == 303
    (truth,) = strava.look(f"/runners/{MARA}/activities")
    assert (truth["sport_type"], truth["moving_time_s"]) == ("Run", 2700)
    assert truth["name"] in page(strava)


def test_a_link_to_an_activity_leads_to_it_in_its_runners_feed(strava: Sandbox) -> None:
    strava.http.post("/record", data={"preset": "easy"})
    (truth,) = strava.look(f"/runners/{MARA}/activities")

    answer = strava.http.get(f"/activities/{truth['id']}")

    assert (answer.status_code, answer.headers["Location"]) == (303, f"/#a{truth['id']}")
    assert strava.http.get("/activities/1").status_code == 404


def test_the_long_form_records_what_was_chosen(strava: Sandbox) -> None:
    strava.http.post(
        "/record",
        data={
            "sport_type": "TrailRun", "workout_type": "long", "minutes": "95.5", "distance_km": "14.2",
            "climb_m": "620", "visibility": "only_me", "when": "at", "start_local": "2026-11-20T07:30",
            "trainer": "on", "manual": "on", "hide_start": "on", "title": "Up & down", "description": "a\r\nb",
            "private_note": "p",
        },
    )  # fmt: skip
    (truth,) = strava.look(f"/runners/{MARA}/activities")
    assert truth["start_utc"] == "2026-11-20T06:30:00Z"  # Stockholm's wall time
    assert (truth["workout_type"], truth["distance_m"], truth["visibility"]) == (2, 14_200, "only_me")
    assert truth["trainer"]
    assert truth["manual"]
    assert truth["start_hidden"]
    text = page(strava)
    for words in ("Up &amp; down", "Trail run", "Only you can see this activity", "Long run", "Start time hidden"):
        assert words in text


def test_a_mistake_keeps_what_was_typed_and_says_what_is_wrong(strava: Sandbox) -> None:
    answer = strava.http.post("/record", data={"sport_type": "Run", "minutes": "-4", "title": "Kept <b>"})
    assert answer.status_code == 400
    text = answer.get_data(as_text=True)
    assert "That could not be recorded" in text
    assert "minutes" in text
    assert 'value="Kept &lt;b&gt;"' in text


def test_the_note_stands_below_the_run_marked_as_private(connected: Sandbox) -> None:
    activity_id = connected.record(description="<script>alert(1)</script>")
    connected.call("PUT", f"/activities/{activity_id}", json={"private_note": NOTE})
    text = page(connected)
    assert "Private note <span>only you</span>" in text
    assert "1. Squeeze: 1 x 10 s\nSteps: <a href=" in text
    assert "Private note\n    changed by the application" in text
    assert "<script>alert" not in text


def test_the_version_changes_exactly_when_the_feed_does(connected: Sandbox) -> None:
    activity_id = connected.record()
    versions = [page(connected, "/feed/version")]
    assert page(connected, "/feed/version") == versions[0]
    connected.call("PUT", f"/activities/{activity_id}", json={"private_note": NOTE})
    versions.append(page(connected, "/feed/version"))
    connected.http.post(f"/activities/{activity_id}/delete")
    versions.append(page(connected, "/feed/version"))
    connected.http.post("/disconnect")
    versions.append(page(connected, "/feed/version"))
    assert len(set(versions)) == 4


def test_saving_the_edit_form_untouched_changes_nothing(connected: Sandbox) -> None:
    activity_id = connected.record(title="T", description="a\nb ", private_note=NOTE)
    before = connected.truth(activity_id)
    sent = {"title": "T", "sport_type": "Run", "description": "a\r\nb ", "private_note": NOTE.replace("\n", "\r\n")}
    connected.http.post(f"/activities/{activity_id}/edit", data=sent)
    assert connected.truth(activity_id) == before
    connected.http.post(f"/activities/{activity_id}/edit", data=sent | {"description": "a\r\nc"})
    assert connected.truth(activity_id)["description"] == "a\r\nc"


def test_private_public_delete_and_disconnect_are_buttons(connected: Sandbox) -> None:
    activity_id = connected.record()
    for seen in ("only_me", "everyone"):
        connected.http.post(f"/activities/{activity_id}/visibility")
        assert connected.truth(activity_id)["visibility"] == seen
    connected.http.post(f"/activities/{activity_id}/delete")
    assert connected.truth(activity_id)["deleted"]
    assert connected.http.post(f"/activities/{activity_id}/delete").status_code == 404
    connected.http.post("/disconnect")
    assert not connected.look(f"/runners/{MARA}")["connected"]


def test_another_runner_sees_only_their_own(strava: Sandbox) -> None:
    activity_id = strava.record(title="Mara's own")
    strava.http.post("/runner", data={"runner_id": str(MARA + 1)})
    text = page(strava)
    assert "Sam Okoro" in text
    assert "Mara's own" not in text
    assert strava.http.post(f"/activities/{activity_id}/delete").status_code == 404
    assert strava.http.post("/runner", data={"runner_id": "5"}).status_code == 400


def test_american_runners_read_miles(strava: Sandbox) -> None:
    strava.http.post("/runner", data={"runner_id": str(MARA + 1)})
    strava.admin(f"/runners/{MARA + 1}/activities", {"distance_km": 8.04672, "minutes": 40, "climb_m": 100})
    text = page(strava)
    for words in ("5.00 mi", "8:00 /mi", "328 ft"):
        assert words in text


def test_a_form_on_another_site_can_not_press_buttons_here(strava: Sandbox) -> None:
    for path in ("/record", "/admin/reset", "/faults/remove"):
        refused = strava.http.post(path, headers={"Origin": "https://elsewhere.example"})
        assert refused.status_code == 403
    assert (
        strava.http.post("/record", data={"preset": "easy"}, headers={"Origin": "http://localhost"}).status_code == 303
    )


def test_pages_load_nothing_from_outside(strava: Sandbox) -> None:
    for path in ("/", "/mailbox", "/log", "/faults"):
        answer = strava.http.get(path)
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        text = answer.get_data(as_text=True)
        assert 'src="http' not in text
        assert '<link rel="stylesheet" href="/static/sandbox.css">' in text


def mail(config: SandboxConfig, name: str, subject: str, html: str | None = None) -> None:
    assert config.mail_dir is not None
    config.mail_dir.mkdir(exist_ok=True)
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = subject, "Coach <c@localhost>", "m@example.org"
    message.set_content("Hello in text, http://127.0.0.1:8000/a/1")
    if html is not None:
        message.add_alternative(html, subtype="html")
        part = message.get_payload()[1]
        assert isinstance(part, EmailMessage)
        part.add_related(b"\x89PNG", "image", "png", cid="<squeeze>")
    (config.mail_dir / name).write_bytes(bytes(message))


def test_the_mailbox_shows_mails_newest_first_and_their_html_behind_glass(
    strava: Sandbox, config: SandboxConfig
) -> None:
    assert "No mail yet" in page(strava, "/mailbox")
    mail(config, "1.eml", "Rest day, grüezi")
    mail(config, "2.eml", "Newest", "<html><head></head><body><img src='cid:squeeze'><script>x</script></body></html>")
    text = page(strava, "/mailbox")
    assert text.index("Newest") < text.index("Rest day, grüezi")
    assert "sandbox=" in text
    glass = strava.http.get("/mailbox/html?mail=2.eml")
    policy = glass.headers["Content-Security-Policy"]
    assert "sandbox" in policy
    assert "allow-scripts" not in policy
    assert "default-src 'none'" in policy
    assert "src='data:image/png;base64,iVBORw=='" in glass.get_data(as_text=True)
    assert '<base target="_blank">' in glass.get_data(as_text=True)
    assert "Hello in text" in page(strava, "/mailbox?mail=1.eml")


def test_the_mailbox_copes_with_damage_and_reaches_no_other_file(strava: Sandbox, config: SandboxConfig) -> None:
    mail(config, "1.eml", "Fine")
    assert config.mail_dir is not None
    (config.mail_dir / "broken.eml").write_bytes(b"\xff\xfe\x00 no mail at all")
    (config.mail_dir / "charset.eml").write_bytes(b"Content-Type: text/plain; charset=x-none\n\nx")
    (config.mail_dir.parent / "secret.eml").write_bytes(b"Subject: secret\n\nx")
    assert "Fine" in page(strava, "/mailbox")
    page(strava, "/mailbox/html?mail=../secret.eml", 404)
    assert "secret" not in page(strava, "/mailbox?mail=../secret.eml")


def test_the_log_shows_events_calls_and_the_use_of_the_limits(subscribed: Sandbox) -> None:
    subscribed.admin("/clock", {"now": "2026-11-22T17:05:00Z"})  # a quarter of an hour that doesn't end meanwhile
    activity_id = subscribed.record()
    subscribed.look("/wait?for=deliveries")
    subscribed.call("PUT", f"/activities/{activity_id}", json={"private_note": "x"})
    text = page(subscribed, "/log")
    assert f"activity {activity_id}: create" in text
    assert "200 in" in text
    assert f"PUT /api/v3/activities/{activity_id}" in text
    assert "1 of 100" in text
    assert "No call was ever made over a limit" in text


@pytest.mark.parametrize("name", sorted(COMMON_FAULTS))
def test_every_common_fault_can_be_switched_on_and_off_by_button(strava: Sandbox, name: str) -> None:
    strava.http.post("/faults/add", data={"fault": name})
    (fault,) = strava.look("/faults")
    assert "Switched on" in page(strava, "/faults")
    strava.http.post("/faults/remove", data={"id": str(fault["id"])})
    assert strava.look("/faults") == []


@pytest.mark.parametrize("name", ["inactive", "no-private-note", "duplicates", "drops", "paused", "strip-links"])
def test_every_lasting_switch_goes_on_and_off_by_button(strava: Sandbox, name: str) -> None:
    usual = strava.look("/switches")
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
    assert after["now"] - before >= 86_400
    assert after["speed"] == 60
    assert strava.http.post("/faults/clock", data={"speed": "fast"}).status_code == 400
    strava.http.post("/faults/tier", data={"tier": "10"})
    assert strava.look("/state")["limits"]["tier"] == "10 athletes"


def test_a_wrong_address_is_a_page_with_a_way_back(strava: Sandbox) -> None:
    assert "To the feed" in page(strava, "/nothing", 404)
