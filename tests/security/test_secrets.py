"""A whole installation: no secret in anything it writes or shows, and no forged event of Strava's changes a thing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import requests
from sqlalchemy import text

from adductor.athletes import personal_data
from adductor.store.models import Base
from tests.support.live import Live, Runner, adductor, installation

pytestmark = pytest.mark.processes
SECRET_KEY = "5ecret5ecret5ecret5ecret5ecret5ecret"
METRICS_TOKEN = "metr1cs-token-metr1cs-token"
CALENDAR_KEY = "calendar-key-of-a-test"
SETTINGS = {"ADDUCTOR_SECRET_KEY": SECRET_KEY, "ADDUCTOR_METRICS_TOKEN": METRICS_TOKEN}
_AUTHORIZATION = {"Authorization": f"Bearer {METRICS_TOKEN}"}


def _tokens(live: Live, runner: Runner) -> dict[str, str]:
    connection, decrypt = live.athlete(runner).connection, live.here.installation.vault.decrypt
    encrypted = {"access": connection.access_encrypted, "refresh": connection.refresh_encrypted}
    return {name: decrypt(token or b"") for name, token in encrypted.items()}


def _secrets(live: Live, runner: Runner) -> dict[str, str]:
    """Everything that must be found nowhere."""
    here = live.here.installation
    settings, links, now = here.settings, here.links, here.clock.now()
    assert settings.strava_client_secret is not None
    found = {
        "secret key": SECRET_KEY,
        "session key": settings.derived("sessions"),
        "link key": settings.derived("answer links"),
        "webhook key": settings.webhook_key,
        "verify token": settings.verify_token,
        "client secret": settings.strava_client_secret.get_secret_value(),
        "metrics token": METRICS_TOKEN,
        "calendar key": CALENDAR_KEY,
        "answer link": links.answer("somepublicid", "done", now).rpartition("/")[2],
        "unsubscribe link": links.unsubscribe(runner.id, str(runner.strava_id), now).rpartition("/")[2],
        **{f"token key {number}": key for number, key in enumerate(settings.fernet_keys)},
        **_tokens(live, runner),
    }
    assert all(len(value) > 10 for value in found.values())
    return found


def _live_through_everything(live: Live, runner: Runner, secrets: dict[str, str]) -> None:
    """Good days and bad ones: a note, a refresh that fails, a server that fails, requests that can't be read."""
    run = live.record(runner)
    live.note_comes(run)
    suggestion = live.suggestion(run)
    assert suggestion is not None
    secrets["routine key"] = live.here.installation.links.runner_routine(suggestion.public_id).rpartition("/")[2]
    live.fault(endpoint="oauth.token", status=500, body=f"no: {secrets['refresh']}", times=1)
    live.fault(endpoint="activities.get", status=502, html="<h1>Bad gateway</h1>", times=1)
    other = live.runner()
    live.admin("POST", f"runners/{other.strava_id}/expire-tokens")
    live.note_comes(live.record(other))
    secrets |= {f"renewed {name}": token for name, token in _tokens(live, other).items()}
    key = secrets["webhook key"]
    for method, path, body in (
        ("POST", f"/webhooks/strava/{key}", b"{"),
        ("POST", f"/webhooks/strava/{key}x", b"{}"),
        ("GET", f"/webhooks/strava/{key}?hub.verify_token={secrets['verify token']}", None),
        ("GET", f"/a/{secrets['answer link']}x", None),
        ("POST", f"/r/{secrets['routine key']}", b"said=done"),
        ("POST", f"/unsubscribe/{secrets['unsubscribe link']}", b"again=1"),
        ("GET", f"/connect/strava/callback?code={secrets['refresh']}&state=x&scope=read", None),
        ("GET", f"/calendar/{CALENDAR_KEY}.ics", None),
    ):
        requests.request(method, f"{live.web}{path}", data=body, timeout=10)


def test_nothing_that_is_written_or_shown_holds_a_secret(tmp_path: Path) -> None:
    with installation(tmp_path, **SETTINGS) as live:
        runner = live.runner(calendar_key=CALENDAR_KEY)
        secrets = _secrets(live, runner)
        _live_through_everything(live, runner, secrets)
        environment = {**SETTINGS, "ADDUCTOR_DATA_DIR": str(tmp_path), "ADDUCTOR_BIND": live.here.settings.bind}
        number = str(runner.id)
        commands = (("doctor",), ("why", number), ("athlete", "export", number), ("strava", "status"))
        said = [adductor(*command, **environment) for command in commands]
        with live.store.read() as session:
            export = json.dumps(personal_data.export(session, live.athlete(runner)), default=str)
            tables = Base.metadata.tables.keys() - {"subscriptions"}  # it holds the callback, key and all
            rows = [str(row) for table in tables for row in session.execute(text(f"SELECT * FROM {table}"))]
        places = {
            "log": live.log.read_text(errors="replace"),
            "metrics": requests.get(f"{live.web}/metrics", headers=_AUTHORIZATION, timeout=10).text,
            "export": export,
            "database": "\n".join(rows).replace(CALENDAR_KEY, ""),
            "readyz": requests.get(f"{live.web}/readyz", timeout=10).text,
            "commands": "\n".join(answer.stdout + answer.stderr for answer in said),
        }
        files = b"".join((tmp_path / name).read_bytes() for name in ("adductor.db", "adductor.db-wal"))
        mode = (tmp_path / "up.json").stat().st_mode & 0o777

    assert "adductor" in places["metrics"]
    assert len(places["log"]) > 1000
    found = [(place, name) for place, words in places.items() for name, secret in secrets.items() if secret in words]
    assert found == []
    assert not [name for name in ("access", "refresh") if secrets[name].encode() in files]
    assert mode == 0o600


def test_files_of_ours_are_closed_in_a_folder_that_is_open(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o755)

    adductor("db", "upgrade", ADDUCTOR_DATA_DIR=str(folder))
    adductor("db", "backup", str(folder / "copy.db"), ADDUCTOR_DATA_DIR=str(folder))

    modes = {path.name: path.stat().st_mode & 0o077 for path in folder.iterdir()}
    assert {"adductor.db", "copy.db"} <= modes.keys()
    assert set(modes.values()) == {0}


def test_event_about_anothers_or_no_activity_or_of_an_unknown_runner_writes_nothing(live: Live) -> None:
    """Its author needs the key and the subscription's id, and still only makes us look: the read decides."""
    anna, berta = live.runner(), live.runner()
    run = live.record(anna, silent=True)
    live.event(object_id=run, owner_id=123_456_789_012)
    (event,) = live.settles(run)
    assert (event.outcome, live.calls(activity=run)) == ("unknown_athlete", [])

    for activity in (run, 999_999_999):
        live.event(object_id=activity, owner_id=berta.strava_id)
        live.until(
            lambda asked=activity: any(event.problem or event.state == "done" for event in live.events(asked)[-1:])
        )
        assert live.suggestion(activity) is None

    assert live.written(run) == []
    assert live.truth(run)["private_note"] in (None, "")


def test_a_forged_farewell_without_the_key_ends_nothing(live: Live) -> None:
    runner = live.runner()
    body = {
        "object_type": "athlete",
        "object_id": runner.strava_id,
        "owner_id": runner.strava_id,
        "aspect_type": "update",
        "event_time": int(live.here.installation.clock.now().timestamp()) + 5,
        "subscription_id": live.subscription_id(),
        "updates": {"authorized": "false"},
    }
    key = live.here.installation.settings.webhook_key
    before = live.count_events()

    for guess in ("", key[:-1], key + "x", key.upper(), "%00", "a" * 3000, f"{key}/", f"../strava/{key[1:]}"):
        answer = requests.post(f"{live.web}/webhooks/strava/{guess}", json=body, timeout=10)
        assert answer.status_code in (404, 405, 308), guess

    assert live.count_events() == before
    assert live.athlete(runner).connection.state == "connected"


def test_the_handshake_wants_the_key_and_the_word(live: Live) -> None:
    settings = live.here.installation.settings
    asked = {"hub.mode": "subscribe", "hub.challenge": "abc", "hub.verify_token": settings.verify_token}

    right = requests.get(settings.webhook_url, params=asked, timeout=10)
    wrong_word = requests.get(settings.webhook_url, params={**asked, "hub.verify_token": "guess"}, timeout=10)
    wrong_key = requests.get(f"{live.web}/webhooks/strava/guess", params=asked, timeout=10)
    markup = requests.get(settings.webhook_url, params={**asked, "hub.challenge": "<script>"}, timeout=10)

    assert (right.status_code, wrong_word.status_code, wrong_key.status_code) == (200, 400, 404)
    assert "abc" not in wrong_word.text + wrong_key.text
    assert markup.headers["Content-Type"] == "application/json"
    assert markup.headers["X-Content-Type-Options"] == "nosniff"
