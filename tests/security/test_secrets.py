"""No secret in logs, answers, metrics, exports or the database: looked for by its value, after everything has happened."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import requests
from sqlalchemy import text

from adductor.athletes import personal_data
from adductor.store.models import Athlete, Token
from tests.support.live import Live, Runner, adductor, installation

pytestmark = pytest.mark.processes
SECRET_KEY = "5ecret5ecret5ecret5ecret5ecret5ecret"
METRICS_TOKEN = "metr1cs-token-metr1cs-token"


def _secrets(live: Live, runner: Runner) -> dict[str, str]:
    """Everything that must be found nowhere."""
    here = live.here.installation
    settings = here.settings
    with live.store.read() as session:
        token = session.get_one(Token, runner.id)
        athlete = session.get_one(Athlete, runner.id)
    links = here.links
    found = {
        "secret key": SECRET_KEY,
        "derived session key": settings.derived("sessions"),
        "derived link key": settings.derived("answer links"),
        "webhook key": settings.webhook_key,
        "verify token": settings.verify_token,
        "access token": here.vault.open(token.access_sealed),
        "refresh token": here.vault.open(token.refresh_sealed),
        "metrics token": METRICS_TOKEN,
        "calendar key": str(athlete.calendar_key),
        "answer link": links.answer("somepublicid", "done", here.clock.now()).rpartition("/")[2],
        "unsubscribe link": links.unsubscribe(runner.id, runner.strava_id, here.clock.now()).rpartition("/")[2],
    }
    assert settings.strava_client_secret is not None
    found["client secret"] = settings.strava_client_secret.get_secret_value()
    found |= {f"token key {number}": key for number, key in enumerate(settings.fernet_keys)}
    assert all(len(value) > 10 for value in found.values())
    return found


def _live_through_everything(live: Live, runner: Runner, secrets: dict[str, str]) -> None:
    """Good days and bad ones: a note, a refresh that fails, a server that fails, requests that can't be read."""
    live.note_comes(live.record(runner))
    live.fault(endpoint="oauth.token", status=500, body=f"no: {secrets['refresh token']}", times=1)
    live.fault(endpoint="activities.get", status=502, html="<h1>Bad gateway</h1>", times=1)
    other = live.runner()
    live.admin("POST", f"runners/{other.strava_id}/expire-tokens")
    live.note_comes(live.record(other))
    key, url = secrets["webhook key"], live.web
    for method, path, body in (
        ("POST", f"/webhooks/strava/{key}", b"{"),
        ("POST", f"/webhooks/strava/{key}x", b"{}"),
        ("GET", f"/webhooks/strava/{key}?hub.verify_token={secrets['verify token']}", None),
        ("GET", f"/a/{secrets['answer link']}x", None),
        ("POST", f"/unsubscribe/{secrets['unsubscribe link']}", b"again=1"),
        ("GET", f"/connect/strava/callback?code={secrets['refresh token']}&state=x&scope=read", None),
        ("GET", f"/calendar/{secrets['calendar key']}.ics", None),
        ("GET", "/metrics", None),
    ):
        headers = {"Authorization": f"Bearer {METRICS_TOKEN}"}
        requests.request(method, f"{url}{path}", data=body, headers=headers, timeout=10)


def test_nothing_that_is_written_or_shown_holds_a_secret(tmp_path: Path) -> None:
    settings = {"ADDUCTOR_SECRET_KEY": SECRET_KEY, "ADDUCTOR_METRICS_TOKEN": METRICS_TOKEN}
    with installation(tmp_path, **settings) as live:
        runner = live.runner(calendar_key="calendar-key-of-a-test")
        secrets = _secrets(live, runner)
        _live_through_everything(live, runner, secrets)
        now = _secrets(live, runner)
        for name in ("access token", "refresh token"):
            secrets[f"{name}, renewed"] = now[name]
        environment = {**settings, "ADDUCTOR_DATA_DIR": str(tmp_path), "ADDUCTOR_BIND": live.here.settings.bind}
        number = str(runner.id)
        commands = (("doctor",), ("why", number), ("athlete", "export", number), ("strava", "status"), ("db", "reseal"))
        said = {" ".join(command): adductor(*command, **environment) for command in commands}
        with live.store.read() as session:
            export = json.dumps(personal_data.export(session, live.athlete(runner)), default=str)
            tables = [
                str(row)
                for table in (
                    "athletes",
                    "tokens",
                    "inbox_events",
                    "deliveries",
                    "decisions",
                    "letters",
                    "subscriptions",
                )
                if table != "subscriptions"  # holds the callback as Strava was told it, key and all
                for row in session.execute(text(f"SELECT * FROM {table}"))
            ]
        metrics = requests.get(
            f"{live.web}/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"}, timeout=10
        ).text
        places = {
            "the log": live.log.read_text(errors="replace"),
            "the metrics": metrics,
            "the export": export,
            "the database": "\n".join(tables).replace("calendar-key-of-a-test", ""),
            "/readyz": requests.get(f"{live.web}/readyz", timeout=10).text,
            **{f"adductor {name}": answer.stdout + answer.stderr for name, answer in said.items()},
        }

    assert "adductor" in metrics
    assert len(places["the log"]) > 1000
    assert [
        (place, name) for place, words in places.items() for name, secret in secrets.items() if secret in words
    ] == []


def test_what_stands_on_the_disk_is_its_owners_alone(tmp_path: Path) -> None:
    with installation(tmp_path / "data") as live:
        runner = live.runner(calendar_key="calendar-key-of-a-test")
        secrets = _secrets(live, runner)
        closed = {
            path.name: path.stat().st_mode & 0o077
            for path in (tmp_path / "data").rglob("*")
            if path.is_file() and path.name in ("secret-key", "up.json")
        }
        database = (tmp_path / "data" / "adductor.db").read_bytes()
        wal = (tmp_path / "data" / "adductor.db-wal").read_bytes()

    assert closed == {"secret-key": 0, "up.json": 0}
    assert secrets["access token"].encode() not in database + wal
    assert secrets["refresh token"].encode() not in database + wal


def test_files_of_ours_are_closed_in_a_folder_that_is_open(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)

    adductor("db", "upgrade", ADDUCTOR_DATA_DIR=str(folder))
    adductor("db", "backup", str(folder / "copy.db"), ADDUCTOR_DATA_DIR=str(folder))

    modes = {path.name: path.stat().st_mode & 0o077 for path in folder.iterdir()}
    assert {"adductor.db", "copy.db"} <= modes.keys()
    assert set(modes.values()) == {0}
