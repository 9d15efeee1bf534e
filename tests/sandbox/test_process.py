"""The real process: started as documented, spoken to over the wire and by a real browser, ended."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

import pytest
import requests

from sandbox.__main__ import main
from tests.browser.conftest import no_barriers
from tests.sandbox.conftest import MARA
from tests.support import people

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

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def end(self, with_signal: int) -> tuple[int, str]:
        """Exit code and standard error of the process after a signal."""
        self.process.send_signal(with_signal)
        _, errors = self.process.communicate(timeout=60)
        return self.process.returncode, errors


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_answered_calls_survive_every_end_and_a_kept_open_connection_holds_up_none(tmp_path: Path, ending: int) -> None:
    with Process(tmp_path) as first, requests.Session() as kept_open:
        assert first.ready == f"sandbox ready on {first.url}"
        token = first.admin(f"/runners/{MARA}/connect")["access_token"]
        ids = [first.admin(MARAS, {"private_note": "kept é"})["id"] for _ in range(5)]
        path = f"/api/v3/activities/{ids[0]}"
        first.admin("/faults", {"endpoint": "activities.get", "drop": True, "times": 1})
        with pytest.raises(requests.ConnectionError):
            first.call("GET", path, token=token)
        assert kept_open.get(first.url, timeout=30).ok
        assert first.end(ending) == (-ending if ending == signal.SIGKILL else 0, "")
    with Process(tmp_path) as second:
        assert sorted(one["id"] for one in second.call("GET", f"/admin{MARAS}")) == ids
        assert second.call("GET", path, token=token)["private_note"] == "kept é"


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


ASKED = "client_id=7&redirect_uri=http://localhost/x&response_type=code&scope=read,activity:write&approval_prompt=force"
AT_INTERVALS = ASKED.replace("id=7", "id=999").replace("read,activity:write", "CALENDAR:WRITE")
PAGES = ["/", "/mailbox", "/log", "/faults", f"/oauth/authorize?{ASKED}", "/nothing"]
PAGES += [f"/intervals{path}" for path in ("/", "/log", "/faults")]
PAGES += [f"/intervals/oauth/authorize?{query}" for query in (AT_INTERVALS, ASKED)]


@pytest.mark.browser
def test_every_page_fits_a_phone_and_passes_axe(tmp_path: Path) -> None:
    with Process(tmp_path, "--app-url", "http://127.0.0.1:8000") as sandbox, people.chromium() as browser:
        sandbox.admin("/faults", {"endpoint": "activities.list", "status": 503})
        sandbox.admin(MARAS, {"workout_type": "long", "description": "d", "private_note": "x" * 80})
        for path, form in (
            *(
                ("plan", {"kind": kind, "day": "2026-12-06", "description": "x" * 80})
                for kind in ("race_a", "key", "sick")
            ),
            ("record", {"preset": "easy", "also_on_strava": "on"}),
            ("wellness", {"soreness": "2"}),
            ("faults/add", {"fault": "challenge"}),
        ):
            assert requests.post(f"{sandbox.url}/intervals/{path}", form, timeout=10).ok
        complaints: list[str] = []
        for scheme in ("light", "dark"):
            page = browser.new_page(viewport={"width": 360, "height": 740}, color_scheme=scheme)  # type: ignore[arg-type]
            page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
            for path in PAGES:
                page.goto(sandbox.url + path)
                for summary in page.locator("summary").all():
                    summary.click()
                no_barriers(page)
    assert [complaint for complaint in complaints if not re.search("status of 40[04]", complaint)] == []
