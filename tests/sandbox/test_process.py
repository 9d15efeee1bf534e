"""The real process: started as documented, spoken to over the wire, ended."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import stravalib
from stravalib.exc import ObjectNotFound

from tests.sandbox.conftest import MARA, Callback


class Process:
    def __init__(self, state_dir: Path, *more: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sandbox", "--bind", f"127.0.0.1:{port}", "--state-dir", str(state_dir),
             "--client-id", "7", "--client-secret", "s", *more],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        self.ready = self.process.stdout.readline().strip()

    def admin(self, path: str, body: Any = None) -> Any:
        answer = requests.post(f"{self.url}/admin{path}", json=body or {}, timeout=10)
        assert answer.ok, answer.text
        return answer.json()

    def end(self, with_signal: int = signal.SIGTERM) -> tuple[int, str]:
        self.process.send_signal(with_signal)
        _, errors = self.process.communicate(timeout=10)
        return self.process.returncode, errors


@pytest.fixture
def started(tmp_path: Path) -> Iterator[list[Process]]:
    """Whatever a test puts in here is gone afterwards."""
    processes: list[Process] = []
    yield processes
    for process in processes:
        if process.process.poll() is None:
            process.process.kill()
        process.process.communicate()


@pytest.mark.parametrize("with_signal", [signal.SIGTERM, signal.SIGINT])
def test_it_says_when_it_is_ready_ends_cleanly_and_remembers(
    started: list[Process], tmp_path: Path, with_signal: int
) -> None:
    first = Process(tmp_path / "state")
    started.append(first)
    assert first.ready == f"sandbox ready on {first.url}"
    token = first.admin(f"/runners/{MARA}/connect")["access_token"]
    activity_id = first.admin(f"/runners/{MARA}/activities", {"private_note": "kept é"})["id"]
    with requests.Session() as kept_open:
        assert kept_open.get(first.url, timeout=10).ok
        start = time.monotonic()
        assert first.end(with_signal) == (0, "")
        assert time.monotonic() - start < 9  # half a second on an idle machine; a kept-open connection must not hold it
    second = Process(tmp_path / "state")
    started.append(second)
    address = f"{second.url}/api/v3/activities/{activity_id}"
    answer = requests.get(address, headers={"Authorization": f"Bearer {token}"}, timeout=10)
    assert answer.json()["private_note"] == "kept é"


def test_what_was_answered_survives_a_kill(started: list[Process], tmp_path: Path) -> None:
    first = Process(tmp_path / "state")
    started.append(first)
    ids = [first.admin(f"/runners/{MARA}/activities")["id"] for _ in range(20)]
    first.process.kill()
    first.process.wait()
    second = Process(tmp_path / "state")
    started.append(second)
    listed = requests.get(f"{second.url}/admin/runners/{MARA}/activities", timeout=10).json()
    assert sorted(activity["id"] for activity in listed) == ids


def test_a_dropped_call_is_a_broken_connection_and_the_server_lives_on(started: list[Process], tmp_path: Path) -> None:
    sandbox = Process(tmp_path / "state")
    started.append(sandbox)
    token = sandbox.admin(f"/runners/{MARA}/connect")["access_token"]
    activity_id = sandbox.admin(f"/runners/{MARA}/activities")["id"]
    address = f"{sandbox.url}/api/v3/activities/{activity_id}"
    headers = {"Authorization": f"Bearer {token}"}
    for when, note in (("before", ""), ("after", "written")):
        sandbox.admin("/faults", {"endpoint": "activities.update", "drop": True, "times": 1, "when": when})
        with pytest.raises(requests.ConnectionError):
            requests.put(address, json={"private_note": "written"}, headers=headers, timeout=10)
        assert requests.get(address, headers=headers, timeout=10).json()["private_note"] == note
    assert sandbox.end() == (0, "")


def test_two_processes_live_by_one_clock_file(started: list[Process], tmp_path: Path) -> None:
    clock = ("--clock-file", str(tmp_path / "clock.json"))
    first, second = Process(tmp_path / "a", *clock), Process(tmp_path / "b", *clock)
    started += [first, second]
    first.admin("/clock", {"now": "2030-01-01T00:00:00Z", "speed": 100})
    seen = requests.get(f"{second.url}/admin/clock", timeout=10).json()
    assert seen["utc"].startswith("2030-01-01T00:0")
    assert seen["speed"] == 100


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (["--bind", "nowhere"], "HOST:PORT"),
        (["--bind", "127.0.0.1:99999"], "HOST:PORT"),
        (["--bind", "192.0.2.1:1"], "can't listen"),
        (["--state-dir", "/proc/nothing"], "--state-dir"),
        (["--app-url", "example.org"], "--app-url"),
        (["--client-id", "abc"], "--client-id"),
    ],
)
def test_wrong_usage_is_one_sentence_and_exit_2(tmp_path: Path, changed: list[str], said: str) -> None:
    usual = ["--bind", "127.0.0.1:1", "--state-dir", str(tmp_path), "--client-id", "1", "--client-secret", "s"]
    ended = subprocess.run(
        [sys.executable, "-m", "sandbox", *usual, *changed], capture_output=True, text=True, timeout=20, check=False
    )
    assert ended.returncode == 2
    assert said in ended.stderr.splitlines()[-1]
    assert "Traceback" not in ended.stderr


def test_a_taken_port_is_said_at_once(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        bind = f"127.0.0.1:{taken.getsockname()[1]}"
        command = [sys.executable, "-m", "sandbox", "--bind", bind, "--state-dir", str(tmp_path)]
        ended = subprocess.run(
            [*command, "--client-id", "1", "--client-secret", "s"],
            capture_output=True, text=True, timeout=20, check=False,
        )  # fmt: skip
    assert ended.returncode == 2
    assert bind in ended.stderr


class _ToTheSandbox(requests.Session):
    """stravalib's addresses are fixed in its source: the origin is changed on the way."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._origin = urlsplit(url)

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> requests.Response:
        there = urlsplit(url)._replace(scheme="http", netloc=self._origin.netloc).geturl()
        return super().request(method, there, *args, timeout=10, **kwargs)


def test_stravalib_gets_along_with_it(
    started: list[Process], tmp_path: Path, callback: Callback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SILENCE_TOKEN_WARNINGS", "true")
    sandbox = Process(tmp_path / "state")
    started.append(sandbox)
    made = sandbox.admin(f"/runners/{MARA}/connect")
    with _ToTheSandbox(sandbox.url) as session:
        client = stravalib.Client(made["access_token"], rate_limit_requests=False, requests_session=session)
        subscription = client.create_subscription(7, "s", callback.url, "verify me")
        activity_id = sandbox.admin(f"/runners/{MARA}/activities", {"workout_type": "race", "description": "d"})["id"]
        assert callback.wait_for(1)[0]["subscription_id"] == subscription.id
        assert client.get_athlete().firstname == "Mara"
        activity = client.get_activity(activity_id)
        assert (activity.sport_type, activity.workout_type, activity.description) == ("Run", 1, "d")
        assert client.update_activity(activity_id, description="new").description == "new"
        assert [listed.id for listed in client.get_activities()] == [activity_id]
        with pytest.raises(ObjectNotFound):
            client.get_activity(1)
        refreshed = client.refresh_access_token(7, "s", made["refresh_token"])
        assert refreshed["access_token"] == made["access_token"]
        client.delete_subscription(subscription.id, 7, "s")
