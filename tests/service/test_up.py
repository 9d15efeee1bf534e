"""`adductor up` in a terminal: it serves, keeps its data, is small, and goes when its terminal or its parent goes."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
import requests

from adductor import beside_up
from adductor.clock import clock_for
from adductor.settings import load
from service.supervisor import free_port
from tests.support.live import adductor
from tests.support.up import Up, adductor_up, all_gone

pytestmark = pytest.mark.processes

# All parts together, the made-up Strava included, as proportional set size.
MOST_MEMORY_MB = 300
NOTHING = f"http://127.0.0.1:{free_port()}"


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """One that all share, on a machine whose proxy is away."""
    proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy"), NOTHING)
    with adductor_up(tmp_path_factory.mktemp("up"), **proxies) as running:
        yield running


def test_up_serves_the_pages_and_a_made_up_strava_also_behind_a_proxy_and_is_small(up: Up) -> None:
    assert "Connect with Strava" in requests.get(up.web, timeout=5).text
    assert requests.get(f"{up.web}/readyz", timeout=5).json() == {"status": "ready"}
    assert requests.get(up.sandbox, timeout=5).ok
    application = requests.get(f"{up.sandbox}/intervals/admin/application", timeout=5).json()
    assert application["webhook_url"].startswith(f"{up.web}/webhooks/intervals/")
    assert "intervals.icu:" in up.said

    runner = requests.get(f"{up.sandbox}/admin/runners", timeout=5).json()[0]["id"]
    requests.post(f"{up.sandbox}/admin/runners/{runner}/activities", json={}, timeout=5)
    assert requests.get(f"{up.web}/privacy", timeout=5).ok
    used = {process.pid: process.memory_full_info().pss / 1024 / 1024 for process in up.family()}
    assert sum(used.values()) < MOST_MEMORY_MB, used


def test_up_second_one_in_the_same_folder_is_refused(up: Up) -> None:
    second = adductor("up", ADDUCTOR_DATA_DIR=str(up.folder), ADDUCTOR_BIND=f"127.0.0.1:{free_port()}")
    assert second.returncode == 1
    assert f"another `adductor up` (process {up.pid})" in second.stderr


def _is_healthy(up: Up) -> bool:
    try:
        return requests.get(f"{up.web}/healthz", timeout=1).ok
    except requests.RequestException:
        return False


def test_up_killed_part_is_started_again(up: Up) -> None:
    part = next(child for child in psutil.Process(up.pid).children() if child.cmdline()[-2:] == ["service.cli", "web"])
    family = [part, *part.children()]
    for child in family:
        child.kill()
    psutil.wait_procs(family, timeout=10)

    give_up_at = time.monotonic() + 60
    while not _is_healthy(up):
        assert time.monotonic() < give_up_at, "the web part did not come back"


def test_up_with_an_application_of_its_own_brings_no_sandbox(up: Up, tmp_path: Path) -> None:
    """In another folder it runs beside the one that all share."""
    application = {"STRAVA_CLIENT_ID": "1", "STRAVA_CLIENT_SECRET": "made-up"}
    addresses = {"ADDUCTOR_STRAVA_API_URL": f"{NOTHING}/api/v3", "ADDUCTOR_STRAVA_OAUTH_URL": f"{NOTHING}/oauth"}
    with adductor_up(tmp_path, **application, **addresses) as other:
        to_strava = requests.get(f"{other.web}/connect/strava", timeout=5, allow_redirects=False)

        assert to_strava.headers["Location"].startswith(f"{NOTHING}/oauth/authorize?")
        with pytest.raises(requests.ConnectionError):
            requests.get(other.sandbox, timeout=2)
        assert "No webhook subscription yet" in other.said
        assert requests.get(f"{up.web}/readyz", timeout=5).ok


def _press_ctrl_c_twice(here: Up) -> None:
    """As impatient people do."""
    os.write(here.terminal, b"\x03\x03")
    here.read_until("Everything has ended.")


def _close_the_window(here: Up) -> None:
    """Its output goes nowhere, and SIGHUP comes."""
    os.close(here.terminal)


def _kill(here: Up) -> None:
    os.kill(here.pid, signal.SIGKILL)


@pytest.mark.parametrize("end", [_press_ctrl_c_twice, _close_the_window, _kill])
def test_up_ends_with_all_its_processes(tmp_path: Path, end: Callable[[Up], None]) -> None:
    with adductor_up(tmp_path, ADDUCTOR_WEB_PROCESSES="2") as here:
        family = here.family()
        runner = requests.get(f"{here.sandbox}/admin/runners", timeout=5).json()[0]["id"]
        run = requests.post(f"{here.sandbox}/admin/runners/{runner}/activities", json={}, timeout=5).json()["id"]
        secret = (tmp_path / "secret-key").read_text()

        end(here)

        assert all_gone(family)
        assert "Traceback" not in here.said
    if end is _kill:  # it starts again with its data
        with adductor_up(tmp_path) as again:
            assert requests.get(f"{again.web}/readyz", timeout=5).ok
            assert requests.get(f"{again.sandbox}/admin/activities/{run}", timeout=5).ok
            assert (tmp_path / "secret-key").read_text() == secret


def test_up_day_forward_in_the_sandbox_moves_the_time_of_all_parts(up: Up) -> None:
    settings = load(_env_file=None, **beside_up.read(up.folder))
    before = clock_for(settings).now()
    assert requests.post(f"{up.sandbox}/faults/clock", data={"advance_s": "86400"}, timeout=5).ok
    assert clock_for(settings).now() - before >= timedelta(days=1)
    assert "1 day ahead of real time" in requests.get(up.sandbox, timeout=5).text
