"""Wrong usage, wrong settings and missing things get one clear line from every command."""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path

import psutil
import pytest
from sqlalchemy import text

from adductor.store import Store
from adductor.store.models import Heartbeat
from service.supervisor import free_port
from tests.service.conftest import APPLICATION
from tests.support import commands, databases
from tests.support.live import adductor
from tests.support.memory_log import event, take
from tests.support.runners import Place


@pytest.fixture
def folder(tmp_path: Path) -> str:
    """A data folder with a migrated database."""
    databases.bring_up(Store(f"sqlite:///{tmp_path}/adductor.db"))
    return str(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nonsense"], 2, "No such command"),
        (["why", "1"], 1, "no athlete 1"),
        (["why", "x"], 2, "no number of a runner"),
        (["why", "9" * 30], 2, "no number of a runner"),
        (["why", "strava:4711"], 1, "no athlete strava:4711"),
        (["replay", "9" * 30], 2, "not in the range"),
        (["replay"], 2, "--failed"),
        (["replay", "7"], 1, "no event 7"),
        (["strava", "subscribe"], 2, "STRAVA_CLIENT_ID"),
        (["strava", "status"], 2, "STRAVA_CLIENT_ID"),
        (["strava", "unsubscribe"], 2, "STRAVA_CLIENT_ID"),
        (["worker"], 2, "ADDUCTOR_REDIS_URL"),
        (["beat"], 2, "ADDUCTOR_REDIS_URL"),
        (["athlete", "export", "4711"], 1, "there is no athlete 4711"),
        (["athlete", "forget", "4711", "--yes"], 1, "there is no athlete 4711"),
        (["athlete", "forget", "intervals:i1", "--yes"], 1, "there is no athlete intervals:i1"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_wrong_usage_gets_one_clear_line(folder: str, arguments: list[str], code: int, said: str) -> None:
    ended = commands.run(*arguments, ADDUCTOR_DATA_DIR=folder)

    assert ended.returncode == code
    assert said in ended.stderr


@pytest.mark.parametrize("command", [("db", "upgrade"), ("why", "1"), ("replay", "--failed")], ids=" ".join)
def test_database_out_of_reach_is_named_without_its_password(tmp_path: Path, command: tuple[str, ...]) -> None:
    url = "postgresql+psycopg://coach:hunter2@127.0.0.1:1/coach"
    ended = commands.run(*command, ADDUCTOR_DATABASE_URL=url, ADDUCTOR_DATA_DIR=str(tmp_path))

    assert ended.returncode == 1
    assert "ADDUCTOR_DATABASE_URL" in ended.stderr
    assert "hunter2" not in ended.stderr


@pytest.mark.parametrize(
    ("command", "setting"),
    [("up", "ADDUCTOR_BIND"), ("up", "ADDUCTOR_SANDBOX_BIND"), ("web", "ADDUCTOR_BIND")],
)
@pytest.mark.processes
def test_port_in_use_is_one_clear_line(folder: str, command: str, setting: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        bind = f"127.0.0.1:{taken.getsockname()[1]}"
        binds = {"ADDUCTOR_BIND": f"127.0.0.1:{free_port()}", "ADDUCTOR_SANDBOX_BIND": f"127.0.0.1:{free_port()}"}

        ended = adductor(command, ADDUCTOR_DATA_DIR=folder, **{**binds, setting: bind})

    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
    assert f"can't listen on {bind}" in ended.stderr
    assert setting in ended.stderr


@pytest.mark.processes
def test_settings_all_wrong_ones_are_named_with_exit_code_2(tmp_path: Path) -> None:
    ended = adductor("up", ADDUCTOR_BIND="x", STRAVA_CLIENT_ID="1", ADDUCTOR_DATA_DIR=str(tmp_path))

    assert ended.returncode == 2
    assert [line.partition(": ")[0] for line in ended.stderr.splitlines()] == ["adductor", "adductor"]


@pytest.mark.processes
@pytest.mark.parametrize(
    ("platform", "heading", "place"),
    [
        ("strava", "The run, a moment later", "Private note"),
        ("intervals", "The calendar, a moment later", "NOTE on 20"),
    ],
)
def test_demo_shows_the_run_before_and_after_and_leaves_nothing_behind(
    tmp_path: Path, platform: str, heading: str, place: str
) -> None:
    before = {process.pid for process in psutil.process_iter()}

    ended = adductor("demo", f"--platform={platform}", TMPDIR=str(tmp_path), HOME=str(tmp_path / "home"))

    assert ended.returncode == 0, ended.stderr
    recorded, _, noted = ended.stdout.partition(heading)
    assert place in noted
    assert "New shoes. Legs fine after Tuesday 🙂" in recorded
    assert "— Adductor Coach" not in recorded
    assert "Because: " in recorded
    assert "New shoes. Legs fine after Tuesday 🙂" in noted
    assert "— Adductor Coach" in noted
    assert re.search(r"\d+\.\d\d s  in all", noted)
    assert list(tmp_path.iterdir()) == []
    left = [process for process in psutil.process_iter(["cmdline"]) if process.pid not in before]
    assert not [process for process in left if str(tmp_path) in " ".join(process.info["cmdline"] or [])]


def test_athletes_are_listed_exported_and_after_a_yes_forgotten_and_no_other(here: Place) -> None:
    runner, other = here.runner(), here.runner()
    settings = {**APPLICATION, "ADDUCTOR_DATA_DIR": str(here.installation.settings.data_dir)}
    for athlete in (runner, other):
        here.run_done(athlete)

    account = here.athlete(runner).connection.external_id
    listed = json.loads(commands.run("athlete", "list", "--json", **settings).stdout)
    shown = commands.run("athlete", "list", **settings).stdout.splitlines()
    exported = json.loads(commands.run("athlete", "export", f"strava:{account}", **settings).stdout)
    why = commands.run("why", f"strava:{account}", **settings).stdout
    refused = commands.run("athlete", "forget", str(runner), stdin="n\n", **settings)
    kept = here.athlete(runner).connection.state
    ended = commands.run("athlete", "forget", str(runner), "--yes", **settings)

    assert [(each["id"], each["state"]) for each in listed] == [(runner, "connected"), (other, "connected")]
    assert listed[0]["platforms"] == [f"strava:{account}"]
    assert len(shown) == 3
    assert exported["athlete"]["id"] == runner
    assert "[post_run] about activity" in why
    assert {row["athlete_id"] for row in exported["suggestions"]} == {runner}
    assert (refused.returncode, kept) == (1, "connected")
    assert f"Athlete {runner} is deleted." in ended.stdout
    assert [len(here.suggestions(athlete)) for athlete in (runner, other)] == [0, 1]


def test_backup_leaves_its_time_and_a_failed_one_does_not(folder: str) -> None:
    url = f"sqlite:///{folder}/adductor.db"

    def noted(*arguments: str) -> tuple[int, int]:
        ended = commands.run("db", *arguments, ADDUCTOR_DATA_DIR=folder)
        with Store(url).read() as session:
            return ended.returncode, session.query(Heartbeat).filter_by(part="backup").count()

    assert noted("backup", f"{folder}/none/copy.db") == (1, 0)
    assert noted("backup", f"{folder}/copy.db") == (0, 1)
    with Store(url).write() as session:
        session.query(Heartbeat).delete()
    assert noted("backed-up") == (0, 1)


def test_backup_whose_time_cannot_be_stored_is_a_good_copy(folder: str) -> None:
    with Store(f"sqlite:///{folder}/adductor.db").write() as session:
        session.execute(text("DROP TABLE heartbeats"))

    ended = commands.run("db", "backup", f"{folder}/copy.db", ADDUCTOR_DATA_DIR=folder)

    assert ended.returncode == 0
    assert "could not be stored (no such table: heartbeats)" in ended.stderr
    assert (Path(folder) / "copy.db").is_file()


def test_why_says_what_came_of_an_event_without_a_decision(here: Place) -> None:
    runner = here.runner(confirmed_at=None)
    settings = {**APPLICATION, "ADDUCTOR_DATA_DIR": str(here.installation.settings.data_dir)}
    take(here, event(here, runner, about=901))

    said = commands.run("why", str(runner), **settings).stdout

    assert "nothing was decided yet" in said
    assert "create of activity 901: not_confirmed, attempts 1, trace " in said
