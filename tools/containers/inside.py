"""Runs beside the sandbox, whose machine alone may use its admin API: `python -m tools.containers.inside COMMAND ...`.

Prints one JSON value. Imports nothing but requests: the image has no packages for development.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests

ADMIN = "http://127.0.0.1:9000/admin"
APP = os.environ.get("APP", "https://coach.example.org")
_TIMEOUT_S = 60


def ask(method: str, path: str, body: str = "{}") -> Any:
    """A call of the admin API."""
    answer = requests.request(method, f"{ADMIN}/{path}", json=json.loads(body), timeout=_TIMEOUT_S)
    answer.raise_for_status()
    return answer.json() if answer.content else None


def connect() -> int:
    """Connect a new runner through the OAuth pages and answer the first questions; the id at the sandbox."""
    browser = requests.Session()
    away = browser.get(f"{APP}/connect/strava", allow_redirects=False, timeout=_TIMEOUT_S)
    asked = urlsplit(away.headers["Location"])
    noon = f"Etc/GMT{time.gmtime().tm_hour - 12:+d}"  # where it is the middle of the day: no quiet hours
    form = [*parse_qsl(asked.query), ("runner_id", "new"), ("firstname", "Robin"), ("timezone", noon)]
    form += [("granted", scope) for scope in dict(form)["scope"].split(",")]
    page = asked._replace(query="").geturl()
    granted = requests.post(page, data=[*form, ("answer", "authorize")], allow_redirects=False, timeout=_TIMEOUT_S)
    welcome = browser.get(granted.headers["Location"], timeout=_TIMEOUT_S)
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', welcome.text)
    if token is None:
        raise SystemExit(f"no form of first questions at {welcome.url}: {welcome.status_code}")
    answers = {"csrf_token": token[1], "pain": "no", "condition": "no", "target": "2", "place": "private_note"}
    browser.post(f"{APP}/welcome", data=answers, timeout=_TIMEOUT_S).raise_for_status()
    return int(ask("GET", "runners")[-1]["id"])


def notes(*activities: str) -> list[int]:
    """How many notes of ours stand in each activity."""
    return [(ask("GET", f"activities/{each}")["private_note"] or "").count("— Adductor Coach") for each in activities]


def status(path: str, *token: str) -> int:
    """The status of an address from outside, with a token or without; 0 without an answer."""
    headers = {"Authorization": f"Bearer {token[0]}"} if token else {}
    try:
        return requests.get(f"{APP}/{path}", headers=headers, timeout=_TIMEOUT_S).status_code
    except requests.ConnectionError:
        return 0


if __name__ == "__main__":
    name, *arguments = sys.argv[1:]
    commands: dict[str, Callable[..., Any]] = {"ask": ask, "connect": connect, "notes": notes, "status": status}
    print(json.dumps(commands[name](*arguments)))
