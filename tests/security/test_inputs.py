"""Values that no form of ours sends, in every field and place of every route: never our fault. On both databases."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote_from_bytes

import pytest

from tests.security.conftest import BY_ADDRESS, ENDING, Scene
from tests.support.runners import Place

ARGUMENTS = ["again", "before", "code", "error", "next", "of", "scope", "state", "swap", "v"]
NASTY: tuple[str | bytes, ...] = (
    "a\0b",
    "\ud800",  # half a surrogate
    b"\xff\xfe\x80",  # no UTF-8
    "9" * 5000,
    str(2**63),
    "-1",
    "nan",
    "\N{ARABIC-INDIC DIGIT ONE}\N{ARABIC-INDIC DIGIT TWO}",
    "x" * 20_000,
    "a\r\nBcc: others@example.org\r\n\r\nhello",
    "'; DROP TABLE athletes; --\"",
    "{{ 7*7 }}{% raw %}${7*7}",
    "\"'><script>alert(1)</script>",
    "\u202e\u2066abc",
)
_USUAL = {"said": "pain", "pain": "2", "rpe": "5", "kind": "race", "priority": "A", "day": "2026-12-24"}
_SECTIONS = ("dose", "times", "equipment", "runs", "email", "you", "nothing")


@pytest.fixture
def here(here_on_each: Place) -> Place:
    return here_on_each


def test_no_field_of_any_form_is_an_error_of_ours(scene: Scene) -> None:
    """Each field gets each value, half of the fields at a time."""
    links, token = scene.mine.links(scene.here), scene.visitor.token()
    pages = [path for _, path in scene.routes("GET")] + [*links.values(), f"{links['answers.take']}?again=1"]
    fields = sorted({name for path in pages for name in re.findall(r'name="(\w+)"', scene.visitor.get(path).text)})
    assert len(fields) > 25
    groups = (fields[::2], fields[1::2])
    bodies = [
        f"{_query(_USUAL)}&{_query(_latin(group, turn))}&csrf_token={token}" for group in groups for turn in _TURNS
    ]

    for rule, path in scene.routes("POST", without=ENDING | {"webhooks.receive", "webhooks.receive_many"}):
        paths = [links[rule.endpoint] if rule.endpoint in BY_ADDRESS else path]
        if "section" in rule.arguments:
            paths = [scene.path(rule, race_id=scene.mine.race_id, section=section) for section in _SECTIONS]
        for path in paths:
            for body in bodies:
                answer = scene.visitor.http.post(path, data=body, content_type="application/x-www-form-urlencoded")
                assert answer.status_code < 500, (path, body)
                assert "<script>alert" not in answer.text, (path, body)


def test_no_address_is_an_error_of_ours(scene: Scene) -> None:
    for rule, path in scene.routes("GET", without={"ops.ready", "pages.root_file"}):
        # /readyz is 503 by right: there is no broker here.
        addresses = [f"{path}?{_query(_latin(ARGUMENTS, turn))}" for turn in _TURNS]
        for name in rule.arguments - {"place", "platform"}:
            wrong = scene.path(rule, **{"public_id": scene.mine.public_id, name: "PLACE"})
            addresses += [wrong.replace("PLACE", _quoted(value)) for value in NASTY]
        for address in addresses:
            answer = scene.visitor.get(address)
            assert answer.status_code < 500, address
            assert "<script>alert" not in answer.text, address


def test_an_id_beyond_the_databases_is_not_found(scene: Scene) -> None:
    for race in ("9223372036854775807", "9223372036854775808", "9" * 40, "0"):
        assert scene.visitor.post(f"/settings/races/{race}/remove").status_code == 404, race
        assert scene.visitor.get(f"/suggestions?before={race}").status_code == 200, race


_TURNS = range(len(NASTY))


def _latin(names: list[str], turn: int) -> dict[str, str | bytes]:
    """A value for each name, so that over all turns each gets each."""
    return {name: NASTY[(at + turn) % len(NASTY)] for at, name in enumerate(names)}


def _quoted(value: str | bytes) -> str:
    return quote_from_bytes(value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value, safe="")


def _query(fields: Mapping[str, str | bytes]) -> str:
    return "&".join(f"{name}={_quoted(value)}" for name, value in fields.items())
