"""The real process: started as documented, spoken to over the wire, ended."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import stravalib
from stravalib.exc import ObjectNotFound

from sandbox.__main__ import main
from tests.sandbox.conftest import MARA, Callback

MARAS = f"/runners/{MARA}/activities"


class Process:
    """`python -m sandbox` on a free port."""

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

    def call(self, method: str, path: str, body: Any = None, token: str = "") -> Any:
        """The answer in JSON; an error is a failed test."""
        headers = {"Authorization": f"Bearer {token}"}
        answer = requests.request(method, self.url + path, json=body, headers=headers, timeout=30)
        assert answer.ok, answer.text
        return answer.json()

    def admin(self, path: str, body: Any = None) -> Any:
        return self.call("POST", f"/admin{path}", body or {})

    def end(self, with_signal: int = signal.SIGTERM) -> tuple[int, str]:
        self.process.send_signal(with_signal)
        _, errors = self.process.communicate(timeout=60)
        return self.process.returncode, errors


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    """Start processes that end with the test; they share one state."""
    processes: list[Process] = []

    def made(*more: str) -> Process:
        processes.append(Process(tmp_path / "state", *more))
        return processes[-1]

    yield made
    for one in processes:
        one.process.kill()
        one.process.communicate()


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_answered_calls_survive_every_end_and_a_kept_open_connection_holds_up_none(
    start: Callable[..., Process], ending: int
) -> None:
    first = start()
    assert first.ready == f"sandbox ready on {first.url}"
    token = first.admin(f"/runners/{MARA}/connect")["access_token"]
    ids = [first.admin(MARAS, {"private_note": "kept é"})["id"] for _ in range(5)]
    with requests.Session() as kept_open:
        assert kept_open.get(first.url, timeout=30).ok
        assert first.end(ending) == (-ending if ending == signal.SIGKILL else 0, "")
    second = start()
    assert sorted(one["id"] for one in second.call("GET", f"/admin{MARAS}")) == ids
    assert second.call("GET", f"/api/v3/activities/{ids[0]}", token=token)["private_note"] == "kept é"


def test_a_dropped_call_is_a_broken_connection_and_the_server_lives_on(start: Callable[..., Process]) -> None:
    sandbox = start()
    token = sandbox.admin(f"/runners/{MARA}/connect")["access_token"]
    path = f"/api/v3/activities/{sandbox.admin(MARAS)['id']}"
    for when, note in (("before", ""), ("after", "written")):
        sandbox.admin("/faults", {"endpoint": "activities.update", "drop": True, "times": 1, "when": when})
        with pytest.raises(requests.ConnectionError):
            sandbox.call("PUT", path, {"private_note": "written"}, token)
        assert sandbox.call("GET", path, token=token)["private_note"] == note
    assert sandbox.end() == (0, "")


def test_two_processes_live_by_one_clock_file(start: Callable[..., Process], tmp_path: Path) -> None:
    clock = ("--clock-file", str(tmp_path / "clock.json"))
    first, second = start(*clock), start(*clock)
    first.admin("/clock", {"now": "2030-01-01T00:00:00Z", "speed": 100})
    seen = second.call("GET", "/admin/clock")
    assert (seen["utc"][:10], seen["speed"]) == ("2030-01-01", 100)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (["--bind", "nowhere"], "HOST:PORT"),
        (["--bind", "127.0.0.1:99999"], "HOST:PORT"),
        (["--bind", "192.0.2.1:1"], "can't listen"),
        (["--bind", "TAKEN"], "can't listen"),
        (["--state-dir", "/proc/nothing"], "--state-dir"),
        (["--app-url", "example.org"], "--app-url"),
        (["--client-id", "abc"], "--client-id"),
    ],
)
def test_wrong_usage_is_one_sentence_and_exit_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changed: list[str], said: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        usual = ["--bind", "127.0.0.1:1", "--state-dir", str(tmp_path), "--client-id", "1", "--client-secret", "s"]
        with pytest.raises(SystemExit) as ended:
            main(usual + [address if word == "TAKEN" else word for word in changed])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err.splitlines()[-1]


class _ToTheSandbox(requests.Session):
    """stravalib's addresses are fixed in its source: the origin is changed on the way."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._origin = urlsplit(url)

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> requests.Response:
        there = urlsplit(url)._replace(scheme="http", netloc=self._origin.netloc).geturl()
        return super().request(method, there, *args, **kwargs)


def test_stravalib_gets_along_with_it(
    start: Callable[..., Process], callback: Callback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SILENCE_TOKEN_WARNINGS", "true")
    sandbox = start()
    made = sandbox.admin(f"/runners/{MARA}/connect")
    with _ToTheSandbox(sandbox.url) as session:
        client = stravalib.Client(made["access_token"], rate_limit_requests=False, requests_session=session)
        subscription = client.create_subscription(7, "s", callback.url, "verify me")
        activity_id = sandbox.admin(MARAS, {"workout_type": "race", "description": "d"})["id"]
        assert callback.wait_for(1)[0]["subscription_id"] == subscription.id
        assert client.get_athlete().firstname == "Mara"
        activity = client.get_activity(activity_id)
        assert activity.sport_type == "Run"
        assert (activity.workout_type, activity.description) == (1, "d")
        assert client.update_activity(activity_id, description="new").description == "new"
        assert [listed.id for listed in client.get_activities()] == [activity_id]
        with pytest.raises(ObjectNotFound):
            client.get_activity(1)
        assert client.refresh_access_token(7, "s", made["refresh_token"])["access_token"] == made["access_token"]
        client.delete_subscription(subscription.id, 7, "s")
