"""A recorded run becomes a note: over the real web, worker, clock, broker, database and sandbox, of either platform."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import requests
from kombu import Connection
from sqlalchemy import update

from adductor.jobs import leaving, outages
from adductor.notes import block
from adductor.store.models import Athlete, Heartbeat, InboxEvent, LoggedActivity, Outage, Revocation
from tests.support.live import Live, Runner
from workers import tasks
from workers.app import celery_broker_url

pytestmark = pytest.mark.processes


def _ours(text: str) -> str:
    """The block of ours that stands in a text, from heading to signature."""
    start = text.index(block.HEADING)
    return text[start : text.index(block.SIGNATURE, start) + len(block.SIGNATURE)]


def test_a_recorded_run_gets_its_routine_with_the_reason(platform: Live) -> None:
    calls = {"strava": ["activities.get", "activities.update"], "intervals": ["events.list", "events.bulk"]}
    runner = platform.runner()
    run = platform.record(runner)

    text = platform.note_comes(run)

    lines = text.splitlines()
    assert lines[0].startswith("Adductor routine · level 2 · ")
    assert lines[1].startswith("1. ")
    assert not any(line.startswith("- ") for line in lines)  # intervals.icu would read it as a step of a workout
    assert any(line.startswith("Why today: ") for line in lines)
    assert lines[-2].startswith(f"Stop if it hurts. Start and finish here: {platform.web}/r/")
    assert lines[-1] == "— Adductor Coach"
    assert platform.text(run, "description") == ""
    made = [call["endpoint"] for call in platform.calls() if call["runner_id"] == runner.account]
    catch_up = "activities.list"  # of every hour
    assert [call for call in made if call != catch_up] == calls[platform.platform]
    (event,), (decision,), (delivery,) = platform.events(run), platform.decisions(run), platform.deliveries(run)
    assert event.trace_id == decision.trace_id == delivery.trace_id
    assert decision.considered
    page = requests.get(text.split("finish here: ")[1].split()[0], timeout=10)
    assert (page.status_code, "Stop if it hurts" in page.text) == (200, True)


def test_the_same_event_three_times_is_one_row_and_one_note(platform: Live) -> None:
    runner = platform.runner()
    run = platform.record(runner, silent=True)

    answers = [platform.deliver(runner, run).status_code for _ in range(3)]
    text = platform.note_comes(run)

    assert answers == [200, 200, 200]
    assert len(platform.events(run)) == 1
    assert (text.count(block.SIGNATURE), len(platform.written(run))) == (1, 1)


@pytest.mark.parametrize(
    "new_activity",
    [{"not_found_reads": 2}, {"late_fields": ["moving_time", "sport_type", "type"], "late_reads": 1}],
    ids=["not readable yet", "late fields"],
)
def test_activity_that_is_not_there_at_once_is_read_again_after_a_refresh(
    live: Live, new_activity: dict[str, Any]
) -> None:
    """Of Strava alone: intervals.icu brings the activity with its event, and has no refresh."""
    runner = live.runner()
    live.admin("POST", f"runners/{runner.account}/expire-tokens")
    live.admin("POST", "switches", {"new_activity": new_activity})
    run = live.record(runner, private_note="My own words.")
    live.admin("POST", "switches", {"new_activity": {"not_found_reads": 0, "late_fields": [], "late_reads": 0}})

    assert live.note_comes(run).startswith("My own words.\n\n")

    assert len(live.written(run)) == 1
    statuses = [call["status"] for call in live.calls("activities.get", run)]
    assert (statuses[0], statuses.count(404)) == (401, new_activity.get("not_found_reads", 0))


@pytest.mark.parametrize(("log", "field"), [("strava", "private_note"), ("intervals", "description")])
def test_words_of_the_runner_stay_byte_for_byte_also_when_our_block_is_removed(
    live: Live, log: str, field: str
) -> None:
    platform = live.at(log)
    texts = (
        "One line",
        "Two\r\nlines\r\n",
        "Emoji 🙂🏃‍♀️ and ünïcödé",
        "ends with spaces   ",
        "\n\nstarts empty",
        "tab\tand\x0bmore",
    )
    runs = [platform.record(platform.runner(channels={"post_run": field}), **{field: words}) for words in texts]

    for run, words in zip(runs, texts, strict=True):
        text = platform.note_comes(run, field)
        assert text == f"{words}\n\n{_ours(text)}"
        platform.edit(run, **{field: f"{text}\r\nand after, without an end of line"})
        platform.edit(run, **{"sport_type" if log == "strava" else "type": "Walk"})
    for run, words in zip(runs, texts, strict=True):
        platform.until(lambda run=run: block.SIGNATURE not in platform.text(run, field))  # type: ignore[misc]
        assert platform.text(run, field) == f"{words}\r\nand after, without an end of line"


@pytest.mark.parametrize(
    ("log", "people", "ends"), [("strava", "runners", "oauth.revoke"), ("intervals", "athletes", "oauth.disconnect")]
)
def test_erasure_removes_everything_of_an_athlete_and_a_token_that_the_platform_does_not_take_later(
    live: Live, log: str, people: str, ends: str
) -> None:
    platform = live.at(log)
    runner = platform.runner()
    run = platform.record(runner)
    platform.note_comes(run)
    number = platform.fault(endpoint=ends, status=503, html="<h1>Maintenance</h1>")
    account = f"{people}/{runner.account}"
    try:
        done = leaving.forget(live.here.installation, runner.id, remove_notes=True)
        assert platform.admin("GET", account)["connected"] is True
    finally:
        platform.admin("DELETE", f"faults/{number}")

    assert done == leaving.Forgotten(notes_removed=1, notes_left=0, revoked=False)
    assert platform.text(run) == ""
    platform.until(lambda: platform.admin("GET", account)["connected"] is False, within_s=60)
    platform.until(lambda: not live.all(Revocation))
    assert live.all(Athlete, id=runner.id) == []
    # The platform's word that they have left may come after; it holds nothing but their number, for a week.
    left = live.all(InboxEvent, owner_id=str(runner.account).removeprefix("i"))
    assert {received.object_type for received in left} <= {"athlete", "calendar", "wellness"}


def test_a_sweep_does_not_wait_behind_the_wake_ups_of_a_busy_hour(live: Live) -> None:
    """In a queue of its own, so that the installation's worker doesn't take from it."""
    name = "order-of-messages"
    with Connection(celery_broker_url(live.here.settings.redis)) as broker:
        for _ in range(40):
            tasks.wake.apply_async(connection=broker, queue=name)
        tasks.sweep.apply_async(connection=broker, queue=name)
        with broker.SimpleQueue(name) as queue:
            taken = [queue.get(timeout=5) for _ in range(41)]
            for message in taken:
                message.ack()

    assert [message.headers["task"] for message in taken] == ["sweep", *["wake"] * 40]


# -- events that were lost on their way ---------------------------------------------------------------------------------


def _with_a_true_past(live: Live) -> Runner:
    """A runner whose earlier run stands in the sandbox too: what is missing there counts as deleted."""
    runner = live.runner()
    now = live.here.installation.clock.now()
    run = live.record(runner, silent=True, start=(now - timedelta(days=3)).isoformat())
    with live.store.write() as session:
        session.execute(update(LoggedActivity).filter_by(athlete_id=runner.id).values(platform_id=run))
        athlete = session.get_one(Athlete, runner.id)
        athlete.connection.connected_at = athlete.confirmed_at = now - timedelta(days=60)
        athlete.last_event_at = now  # heard of just now: only the outage is a reason to look
        athlete.reconcile_at = now + timedelta(days=3)
    return runner


def test_after_hours_without_the_web_every_log_is_looked_at_and_a_late_event_changes_nothing(own_live: Live) -> None:
    """The web's last sign of life is put two hours back, as if the machine had slept so long."""
    live = own_live
    live.until(lambda: live.all(Heartbeat, part=outages.WEB))
    runners = [_with_a_true_past(live) for _ in range(3)]
    live.admin("POST", "switches", {"delivery": {"drop_share": 1.0}})
    runs = [live.record(runner, private_note="Mine.") for runner in runners]
    live.admin("POST", "switches", {"delivery": {"drop_share": 0.0}})
    live.kill("web")
    with live.store.write() as session:
        session.get_one(Heartbeat, outages.WEB).at -= timedelta(hours=2)

    for run in runs:
        assert live.note_comes(run).startswith("Mine.\n\nAdductor routine")
    (outage,) = live.all(Outage)
    assert outage.ended_at - outage.began_at > timedelta(hours=2)
    live.until(lambda: all(outage.done_at is not None for outage in live.all(Outage)))
    assert [call["endpoint"] for call in live.calls(activity=runs[0])] == ["activities.get", "activities.update"]
    live.admin("POST", f"activities/{runs[0]}/announce")
    live.until(lambda: len(live.events(runs[0])) == 2)
    live.settles(runs[0])

    assert sorted(event.origin for event in live.events(runs[0])) == ["reconcile", "webhook"]
    assert [len(live.written(run)) for run in runs] == [1] * 3
