"""The admin API and the clock: the calls that other tests rely on, and their plain refusals."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from sandbox.clock import Clock, ClockError
from tests.sandbox.conftest import MARA, Sandbox

MARAS = f"/runners/{MARA}/activities"


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        (MARAS, {"minutes": 0}, "minutes"),
        (MARAS, {"sport_type": "Napping"}, "not a sport of Strava's"),
        (MARAS, {"start": "2026-11-22T10:00:00Z", "start_local": "2026-11-22T10:00:00"}, "not both"),
        (MARAS, {"elapsed_minutes": 10}, "moving time"),
        (MARAS, {"titel": "x"}, "titel"),
        (MARAS, [], "JSON object"),
        ("/clock", {"speed": 0}, "speed"),
        ("/switches", {"delivery": {"copis": 2}}, "copis"),
        ("/connected-athletes", {"scopes": ["everything"]}, "scope"),
        ("/faults", {"endpoint": "activities.list"}, "needs an effect"),
        ("/faults", {"endpoint": "*", "html": "x"}, "needs a status"),
        ("/faults", {"endpoint": "*", "status": 200}, "status"),
    ],
)
def test_impossible_body_is_refused_with_its_key_and_changes_nothing(
    strava: Sandbox, path: str, body: Any, said: str
) -> None:
    before = [strava.look(address) for address in (MARAS, "/switches", "/runners")]
    assert said in str(strava.admin(path, body, status=400)["problems"])
    assert [strava.look(address) for address in (MARAS, "/switches", "/runners")] == before
    assert strava.look("/clock")["speed"] == 1


def test_admin_knows_no_unknown_id_and_answers_only_to_this_machine(strava: Sandbox) -> None:
    for path in ("/runners/1/activities", "/runners/1/connect", "/activities/1/private", "/no"):
        assert strava.admin(path, {}, status=404)["problems"][0].startswith("there is no")
    for address, status in (("192.0.2.7", 403), ("::ffff:127.0.0.1", 200)):
        assert strava.http.get("/admin/state", environ_base={"REMOTE_ADDR": address}).status_code == status


def test_reset_keeps_only_the_made_up_runners_and_the_clock(subscribed: Sandbox) -> None:
    subscribed.admin("/clock", {"now": "2030-01-01T00:00:00Z"})
    subscribed.switch(delivery={"copies": 2})
    after = subscribed.switch(delivery={"drop_share": 0.5})["delivery"]  # key by key
    assert (after["copies"], after["drop_share"]) == (2, 0.5)
    subscribed.record()
    state = subscribed.admin("/reset")
    assert (state["activities"], state["subscription"], state["calls"], state["runners"]) == (0, None, {}, 5)
    assert (set(state["deliveries"].values()), state["clock"]["utc"][:10]) == ({0}, "2030-01-01")
    assert subscribed.look("/switches")["delivery"]["copies"] == 1
    assert subscribed.call("GET", "/athlete/activities").status_code == 401


def test_wait_ends_when_it_happened_and_counts_only_calls_that_succeeded(connected: Sandbox) -> None:
    activity_id = connected.record()
    connected.edit(activity_id, private_note="not yet")
    address = f"/admin/wait?for=note&activity_id={activity_id}"
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(connected.http.application.test_client().get, address)
        connected.put(activity_id, private_note="now")
    assert waiting.result().status_code == 200
    log = connected.look(f"/calls?activity_id={activity_id}")
    assert [(call["method"], call["fields"], call["runner_id"]) for call in log["calls"]] == [
        ("PUT", ["private_note"], MARA)
    ]
    assert connected.look(f"/calls?since={log['calls'][-1]['id']}")["calls"] == []
    connected.get(1)
    waited = connected.http.get("/admin/wait?for=calls&endpoint=activities.get&timeout_s=0.05")
    assert (waited.status_code, waited.get_json()) == (504, {"happened": False})
    for wrong in ("for=rain", "for=calls&count=many"):
        connected.admin(f"/wait?{wrong}", method="GET", status=400)


# --- the clock, shared with the product through a file --------------------------------------------------------------


def test_clock_follows_its_file_and_a_move_keeps_the_speed_and_a_new_speed_the_time(tmp_path: Path) -> None:
    file, heard, before = tmp_path / "clock.json", [], time.time()
    clock, other = Clock(file), Clock(file)
    assert (before <= clock.now() <= time.time(), clock.speed) == (True, 1)  # no file: real time
    clock.on_change(lambda: heard.append(clock.speed))
    for now in (5000, 1000):
        other.set(now=now)
        assert now <= clock.now() < now + 600
    clock.set(now=1000, speed=10)
    clock.set(advance_s=500)
    assert clock.speed == 10
    clock.set(speed=1)
    assert 1500 <= clock.now() < 2500
    assert heard == [10, 10, 1]
    assert set(json.loads(file.read_text())) == {"real", "simulated", "speed"}
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"real": 0, "simulated": 0, "speed": 0}', '{"real": "x"}', "1e999"])
def test_file_that_is_no_clock_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "clock.json"
    file.write_text(text)
    with pytest.raises(ClockError, match=r"clock\.json is no clock"):
        Clock(file).now()
