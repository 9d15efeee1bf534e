"""Things going wrong on purpose."""

from __future__ import annotations

import time
from typing import Any

import pytest
from pydantic import ValidationError

from sandbox.faults import Faults, FaultSpec
from tests.sandbox.conftest import MARA, Sandbox


def fault(sandbox: Sandbox, endpoint: str, **effect: Any) -> Any:
    return sandbox.admin("/faults", {"endpoint": endpoint, **effect})


def test_a_status_a_few_times_after_a_few_good_ones(connected: Sandbox) -> None:
    fault(connected, "athlete.get", status=503, skip=1, times=2)
    assert [connected.call("GET", "/athlete").status_code for _ in range(5)] == [200, 503, 503, 200, 200]
    assert connected.call("GET", "/athlete/activities").status_code == 200
    (seen,) = connected.look("/faults")
    assert seen["happened"] == 2


def test_a_page_instead_of_json(connected: Sandbox) -> None:
    fault(connected, "*", status=502, html="<h1>Bad gateway</h1>", times=1)
    answer = connected.call("GET", "/athlete")
    assert (answer.status_code, answer.mimetype, answer.get_data()) == (502, "text/html", b"<h1>Bad gateway</h1>")


def test_an_empty_body(connected: Sandbox) -> None:
    fault(connected, "athlete.get", status=500, body="")
    assert connected.call("GET", "/athlete").get_data() == b""


def test_the_token_endpoint_can_fail_too(connected: Sandbox) -> None:
    fault(connected, "oauth.token", status=500, times=1)
    assert [connected.refresh().status_code for _ in range(2)] == [500, 200]


def test_a_fault_for_every_call_spares_the_page_that_people_see(strava: Sandbox) -> None:
    fault(strava, "*", status=503)
    assert strava.http.get("/oauth/authorize").status_code == 400  # a wrong request, but no fault
    assert strava.refresh("x").status_code == 503


def test_a_delay_happens_and_the_call_succeeds(connected: Sandbox) -> None:
    fault(connected, "athlete.get", delay_ms=200, times=1)
    start = time.monotonic()
    assert connected.call("GET", "/athlete").status_code == 200
    assert time.monotonic() - start >= 0.2


def test_dropped_before_it_never_happened(connected: Sandbox) -> None:
    activity_id = connected.record()
    fault(connected, "activities.update", drop=True, times=1)
    with pytest.raises(ConnectionAbortedError):
        connected.call("PUT", f"/activities/{activity_id}", json={"private_note": "x"})
    assert connected.truth(activity_id)["private_note"] == ""
    assert connected.look("/calls")["counts"]["activities.update"] == {"dropped": 1}


@pytest.mark.parametrize("effect", [{"drop": True}, {"status": 504}])
def test_an_answer_lost_after_the_write_took_effect(connected: Sandbox, effect: dict[str, Any]) -> None:
    activity_id = connected.record()
    fault(connected, "activities.update", when="after", times=1, **effect)
    try:
        assert connected.call("PUT", f"/activities/{activity_id}", json={"private_note": "x"}).status_code == 504
    except ConnectionAbortedError:
        assert "drop" in effect
    assert connected.truth(activity_id)["private_note"] == "x"


def test_a_refresh_whose_answer_is_lost_has_still_rotated_the_token(connected: Sandbox) -> None:
    connected.admin(f"/runners/{MARA}/expire-tokens")
    fault(connected, "oauth.token", when="after", status=502, times=1)
    assert [connected.refresh().status_code for _ in range(2)] == [502, 400]


def test_someone_edits_between_our_read_and_our_write(connected: Sandbox) -> None:
    activity_id = connected.record(private_note="mine", description="d")
    fault(connected, "activities.get", times=1, edit={"author": "Shoes", "private_note": "{old}, shoes 312 km"})
    assert connected.call("GET", f"/activities/{activity_id}").get_json()["private_note"] == "mine"
    truth = connected.truth(activity_id)
    assert (truth["private_note"], truth["description"]) == ("mine, shoes 312 km", "d")
    assert truth["edits"][-1]["author"] == "Shoes"
    assert connected.call("GET", f"/activities/{activity_id}").get_json()["private_note"] == "mine, shoes 312 km"


def test_a_fault_can_be_for_one_runner_or_one_activity(connected: Sandbox) -> None:
    first, second = connected.record(), connected.record()
    fault(connected, "activities.get", activity_id=first, status=500)
    fault(connected, "athlete.get", runner_id=MARA + 1, status=500)
    assert connected.call("GET", f"/activities/{first}").status_code == 500
    assert connected.call("GET", f"/activities/{second}").status_code == 200
    assert connected.call("GET", "/athlete").status_code == 200


def test_faults_go_when_they_are_removed(connected: Sandbox) -> None:
    made = fault(connected, "athlete.get", status=500)
    connected.admin(f"/faults/{made['id']}", method="DELETE")
    assert connected.call("GET", "/athlete").status_code == 200
    connected.admin(f"/faults/{made['id']}", method="DELETE", status=404)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"endpoint": "athlete.get"}, "needs an effect"),
        ({"endpoint": "nothing", "status": 500}, "endpoint"),
        ({"endpoint": "*", "html": "x"}, "needs a status"),
        ({"endpoint": "*", "edit": {"name": "x"}}, "only activities.get"),
        ({"endpoint": "*", "status": 200}, "status"),
        ({"endpoint": "*", "drop": True, "tiems": 1}, "tiems"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused_by_name(strava: Sandbox, body: Any, said: str) -> None:
    assert said in str(strava.admin("/faults", body, status=400)["problems"])


def test_a_share_is_about_that_share_and_repeats_with_its_seed() -> None:
    def outcome() -> list[bool]:
        faults = Faults()
        faults.clear(seed=3)
        faults.add(FaultSpec(endpoint="*", status=500, share=0.25))
        return [bool(faults.hit("athlete.get", None, None)) for _ in range(400)]

    once = outcome()
    assert outcome() == once
    assert 60 < sum(once) < 140


def test_a_share_of_nothing_is_refused() -> None:
    with pytest.raises(ValidationError):
        FaultSpec(endpoint="*", status=500, share=0)
