"""One runner can't see or touch another's anything: every route, with the ids of somebody else in it."""

from __future__ import annotations

from flask import Flask

from tests.security.conftest import path_of, person, routes
from tests.security.test_forms import BY_ADDRESS
from tests.service.pages.conftest import Visitor
from tests.support.runners import Place

# Whoever has the address may: it is the runner's own secret, given to a calendar or standing in their mail.
_BY_ADDRESS = BY_ADDRESS | {"answers.ask", "answers.ask_to_unsubscribe", "answers.ask_to_confirm", "pages.calendar"}
# Shows exercises and nothing of the runner, by a link that can't be guessed and stands in their notes.
_STEPS_ONLY = {"pages.routine", "pages.routine_exercise", "pages.routine_state"}
_FIELDS = {
    "confirm": "delete",
    "said": "done",
    "pain": "0",
    "rpe": "5",
    "target": "2",
    "placement_post_run": "1",
    "channel_post_run": "private_note",
    "weeks": "1",
    "sorted": "yes",
}


def test_another_runners_ids_open_nothing_on_any_route(app: Flask, here: Place, visitor: Visitor) -> None:
    mine, theirs = person(here, "Anna"), person(here, "Berta")
    before = theirs.everything(here)
    owned = [
        (method, rule)
        for method in ("GET", "POST")
        for rule in routes(app, method)
        if rule.arguments & {"public_id", "race_id"}
    ]
    assert len(owned) >= 6

    for method, rule in owned:
        visitor.sign_in(mine.id)
        path = path_of(app, rule, public_id=theirs.public_id, race_id=theirs.race_id)
        data = {"csrf_token": visitor.token(), **_FIELDS} if method == "POST" else None
        answer = visitor.http.open(path, method=method, data=data)
        if rule.endpoint in _STEPS_ONLY:
            assert answer.status_code in (200, 400), rule.rule
            assert here.suggestion(theirs.id).reason not in answer.text, rule.rule
        else:
            assert answer.status_code in (403, 404), (rule.rule, answer.status_code)
        assert not [text for text in theirs.private if text in answer.text], rule.rule

    assert theirs.everything(here) == before


def test_no_page_of_mine_shows_anything_of_theirs(app: Flask, here: Place, visitor: Visitor) -> None:
    mine, theirs = person(here, "Anna"), person(here, "Berta")
    visitor.sign_in(mine.id)

    for rule in routes(app, "GET"):
        if rule.endpoint in _BY_ADDRESS:
            continue
        answer = visitor.get(path_of(app, rule, public_id=mine.public_id))
        assert not [text for text in theirs.private if text in answer.text], rule.rule
        assert theirs.public_id not in answer.text, rule.rule


def test_nothing_that_i_send_changes_anything_of_theirs(app: Flask, here: Place, visitor: Visitor) -> None:
    """Also with their ids among the fields: nobody is named by a form, only by the session."""
    mine, theirs = person(here, "Anna"), person(here, "Berta")
    before = theirs.everything(here)
    names = ("athlete", "athlete_id", "id", "user", "runner", "platform_athlete_id", "public_id", "suggestion")

    for rule in routes(app, "POST"):
        if rule.endpoint in BY_ADDRESS or rule.endpoint in ("pages.leave", "pages.disconnect", "connect.sign_out"):
            continue
        visitor.sign_in(mine.id)
        path = path_of(app, rule, public_id=mine.public_id, race_id=mine.race_id)
        fields = {**_FIELDS, **dict.fromkeys(names, str(theirs.id))}
        visitor.post(path, **fields)

    assert theirs.everything(here) == before


def test_a_stranger_reads_nothing_of_anybody(app: Flask, here: Place, visitor: Visitor) -> None:
    theirs = person(here, "Berta")

    for rule in routes(app, "GET"):
        if rule.endpoint not in _BY_ADDRESS:
            answer = visitor.get(path_of(app, rule, public_id=theirs.public_id))
            assert not [text for text in theirs.private if text in answer.text], rule.rule


def test_who_comes_after_one_who_left_is_not_taken_for_them(app: Flask, here: Place, visitor: Visitor) -> None:
    """SQLite gives a deleted runner's number to the next: old browsers and old links must not follow the number."""
    gone = person(here, "Anna")
    visitor.sign_in(gone.id)
    link = here.installation.links.unsubscribe(gone.id, gone.platform_athlete_id, here.now)
    path = link.removeprefix("http://coach.example.org")
    with here.installation.store.write() as session:
        session.delete(here.locked(session, gone.id))
    newcomer = person(here, "Berta")
    assert newcomer.id == gone.id

    page = visitor.get("/home")

    assert (page.status_code, page.headers["Location"]) == (302, "/")
    assert (visitor.http.get(path).status_code, visitor.http.post(path).status_code) == (404, 404)
    assert here.athlete(newcomer.id).unsubscribed_at is None
