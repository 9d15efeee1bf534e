"""Only what works is offered: notes need the permission to write, mail a mail server."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from adductor.jobs import rounds
from tests.service.pages.conftest import SCOPES, Visitor, place_with
from tests.support.runners import MORNING
from tests.support.site import site

Open = Callable[..., Visitor]
SERVER = "smtp://mail.example.org"
READ_ONLY = "read,activity:read_all"
DOSE = {"target": "2", "placement_post_run": "1"}


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    """A runner without an address, signed in, at an installation with or without a mail server."""
    with ExitStack() as stack:

        def open_for(server: str, **values: object) -> Visitor:
            here = stack.enter_context(place_with(tmp_path, ADDUCTOR_SMTP_URL=server))
            visitor = Visitor(site(here, testing=True).test_client(), here)
            visitor.sign_in(here.runner(**{"email": None, "email_confirmed_at": None, **values}))
            return visitor

        yield open_for


@pytest.mark.parametrize(
    ("server", "scopes", "first", "later"),
    [
        (
            SERVER,
            SCOPES,
            "private_note description",
            ["private_note description mail private_note+mail pages", "mail private_note pages", "mail"],
        ),
        (SERVER, READ_ONLY, "mail pages", ["mail pages", "mail pages", "mail"]),
        ("", SCOPES, "private_note description", ["private_note description pages", "private_note pages"]),
        ("", READ_ONLY, "pages", ["pages", "pages"]),
    ],
    ids=["all", "no permission", "no mail server", "neither"],
)
def test_channels_offered_are_those_that_work(
    opened: Open, server: str, scopes: str, first: str, later: list[str]
) -> None:
    """After a run, on a rest day, as a warm-up."""
    visitor = opened(server, scopes=scopes)
    welcome, settings = visitor.get("/welcome").text, visitor.get("/settings").text
    selects = re.findall(r'<select name="channel_.*?</select>', settings, re.DOTALL)

    assert re.findall(r'name="place" value="(\w+)"', welcome) == first.split()
    assert [re.findall(r'option value="([^"]+)"', select) for select in selects] == [each.split() for each in later]


def test_permission_lost_later_is_offered_no_more_and_the_pages_take_over(opened: Open) -> None:
    visitor = opened(SERVER, channels={"post_run": "private_note"})
    here, runner = visitor.place, 1
    assert "appears in your run&#39;s private note" in visitor.get("/home").text

    here.change(runner, scopes=READ_ONLY)

    page = visitor.get("/settings").text
    assert "permission to write is missing" in page
    assert '<option value="pages" selected>' in page
    home = visitor.get("/home").text
    assert "appears on this page" in home
    assert "private note" not in home
    visitor.post("/settings/dose", **DOSE, channel_post_run="pages")
    assert here.athlete(runner).channels["post_run"] == "pages"


def test_routine_of_a_run_is_announced_when_only_the_pages_can_hold_it(opened: Open) -> None:
    visitor = opened("", scopes=READ_ONLY, channels={"post_run": "private_note"})
    here, runner = visitor.place, 1
    here.change(runner, paused_until=here.now.date())
    here.run_done(runner)
    here.later(days=7)

    assert "Nothing in the next two weeks" not in visitor.get("/home").text


@pytest.mark.parametrize("scopes", [SCOPES, READ_ONLY])
def test_no_page_speaks_of_mail_without_a_mail_server(opened: Open, scopes: str) -> None:
    visitor = opened("", scopes=scopes, private_note_refused_at=None)
    visitor.suggested(1)

    paths = ["/welcome", "/home", "/settings", "/suggestions", "/exercises", "/check-in", "/"]
    paths.append(f"/suggestions/{visitor.place.suggestion(1).public_id}")

    assert [path for path in paths if "mail" in visitor.get(path).text.lower()] == []


def test_mail_handed_over_without_a_mail_server_is_not_called_sent_alone(opened: Open) -> None:
    visitor = opened("", email="me@example.org", email_confirmed_at=MORNING, channels={"post_run": "mail"})
    suggestion = visitor.suggested(1)
    rounds.work(visitor.place.installation)

    assert "so it may not have reached you" in visitor.get(f"/suggestions/{suggestion.public_id}").text


def test_what_is_not_offered_without_a_mail_server_stays_as_it_was(opened: Open) -> None:
    visitor = opened("", email="me@example.org", placements=["post_run", "warm_up"])
    here, runner = visitor.place, 1

    visitor.post("/settings/dose", **DOSE, channel_post_run="description")

    assert here.athlete(runner).placements == ["post_run", "warm_up"]
    assert "sends no mail at the moment" in visitor.get("/settings").text
    visitor.post("/settings/email", email="")
    assert here.athlete(runner).email is None


def test_preview_of_an_address_promises_no_mail_without_a_mail_server(opened: Open) -> None:
    visitor = opened("", email="me@example.org")

    assert "We send" not in visitor.post("/settings/email", do="preview", email="other@example.org").text


def test_first_answers_by_mail_need_an_address(opened: Open) -> None:
    visitor = opened(SERVER, scopes=READ_ONLY, confirmed_at=None)
    answers = {"pain": "no", "condition": "no", "target": "2", "place": "mail"}

    refused = visitor.post("/welcome", **answers)
    kept = visitor.post("/welcome", **answers, email="me@example.org")

    assert (refused.status_code, kept.status_code) == (400, 302)
    assert "give an address" in refused.text
    assert visitor.place.athlete(1).channels == {"post_run": "mail", "rest_day": "mail"}
