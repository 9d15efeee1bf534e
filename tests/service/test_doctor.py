"""`adductor doctor`, `strava` and `replay` beside a running installation. Each check has its states in test_checks.py."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from adductor.store.models import Delivery, InboxEvent, Subscription
from tests.support import commands
from tests.support.live import Live, adductor, installation

pytestmark = pytest.mark.processes

NOTHING = "http://127.0.0.1:1"


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """One installation for all states; each test puts back what it broke."""
    with installation(tmp_path_factory.mktemp("doctor"), speed=2) as running:
        yield running


def _doctor(live: Live, **changed: str) -> tuple[int, dict[str, str]]:
    """The exit code, and each check's line with its advice."""
    ended = commands.run("doctor", **{**live.here.environment, **changed})
    return ended.returncode, _lines(ended.stdout)


def _lines(said: str) -> dict[str, str]:
    checks: dict[str, str] = {}
    name = ""
    for line in said.splitlines():
        if line.startswith(("ok", "FAIL")):
            name = line[6:19].strip()
            checks[name] = line
        elif line.strip():
            checks[name] += line
    return checks


def _strava(live: Live, command: str, code: int, *said: str, **changed: str) -> str:
    """`adductor strava …` ends with this code and says this; all that it says."""
    ended = commands.run("strava", command, **{**live.here.environment, **changed})
    output = ended.stdout + ended.stderr
    assert (ended.returncode, [words for words in said if words not in output]) == (code, []), output
    return output


def test_doctor_all_well_also_finds_what_a_running_up_brought(live: Live) -> None:
    live.runner()
    live.until(lambda: _doctor(live)[0] == 0)

    ended = adductor("doctor", ADDUCTOR_DATA_DIR=str(live.here.settings.data_dir))

    assert (ended.returncode, ended.stderr) == (0, "")
    checks = _lines(ended.stdout)
    assert len(checks) == 17
    assert all(line.startswith("ok") for line in checks.values())


@pytest.mark.parametrize(
    ("setting", "value", "check", "said"),
    [
        ("ADDUCTOR_PUBLIC_URL", NOTHING, "callback", "can't be reached from here"),
        ("ADDUCTOR_WEBHOOK_KEY", "another-key-of-ours-1234", "callback", "instead of the handshake"),
        ("ADDUCTOR_WEBHOOK_KEY", "another-key-of-ours-1234", "subscription", "key or path is no longer the same"),
        ("STRAVA_CLIENT_SECRET", "wrong", "subscription", "STRAVA_CLIENT_SECRET"),
        ("ADDUCTOR_REDIS_URL", "redis://127.0.0.1:1/0", "broker", "ADDUCTOR_REDIS_URL"),
        ("ADDUCTOR_DATABASE_URL", "postgresql+psycopg://c:hunter2@127.0.0.1:1/c", "database", "ADDUCTOR_DATABASE_URL"),
    ],
)
def test_doctor_wrong_setting_is_found_by_its_check(
    live: Live, setting: str, value: str, check: str, said: str
) -> None:
    code, checks = _doctor(live, **{setting: value})

    assert code == 1
    assert checks[check].startswith("FAIL")
    assert said in checks[check]
    assert "hunter2" not in str(checks)
    assert live.here.installation.settings.webhook_key not in str(checks)


def test_subscription_that_ended_or_is_unknown_here_is_named_and_made_again(live: Live) -> None:
    _strava(live, "unsubscribe", 0)
    try:
        code, checks = _doctor(live)
        assert (code, "adductor strava subscribe" in checks["subscription"]) == (1, True)
        _strava(live, "status", 1, "no subscription")
        _strava(live, "unsubscribe", 0, "there was none\n")
        refused = ("didn't get the right answer", "ADDUCTOR_PUBLIC_URL")
        _strava(live, "subscribe", 1, *refused, ADDUCTOR_PUBLIC_URL=NOTHING)
    finally:
        _strava(live, "subscribe", 0, "created")
    _strava(live, "subscribe", 0, "kept")
    _strava(live, "status", 0)

    with live.store.write() as session:
        session.delete(session.get_one(Subscription, "strava"))

    assert "not known here" in _doctor(live)[1]["subscription"]
    _strava(live, "status", 1, "not known here")
    _strava(live, "subscribe", 0)


def test_subscription_of_another_installation_is_named_and_taken_over_when_asked(
    live: Live, httpserver: HTTPServer
) -> None:
    def shake(request: Request) -> Response:
        return Response(json.dumps({"hub.challenge": request.args["hub.challenge"]}), mimetype="application/json")

    httpserver.expect_request("/webhooks/strava/their-secret-key").respond_with_handler(shake)
    theirs = httpserver.url_for("").rstrip("/")
    strava = live.here.installation.subscriptions("strava")
    strava.delete_subscription(live.subscription_id())
    strava.create_subscription(f"{theirs}/webhooks/strava/their-secret-key", "their token")
    try:
        code, checks = _doctor(live)
        said = _strava(live, "status", 1, "an application of its own")
    finally:
        said += _strava(live, "subscribe", 0, "replaced", theirs)

    assert code == 1
    for words in (f"another address ({theirs})", "an application of its own"):
        assert words in checks["subscription"]
    assert "their-secret-key" not in str(checks) + said
    assert _doctor(live)[1]["subscription"].startswith("ok")


def test_doctor_and_strava_commands_say_why_strava_refuses(live: Live) -> None:
    commands_of = ("subscribe", "status", "unsubscribe")
    for command in commands_of:
        _strava(live, command, 1, "STRAVA_CLIENT_SECRET", STRAVA_CLIENT_SECRET="wrong")
    live.admin("POST", "switches", {"application": "inactive"})
    try:
        for command in commands_of:
            _strava(live, command, 1, "paid Strava subscription")
        assert "paid Strava subscription" in _doctor(live)[1]["subscription"]
    finally:
        live.admin("POST", "switches", {"application": "active"})
        _strava(live, "subscribe", 0)


@pytest.mark.parametrize(("table", "said"), [(InboxEvent, "event "), (Delivery, "tried again: 1 notes")])
def test_replay_dead_letters_are_handled_and_double_no_note(
    live: Live, table: type[InboxEvent | Delivery], said: str
) -> None:
    run = live.record(live.runner())
    live.note_comes(run)
    row = {InboxEvent: live.events, Delivery: live.deliveries}[table](run)[0]
    with live.store.write() as session:
        session.get_one(table, row.id).state = "failed"

    replayed = commands.run("replay", "--failed", **live.here.environment)

    assert (replayed.returncode, said in replayed.stdout) == (0, True)
    live.until(lambda: live.deliveries(run)[0].state == "done")
    # The worker of the installation may have been faster than the command.
    outcomes = {"already_decided"} if table is InboxEvent else {"post_run"}
    live.until(lambda: {event.outcome for event in live.events(run)} == outcomes)
    assert len(live.written(run)) == 1
    assert "none given up" in _doctor(live)[1]["events"]
