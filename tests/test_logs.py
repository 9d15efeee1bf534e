"""Logs tell what happened and never a secret."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys

_LOGGED = """
from adductor import logs
import logging
logs.configure("json", "test")
logs.get("x").info("event", access_token="abc", client_secret="def", athlete=7, note="hello")
logging.getLogger("library").warning("from a library %s", "here")
"""


def test_a_json_line_an_event_with_its_facts_and_without_secrets() -> None:
    ended = subprocess.run([sys.executable, "-c", _LOGGED], capture_output=True, text=True, check=True)

    ours, library = (json.loads(line) for line in ended.stderr.splitlines())
    assert (ours["event"], ours["athlete"], ours["part"]) == ("event", 7, "test")
    assert (ours["access_token"], ours["client_secret"]) == ("[hidden]", "[hidden]")
    assert library["event"] == "from a library here"


_REPEATED = """
from adductor import logs
import logging
logs.configure("text", "test")
def fail(log, kind):
    try:
        raise OSError("connection refused")
    except OSError:
        log.exception("failed to %s", kind)
for _ in range(3):
    fail(logging.getLogger("celery.worker.consumer"), "connect")
fail(logging.getLogger("celery.worker"), "go on")
fail(logging.getLogger("adductor.jobs"), "handle an event")
"""


def test_brokers_trouble_is_one_line_a_kind_and_an_error_of_ours_keeps_its_traceback() -> None:
    ended = subprocess.run([sys.executable, "-c", _REPEATED], capture_output=True, text=True, check=True)

    lines = ended.stderr.splitlines()
    assert ["failed to connect" in lines[0], "failed to go on" in lines[1]] == [True, True]
    assert "failed to handle an event" in lines[2]
    assert lines[3].strip() == "Traceback (most recent call last):"
    assert "OSError: connection refused" in lines[-1]


def test_terminal_shows_plain_lines_without_dates_and_colours() -> None:
    ours, terminal = pty.openpty()
    logged = _LOGGED.replace('"json"', '"text"')

    subprocess.run([sys.executable, "-c", logged], stderr=terminal, check=True)

    first, second = os.read(ours, 65536).decode().split("\r\n")[:2]
    os.close(ours)
    os.close(terminal)
    secrets = "access_token [hidden], client_secret [hidden]"
    assert re.fullmatch(rf"\d\d:\d\d:\d\d test: event \({re.escape(secrets)}, athlete 7, note hello\)", first)
    assert second.endswith("test: warning: from a library here")
