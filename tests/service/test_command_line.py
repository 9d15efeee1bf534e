"""The command line: scenarios decided, athletes and backups, one clear line for wrong usage and missing things."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import yaml
from sqlalchemy import text

from adductor.store import Store
from adductor.store.models import Heartbeat
from service.supervisor import free_port
from tests.coaching.cases import ATHLETE, all_cases, more_cases
from tests.service.conftest import APPLICATION
from tests.support import commands, databases
from tests.support.live import adductor
from tests.support.memory_log import Log
from tests.support.runners import Place

PLAIN = more_cases()[0].document


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
    assert (ended.returncode, "ADDUCTOR_DATABASE_URL" in ended.stderr) == (1, True)
    assert "hunter2" not in ended.stderr


@pytest.mark.processes
@pytest.mark.parametrize(
    ("command", "setting"),
    [("up", "ADDUCTOR_BIND"), ("up", "ADDUCTOR_SANDBOX_BIND"), ("web", "ADDUCTOR_BIND")],
)
def test_port_in_use_is_one_clear_line(folder: str, command: str, setting: str) -> None:
    binds = {name: f"127.0.0.1:{free_port()}" for name in ("ADDUCTOR_BIND", "ADDUCTOR_SANDBOX_BIND")}
    with socket.create_server(("127.0.0.1", 0)) as taken:
        bind = f"127.0.0.1:{taken.getsockname()[1]}"

        ended = adductor(command, ADDUCTOR_DATA_DIR=folder, **{**binds, setting: bind})

    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert f"can't listen on {bind}" in line
    assert setting in line


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
def test_demo_shows_a_run_and_leaves_nothing_behind(tmp_path: Path, platform: str, heading: str, place: str) -> None:
    before, own_words = {process.pid for process in psutil.process_iter()}, "New shoes. Legs fine after Tuesday 🙂"

    ended = adductor("demo", f"--platform={platform}", TMPDIR=str(tmp_path), HOME=str(tmp_path / "home"))

    assert ended.returncode == 0, ended.stderr
    recorded, _, noted = ended.stdout.partition(heading)
    for page, said in ((recorded, own_words), (recorded, "Because: "), (noted, own_words), (noted, place)):
        assert said in page
    assert ["— Adductor Coach" in page for page in (recorded, noted)] == [False, True]
    assert re.search(r"\d+\.\d\d s  in all", noted)
    assert list(tmp_path.iterdir()) == []
    left = [process for process in psutil.process_iter(["cmdline"]) if process.pid not in before]
    assert not [process for process in left if str(tmp_path) in " ".join(process.info["cmdline"] or [])]


def test_athletes_are_listed_exported_and_after_a_yes_forgotten_and_no_other(here: Place) -> None:
    runner, other = here.runner(), here.runner()
    account = f"strava:{here.owner(runner)}"
    for athlete in (runner, other):
        here.run_done(athlete)

    def said(*arguments: str, stdin: str | None = None) -> str:
        data_dir = str(here.installation.settings.data_dir)
        return commands.run(*arguments, stdin=stdin, ADDUCTOR_DATA_DIR=data_dir, **APPLICATION).stdout

    listed = json.loads(said("athlete", "list", "--json"))
    assert [(each["id"], each["state"]) for each in listed] == [(runner, "connected"), (other, "connected")]
    assert listed[0]["platforms"] == [account]
    assert len(said("athlete", "list").splitlines()) == 3
    exported = json.loads(said("athlete", "export", account))
    assert exported["athlete"]["id"] == runner
    assert {row["athlete_id"] for row in exported["suggestions"]} == {runner}
    assert "[post_run] about activity" in said("why", account)
    said("athlete", "forget", str(runner), stdin="n\n")
    assert here.athlete(runner).connection.state == "connected"
    assert f"Athlete {runner} is deleted." in said("athlete", "forget", str(runner), "--yes")
    assert [len(here.suggestions(athlete)) for athlete in (runner, other)] == [0, 1]


def test_why_says_what_came_of_an_event_without_a_decision(here: Place) -> None:
    runner = here.runner(confirmed_at=None)
    here.take(Log(here).event(runner, about=901))

    data_dir = str(here.installation.settings.data_dir)
    said = commands.run("why", str(runner), ADDUCTOR_DATA_DIR=data_dir, **APPLICATION).stdout

    assert "nothing was decided yet" in said
    assert "create of activity 901: not_confirmed, attempts 1, trace " in said


def test_backup_leaves_its_time_unless_it_fails_and_is_good_without(folder: str) -> None:
    store = Store(f"sqlite:///{folder}/adductor.db")

    def noted(*arguments: str) -> tuple[int, int]:
        ended = commands.run("db", *arguments, ADDUCTOR_DATA_DIR=folder)
        with store.write() as session:
            return ended.returncode, session.query(Heartbeat).filter_by(part="backup").delete()

    assert noted("backup", f"{folder}/none/copy.db") == (1, 0)
    assert noted("backup", f"{folder}/copy.db") == (0, 1)
    assert noted("backed-up") == (0, 1)

    with store.write() as session:
        session.execute(text("DROP TABLE heartbeats"))
    ended = commands.run("db", "backup", f"{folder}/second.db", ADDUCTOR_DATA_DIR=folder)
    assert (ended.returncode, (Path(folder) / "second.db").is_file()) == (0, True)
    assert "could not be stored (no such table: heartbeats)" in ended.stderr


def _decided(document: object, *, is_json: bool = True) -> str:
    given = yaml.safe_dump(document)
    return commands.run("decide", "-", *(["--json"] if is_json else []), stdin=given).stdout


def test_decide_json_has_exactly_the_promised_keys() -> None:
    answer = json.loads(_decided(PLAIN))

    assert list(answer) == ["decision", "dose", "rule", "reason", "considered", "routine"]
    assert (answer["decision"], answer["dose"], answer["rule"]) == ("post_run", "full", "post_run")
    assert answer["considered"][0] == {"rule": "red_flag", "stopped": False, "because": "no warning signs reported"}
    assert answer["considered"][-1]["stopped"] is True
    squeeze = {"exercise": "supine_adductor_squeeze", "sets": 2, "holds": 1, "hold_s": 10, "per_side": False}
    adduction = {"exercise": "standing_resisted_adduction", "sets": 2, "reps": 10, "per_side": True}
    items = [adduction, {**squeeze, "positions": 3}]
    assert answer["routine"] == {"id": "stage2_post_run", "minutes": 8, "items": items}


def test_decide_json_has_no_routine_without_a_dose_a_substitute_and_ones_own_exercise() -> None:
    own = {"id": "own_bridge", "name": "Bridge", "sets": 2, "reps": 10}
    ill, bare, mine = (
        json.loads(_decided(PLAIN | {"athlete": ATHLETE | more}))
        for more in ({"illness": True}, {"equipment": []}, {"less_steady_side": "left", "own_exercises": [own]})
    )

    assert (ill["decision"], ill["dose"], ill["routine"]) == ("none", "none", None)
    assert bare["routine"]["items"][0]["substituted_for"] == "standing_resisted_adduction"
    items = mine["routine"]["items"]
    assert (items[0]["extra_set_side"], items[-1]["name"]) == ("left", "Bridge")


def test_decide_in_words_names_decision_reason_routine_and_every_rule() -> None:
    shown = _decided(PLAIN, is_json=False)

    assert shown.startswith("post_run, full (rule post_run)\nWhy: easy run done, 5 days since the last one, 1 of 2")
    assert "  1. Standing band adduction: 2 x 10 each side\n  2. Squeeze, three positions: 2 x 10 s each\n" in shown
    assert "weekly_cap" in shown
    assert "went on: 1 of 2 in the last 7 days" in shown
    assert shown.endswith("decided: easy run done, 1 of 2 in the last 7 days\n")


def test_decide_answers_several_documents_in_one_line_of_json_each_in_their_order() -> None:
    cases = all_cases()
    text = yaml.safe_dump_all([case.document for case in cases])
    answers = map(json.loads, commands.run("decide", "-", "--json", stdin=text).stdout.splitlines())
    assert [(a["decision"], a["dose"], a["rule"]) for a in answers] == [case.expected for case in cases]


TWO = "\n".join(json.dumps(one) for one in (PLAIN, PLAIN | {"now": "soon"})).encode()


@pytest.mark.parametrize(
    ("written", "code", "problem"),
    [
        (b"", 1, "adductor decide: {file} holds no scenario\n"),
        (b"a: [", 1, "adductor decide: line 2, column 1: not readable as YAML"),
        (b"- 1", 1, "adductor decide: (document): must be a mapping, not a list\n"),
        (json.dumps(PLAIN | {"mood": "fine"}).encode(), 1, "adductor decide: mood: unknown key"),
        (TWO, 1, "adductor decide: scenario 2: now: must be a time"),
        (b"\xff\xfe\x00", 1, "adductor decide: {file} can't be read"),
        (None, 2, "Usage: "),
    ],
)
def test_decide_says_why_a_file_is_no_scenario(tmp_path: Path, written: bytes | None, code: int, problem: str) -> None:
    file = tmp_path / "x.yaml"
    if written is not None:
        file.write_bytes(written)

    ended = commands.run("decide", str(file), "--json")

    assert (ended.returncode, ended.stdout) == (code, "")
    assert ended.stderr.startswith(problem.format(file=file))


def test_catalogue_is_shown_in_words_and_complete_as_json() -> None:
    shown = commands.run("catalogue").stdout
    assert 'article: "Side Lying Abduction (Top Leg Elevated)", 3 sets x 3, 5-second holds' in shown
    assert "stage1_light: level 1, post run, rest day, 4 min" in shown

    whole = json.loads(commands.run("catalogue", "--json").stdout)
    assert len(whole["exercises"]) == 20
    assert whole["exercises"][0]["dose"]["sets"] == {"start": 1, "target": 3, "max": 3}
    assert whole["routines"][2]["lines"][2] == {"exercise": "standing_resisted_adduction", "sets": 3, "count": 12}
    assert whole["pools"][0]["id"] == "stage1_standard"
    assert {citation["id"] for citation in whole["citations"]} >= {"article", "Haroy2019"}


def test_deciding_loads_no_database_no_queue_and_no_platform() -> None:
    heavy = "{'sqlalchemy', 'celery', 'stravalib', 'flask'}"
    code = f"import sys, service.cli.decide; print(sorted({heavy} & sys.modules.keys()))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout == "[]\n"
