"""The pages, used as a person would: forms, links, words."""

from __future__ import annotations

import re
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.conftest import MARA, Sandbox

NOTE = "Routine · 8 min\n1. Squeeze: 1 x 10 s\nSteps: http://127.0.0.1:8000/r/1\n— Coach"


def page(sandbox: Sandbox, path: str = "/", status: int = 200) -> str:
    answer = sandbox.http.get(path)
    assert answer.status_code == status
    return answer.text


def test_first_page_says_what_this_is_and_a_click_records_a_run(strava: Sandbox) -> None:
    text = page(strava)
    for words in ("Nothing here leaves it.", "Not connected yet", "No activities yet", "http://app.example:8000"):
        assert words in text
    assert strava.http.post("/record", data={"preset": "easy"}).status_code == 303
    (truth,) = strava.look(f"/runners/{MARA}/activities")
    assert (truth["sport_type"], truth["moving_time_s"]) == ("Run", 2700)
    assert truth["name"] in page(strava)
    page(strava, "/activities/1", 404)
    assert "To the feed" in page(strava, "/nothing", 404)


def test_long_form_records_its_choices_and_a_mistake_keeps_them(strava: Sandbox) -> None:
    form = {"sport_type": "TrailRun", "workout_type": "long", "minutes": "95.5", "title": "Up & down"}
    form |= {"when": "at", "start_local": "2026-11-20T07:30"}
    refused = strava.http.post("/record", data=form | {"minutes": "-4", "title": "Kept <b>"})
    assert refused.status_code == 400
    for words in ("That could not be recorded", "minutes", 'value="Kept &lt;b&gt;"'):
        assert words in refused.text
    strava.http.post("/record", data=form)
    (truth,) = strava.look(f"/runners/{MARA}/activities")
    assert (truth["workout_type"], truth["start_utc"]) == (2, "2026-11-20T06:30:00Z")  # Stockholm's wall time


def test_note_stands_below_the_run_marked_as_private_and_an_untouched_form_changes_nothing(connected: Sandbox) -> None:
    activity_id = connected.record(title="T", description="<script>alert(1)</script>")
    before, unchanged = (page(connected, "/feed/version") for _ in range(2))
    connected.put(activity_id, private_note=NOTE)
    assert (unchanged == before, page(connected, "/feed/version") == before) == (True, False)
    text = page(connected)
    for words in ("Private note <span>only you</span>", "1. Squeeze: 1 x 10 s\nSteps: <a href=", "changed by the"):
        assert words in text
    assert "<script>alert" not in text
    truth = connected.truth(activity_id)
    form = {"title": "T", "sport_type": "Run", "description": truth["description"]}
    form["private_note"] = NOTE.replace("\n", "\r\n")
    connected.http.post(f"/activities/{activity_id}/edit", data=form)
    assert connected.truth(activity_id) == truth


def test_another_site_presses_no_buttons_and_is_never_loaded(strava: Sandbox) -> None:
    for path in ("/record", "/admin/reset", "/faults/remove"):
        assert strava.http.post(path, headers={"Origin": "https://elsewhere.example"}).status_code == 403
    own = strava.http.post("/record", data={"preset": "easy"}, headers={"Origin": "http://localhost"})
    assert own.status_code == 303
    for path in ("/", "/mailbox", "/log", "/faults", "/intervals/", "/intervals/log", "/intervals/faults"):
        answer = strava.http.get(path)
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert 'src="http' not in answer.get_data(as_text=True)


def test_mailbox_shows_mails_newest_first_and_isolates_their_html(strava: Sandbox, folder: Path) -> None:
    box = folder / "mail"
    assert "No mail yet" in page(strava, "/mailbox")
    box.mkdir()
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = "Rest day, grüezi", "Coach <c@localhost>", "m@example.org"
    message.set_content("Hello in text, http://127.0.0.1:8000/a/1")
    (box / "1.eml").write_bytes(bytes(message))
    message.replace_header("Subject", "Newest")
    message.add_alternative("<html><img src='cid:squeeze'><script>x</script></html>", subtype="html")
    part = list(message.iter_parts())[1]
    assert isinstance(part, EmailMessage)
    part.add_related(b"\x89PNG", "image", "png", cid="<squeeze>")
    (box / "2.eml").write_bytes(bytes(message))
    (box / "broken.eml").write_bytes(b"\xff\xfe\x00 no mail at all")
    (box / "charset.eml").write_bytes(b"Content-Type: text/plain; charset=x-none\n\nx")
    (folder / "secret.eml").write_bytes(b"Subject: secret\n\nx")
    text = page(strava, "/mailbox")
    assert text.index("Newest") < text.index("Rest day, grüezi")
    html = strava.http.get("/mailbox/html?mail=2.eml")
    assert "src='data:image/png;base64,iVBORw=='" in html.text
    policy = html.headers["Content-Security-Policy"]
    assert ("default-src 'none'" in policy, "sandbox" in policy, "allow-scripts" in policy) == (True, True, False)
    assert "Hello in text" in page(strava, "/mailbox?mail=1.eml")
    page(strava, "/mailbox/html?mail=../secret.eml", 404)
    assert "secret" not in page(strava, "/mailbox?mail=../secret.eml")


@pytest.mark.parametrize("at", ["", "/intervals"])
def test_common_faults_and_switches_are_buttons(strava: Sandbox, at: str) -> None:
    def look(path: str) -> Any:
        return strava.http.get(f"{at}/admin{path}").json

    for name in re.findall(r'name="fault" value="([^"]+)"', page(strava, f"{at}/faults")):
        strava.http.post(f"{at}/faults/add", data={"fault": name})
        (fault,) = look("/faults")
        assert "Switched on" in page(strava, f"{at}/faults")
        strava.http.post(f"{at}/faults/remove", data={"id": str(fault["id"])})
        assert look("/faults") == []
    usual = look("/switches")
    for name in re.findall(r'name="switch" value="([^"]+)"', page(strava, f"{at}/faults")):
        strava.http.post(f"{at}/faults/toggle", data={"switch": name, "on": "1"})
        assert look("/switches") != usual
        strava.http.post(f"{at}/faults/toggle", data={"switch": name, "on": "0"})
        assert look("/switches") == usual


def test_time_and_size_are_buttons(strava: Sandbox) -> None:
    before = strava.look("/clock")["now"]
    assert strava.http.post("/faults/clock", data={"advance_s": "86400", "back": "feed"}).location == "/"
    assert "Mon 23 Nov, 18:01 there" in page(strava)
    strava.http.post("/faults/clock", data={"advance_s": "86400"})
    strava.http.post("/faults/clock", data={"speed": "60"})
    after = strava.look("/clock")
    assert (after["now"] - before >= 86_400, after["speed"]) == (True, 60)
    assert strava.http.post("/faults/clock", data={"speed": "fast"}).status_code == 400
    strava.http.post("/faults/tier", data={"tier": "10"})
    assert strava.look("/state")["limits"]["tier"] == "10 athletes"
