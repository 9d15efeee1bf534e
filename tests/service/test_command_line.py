"""The commands as a person runs them: demo, up, and what goes wrong with them."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import requests

from service.supervisor import free_port
from tests.support.live import adductor

pytestmark = pytest.mark.processes


@contextmanager
def _up(folder: Path, *, bind: str | None = None, **settings: str) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    """`adductor up` in a folder of its own, until it says that it is ready: the process, its address, the sandbox's."""
    web, sandbox = bind or f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ADDUCTOR_", "STRAVA_"))}
    process = subprocess.Popen(
        [sys.executable, "-m", "service.cli", "up", f"--sandbox-bind={sandbox}"],
        env={
            **environment,
            "ADDUCTOR_DATA_DIR": str(folder),
            "ADDUCTOR_BIND": web,
            "ADDUCTOR_PUBLIC_URL": f"http://{web}",
            **settings,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if "Ctrl-C ends everything" in line:
                break
        else:
            raise AssertionError(f"`adductor up` ended with {process.wait()}")
        yield process, f"http://{web}", f"http://{sandbox}"
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def _family(process: subprocess.Popen[str]) -> list[psutil.Process]:
    top = psutil.Process(process.pid)
    return [top, *top.children(recursive=True)]


def _all_gone(family: list[psutil.Process]) -> bool:
    _, alive = psutil.wait_procs(family, timeout=25)
    return not alive


def test_the_demo_shows_the_run_before_and_after_with_the_reason_and_the_times() -> None:
    ended = adductor("demo")

    assert ended.returncode == 0, ended.stderr
    before, _, after = ended.stdout.partition("The run, a moment later")
    assert "New shoes. Legs fine after Tuesday 🙂" in before
    assert "— Adductor Coach" not in before
    assert "Because: " in before
    assert "New shoes. Legs fine after Tuesday 🙂" in after
    assert "— Adductor Coach" in after
    assert re.search(r"\d+\.\d\d s  in all", after)


def test_the_demo_leaves_nothing_behind(tmp_path: Path) -> None:
    before = {process.pid for process in psutil.process_iter()}

    ended = adductor("demo", TMPDIR=str(tmp_path), HOME=str(tmp_path / "home"))

    assert ended.returncode == 0, ended.stderr
    assert list(tmp_path.iterdir()) == []
    assert not [
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if process.pid not in before and any(str(tmp_path) in part for part in process.info["cmdline"] or [])
    ]


def test_up_serves_the_pages_and_keeps_its_data_over_a_restart(tmp_path: Path) -> None:
    with _up(tmp_path) as (_, web, sandbox):
        assert "Connect with Strava" in requests.get(web, timeout=5).text
        assert requests.get(f"{web}/healthz", timeout=5).json()["status"] == "ok"
        assert requests.get(f"{web}/readyz", timeout=5).json() == {"status": "ready"}
        assert requests.get(sandbox, timeout=5).ok
        runner = requests.get(f"{sandbox}/admin/runners", timeout=5).json()[0]["id"]
        run = requests.post(f"{sandbox}/admin/runners/{runner}/activities", json={}, timeout=5).json()["id"]
        secret = (tmp_path / "secret-key").read_text()

    with _up(tmp_path) as (_, _, sandbox):
        assert requests.get(f"{sandbox}/admin/activities/{run}", timeout=5).ok
        assert (tmp_path / "secret-key").read_text() == secret


@pytest.mark.parametrize(
    "ending", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=["Ctrl-C", "SIGTERM", "terminal closed"]
)
def test_up_ends_all_its_parts(tmp_path: Path, ending: signal.Signals) -> None:
    with _up(tmp_path) as (process, _, _):
        family = _family(process)
        process.send_signal(ending)

        assert process.wait(30) == 0
        assert _all_gone(family)


def test_with_an_application_of_its_own_it_brings_no_sandbox(tmp_path: Path) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    with _up(
        tmp_path,
        STRAVA_CLIENT_ID="1",
        STRAVA_CLIENT_SECRET="made-up",
        ADDUCTOR_STRAVA_API_URL=f"{nobody}/api/v3",
        ADDUCTOR_STRAVA_OAUTH_URL=f"{nobody}/oauth",
    ) as (process, web, sandbox):
        to_strava = requests.get(f"{web}/connect/strava", timeout=5, allow_redirects=False)

        assert to_strava.headers["Location"].startswith(f"{nobody}/oauth/authorize?")
        assert not any("-m sandbox" in " ".join(child.cmdline()) for child in _family(process)[1:])
        with pytest.raises(requests.ConnectionError):
            requests.get(sandbox, timeout=2)


def test_no_part_outlives_a_killed_up_with_two_web_processes(tmp_path: Path) -> None:
    with _up(tmp_path, ADDUCTOR_WEB_PROCESSES="2") as (process, _, _):
        family = _family(process)

        process.kill()

        assert _all_gone(family)


def test_up_behind_a_proxy_that_is_away_becomes_ready(tmp_path: Path) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    with _up(tmp_path, HTTP_PROXY=nobody, HTTPS_PROXY=nobody, http_proxy=nobody) as (_, web, _):
        assert requests.get(f"{web}/readyz", timeout=5).status_code == 200


@pytest.mark.parametrize("command", ["up", "web"])
def test_a_port_in_use_is_said_plainly(tmp_path: Path, command: str) -> None:
    assert adductor("db", "upgrade", ADDUCTOR_DATA_DIR=str(tmp_path)).returncode == 0
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        bind = f"127.0.0.1:{taken.getsockname()[1]}"

        ended = adductor(command, ADDUCTOR_DATA_DIR=str(tmp_path), ADDUCTOR_BIND=bind)

    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
    assert f"can't listen on {bind}" in ended.stderr
    assert "ADDUCTOR_BIND" in ended.stderr


def test_a_second_up_in_the_same_folder_is_refused_and_one_in_another_runs_beside_it(tmp_path: Path) -> None:
    with _up(tmp_path / "one") as (_, web, _):
        second = adductor("up", ADDUCTOR_DATA_DIR=str(tmp_path / "one"), ADDUCTOR_BIND=f"127.0.0.1:{free_port()}")
        assert second.returncode == 1
        assert "another `adductor up`" in second.stderr

        with _up(tmp_path / "two") as (_, other_web, _):
            assert requests.get(f"{web}/readyz", timeout=5).ok
            assert requests.get(f"{other_web}/readyz", timeout=5).ok


def test_a_fallen_part_is_started_again(tmp_path: Path) -> None:
    with _up(tmp_path) as (process, web, _):
        part = next(
            child for child in psutil.Process(process.pid).children() if child.cmdline()[-2:] == ["service.cli", "web"]
        )
        family = [part, *part.children()]
        for child in family:
            child.kill()
        psutil.wait_procs(family, timeout=10)

        for _ in range(300):
            try:
                if requests.get(f"{web}/healthz", timeout=1).ok:
                    break
            except requests.RequestException:
                signal.sigtimedwait([], 0.1)
        else:
            pytest.fail("the web part did not come back")


def test_every_command_has_help_with_an_example() -> None:
    from service.cli import cli

    names = ["up", "demo", "web", "worker", "beat", "sandbox", "decide", "catalogue", "why", "replay"]
    for command in [[name] for name in names] + [["db", "upgrade"], ["strava", "subscribe"], ["strava", "status"]]:
        ended = adductor(*command, "--help")
        assert ended.returncode == 0, command
        assert "Example" in ended.stdout, command
    assert cli.name == "cli"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nonsense"], 2, "No such command"),
        (["why", "1"], 1, "no athlete 1"),
        (["why", "x"], 2, "not a valid integer"),
        (["replay"], 2, "--failed"),
        (["replay", "7"], 1, "no event 7"),
        (["strava", "status"], 2, "STRAVA_CLIENT_ID"),
        (["worker"], 2, "ADDUCTOR_REDIS_URL"),
    ],
)
def test_wrong_usage_gets_one_clear_line(tmp_path: Path, arguments: list[str], code: int, said: str) -> None:
    adductor("db", "upgrade", ADDUCTOR_DATA_DIR=str(tmp_path))

    ended = adductor(*arguments, ADDUCTOR_DATA_DIR=str(tmp_path))

    assert ended.returncode == code, ended.stderr
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("command", [("db", "upgrade"), ("why", "1"), ("replay", "--failed")], ids=" ".join)
def test_a_database_out_of_reach_is_named_without_its_password(command: tuple[str, ...]) -> None:
    ended = adductor(*command, ADDUCTOR_DATABASE_URL="postgresql+psycopg://coach:hunter2@127.0.0.1:1/coach")

    assert ended.returncode == 1
    assert "ADDUCTOR_DATABASE_URL" in ended.stderr
    assert "hunter2" not in ended.stderr
