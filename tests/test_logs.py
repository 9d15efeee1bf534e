"""Logs tell what happened and never a secret."""

from __future__ import annotations

import json
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
