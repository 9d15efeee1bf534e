"""What no form of ours says, in every field and place of every route: never our fault, never stored. On both databases."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from tests.security.conftest import application, path_of, person, routes
from tests.service.pages.conftest import Visitor
from tests.support.runners import Place

FIELDS = [
    "age",
    "at",
    "channel_post_run",
    "channel_rest_day",
    "completed_pct",
    "condition",
    "confirm",
    "day",
    "distance",
    "do",
    "email",
    "equipment_answered",
    "feeling",
    "has_band",
    "kind",
    "kind_0",
    "minutes",
    "name",
    "notes",
    "pain",
    "priority",
    "prompt",
    "quiet_from",
    "quiet_until",
    "rpe",
    "run_0",
    "said",
    "sign",
    "soreness",
    "sorted",
    "stopped",
    "swap",
    "target",
    "timezone",
    "units",
    "until",
    "weeks",
    "where",
    "placement_post_run",
]
ARGUMENTS = ["again", "before", "code", "error", "next", "of", "scope", "state", "swap", "v"]
NASTY = {
    "NUL": "a\0b",
    "half a surrogate": "\ud800".encode("utf-8", "surrogatepass"),
    "no UTF-8": b"\xff\xfe\x80",
    "thousands of digits": "9" * 5000,
    "beyond a bigint": str(2**63),
    "below zero": "-1",
    "not a number": "nan",
    "another script's digits": "١٢",
    "long": "x" * 20_000,
    "lines": "a\r\nBcc: everybody@example.org\r\n\r\nhello",
    "quotes": "'; DROP TABLE athletes; --\"",
    "a template": "{{ 7*7 }}{% raw %}${7*7}",
    "markup": "<script>alert(1)</script>",
    "directions": "\u202e\u2066abc",
}
# These end the connection, the session or the runner, which is what they are for.
_ENDING = {"pages.leave", "pages.disconnect", "connect.sign_out", "ops.sign_out"}


@pytest.fixture
def app_on_each(here_on_each: Place) -> Flask:
    made = application(here_on_each)
    made.config["PROPAGATE_EXCEPTIONS"] = False
    return made


@pytest.mark.parametrize("nasty", NASTY)
def test_no_field_of_any_form_is_an_error_of_ours(app_on_each: Flask, here_on_each: Place, nasty: str) -> None:
    mine = person(here_on_each, "Anna")
    visitor = Visitor(app_on_each.test_client(), here_on_each)
    visitor.sign_in(mine.id)
    token = visitor.token()
    links = here_on_each.installation.links
    signed = {
        "answers.take": links.answer(mine.public_id, "pain", here_on_each.now),
        "answers.unsubscribe": links.unsubscribe(mine.id, mine.platform_athlete_id, here_on_each.now),
        "answers.confirm": links.confirm(mine.id, mine.private[1], here_on_each.now),
    }

    for rule in routes(app_on_each, "POST"):
        if rule.endpoint in _ENDING or rule.endpoint == "webhooks.receive":
            continue
        sections: tuple[str, ...] = ("",)
        if "section" in rule.arguments:
            sections = ("dose", "times", "equipment", "runs", "email", "you", "nothing")
        for section in sections:
            path = path_of(app_on_each, rule, public_id=mine.public_id, race_id=mine.race_id, section=section)
            path = signed.get(rule.endpoint, f"http://coach.example.org{path}").removeprefix("http://coach.example.org")
            whole = _body(token, dict.fromkeys(FIELDS, NASTY[nasty]))
            for body in (
                whole,
                *(_body(token, {**_usual(), name: NASTY[nasty]}) for name in ("where", "pain", "name")),
            ):
                answer = visitor.http.post(path, data=body, content_type="application/x-www-form-urlencoded")
                assert answer.status_code < 500, (rule.rule, section)
                assert "<script>alert" not in answer.text, rule.rule


@pytest.mark.parametrize("nasty", NASTY)
def test_no_address_is_an_error_of_ours(app_on_each: Flask, here_on_each: Place, nasty: str) -> None:
    from urllib.parse import quote_from_bytes

    mine = person(here_on_each, "Anna")
    visitor = Visitor(app_on_each.test_client(), here_on_each)
    visitor.sign_in(mine.id)
    value = NASTY[nasty]
    quoted = quote_from_bytes(value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value, safe="")

    for rule in routes(app_on_each, "GET"):
        if rule.endpoint == "ops.ready":  # 503 by right: there is no broker here
            continue
        path = path_of(app_on_each, rule, public_id=mine.public_id)
        query = "&".join(f"{name}={quoted}" for name in ARGUMENTS)
        answer = visitor.get(f"{path}?{query}")
        assert answer.status_code < 500, rule.rule
        assert "<script>alert" not in answer.text, rule.rule
        for name in rule.arguments:
            wrong = path_of(app_on_each, rule, **{**_places(mine), name: "0" if name == "place" else "PLACE"})
            answer = visitor.get(wrong.replace("PLACE", quoted) if name != "place" else wrong)
            assert answer.status_code < 500, wrong


@pytest.mark.parametrize("race", ["9223372036854775807", "9223372036854775808", "9" * 40, "0"])
def test_an_id_beyond_the_databases_is_nobodys(app_on_each: Flask, here_on_each: Place, race: str) -> None:
    mine = person(here_on_each, "Anna")
    visitor = Visitor(app_on_each.test_client(), here_on_each)
    visitor.sign_in(mine.id)

    assert visitor.post(f"/settings/races/{race}/remove").status_code == 404
    assert visitor.get(f"/suggestions?before={race}").status_code == 200


def test_a_nul_in_the_words_for_pain_changes_nothing(app_on_each: Flask, here_on_each: Place) -> None:
    mine = person(here_on_each, "Anna")
    visitor = Visitor(app_on_each.test_client(), here_on_each)
    link = here_on_each.installation.links.answer(mine.public_id, "pain", here_on_each.now)

    answer = visitor.http.post(link.removeprefix("http://coach.example.org"), data={"pain": "2", "where": "left\0side"})

    assert answer.status_code == 400
    assert here_on_each.suggestion(mine.id).status == "open"


def _usual() -> dict[str, str]:
    return {
        "said": "pain",
        "pain": "2",
        "rpe": "5",
        "where": "left",
        "kind": "race",
        "priority": "A",
        "day": "2026-12-24",
    }


def _places(mine: Any) -> dict[str, Any]:
    return {"public_id": mine.public_id}


def _body(token: str, fields: dict[str, str | bytes]) -> bytes:
    from urllib.parse import quote_from_bytes

    def quoted(value: str | bytes) -> str:
        return quote_from_bytes(value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value, safe="")

    parts = {"csrf_token": token, **fields}
    # The largest forms are cut by the size limit; each field is tried in several bodies anyway.
    return "&".join(f"{name}={quoted(value)}" for name, value in parts.items()).encode()[:60_000]
