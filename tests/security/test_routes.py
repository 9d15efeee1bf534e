"""Every route, also those that come later: no change without a form of ours, no look at another athlete's anything."""

from __future__ import annotations

import pytest

from tests.security.conftest import BY_ADDRESS, ENDING, FIELDS, SITE, Scene, person

# The address is the athlete's own secret, given to a calendar or standing in their mail.
_SECRET = BY_ADDRESS | {"answers.ask", "pages.calendar"}
# Shows exercises and nothing of the athlete, by a link that can't be guessed and stands in their notes.
_STEPS_ONLY = {"pages.routine", "pages.routine_exercise", "pages.routine_state"}


@pytest.mark.parametrize("token_of", ["none", "another browser"])
def test_every_form_wants_the_token_of_a_page_of_this_browser(scene: Scene, token_of: str) -> None:
    fields, before = dict(FIELDS), scene.everything()
    if token_of != "none":
        attacker = scene.stranger()
        attacker.sign_in(scene.theirs.id)
        fields["csrf_token"] = attacker.token()
    forms = list(scene.routes("POST", without=BY_ADDRESS))
    assert len(forms) > 12

    for rule, path in forms:
        answer = scene.visitor.http.post(path, data=fields)
        assert answer.status_code == 400, rule.rule
        assert "out of date" in answer.text, rule.rule

    assert scene.everything() == before


def test_routes_without_a_token_need_the_secret_in_their_address(scene: Scene) -> None:
    for rule, path in scene.routes("POST"):
        if rule.endpoint in BY_ADDRESS:
            assert scene.visitor.http.post(path, data=FIELDS).status_code == 404, rule.rule


def test_looking_changes_nothing(scene: Scene) -> None:
    before = scene.everything()

    for rule, path in scene.routes("GET", key=scene.mine.calendar_key):
        for method in ("GET", "HEAD"):
            assert scene.visitor.http.open(path, method=method).status_code != 500, rule.rule

    assert scene.everything() == before


def test_another_runners_ids_open_nothing_on_any_route(scene: Scene) -> None:
    theirs, before = scene.theirs, scene.everything()[1]
    owned = [
        (method, rule, path)
        for method in ("GET", "POST")
        for rule, path in scene.routes(method, of=theirs)
        if rule.arguments & {"public_id", "race_id"}
    ]
    assert len(owned) >= 6

    for method, rule, path in owned:
        data = {"csrf_token": scene.visitor.token(), **FIELDS} if method == "POST" else None
        answer = scene.visitor.http.open(path, method=method, data=data)
        if rule.endpoint in _STEPS_ONLY:
            assert answer.status_code in (200, 400), rule.rule
            assert scene.here.suggestion(theirs.id).reason not in answer.text, rule.rule
        else:
            assert answer.status_code in (403, 404), rule.rule
        assert not [text for text in theirs.private if text in answer.text], rule.rule

    assert scene.everything()[1] == before


def test_no_page_shows_anything_of_another_athlete(scene: Scene) -> None:
    """Neither to an athlete nor to a stranger, who has the ids of one."""
    strange, theirs = scene.stranger(), scene.theirs

    for rule, path in scene.routes("GET", without=_SECRET):
        own = scene.visitor.get(path).text
        assert not [text for text in (*theirs.private, theirs.public_id) if text in own], rule.rule
    for rule, path in scene.routes("GET", of=theirs, without=_SECRET):
        assert not [text for text in theirs.private if text in strange.get(path).text], rule.rule


def test_nothing_that_i_send_changes_anything_of_theirs(scene: Scene) -> None:
    """Also with their ids among the fields: a form names no athlete, only the session does."""
    names = ("athlete", "athlete_id", "id", "user", "runner", "external_id", "public_id", "suggestion")
    fields = {**FIELDS, **dict.fromkeys(names, str(scene.theirs.id))}
    before = scene.everything()[1]

    for _, path in scene.routes("POST", without=BY_ADDRESS | ENDING):
        scene.visitor.post(path, **fields)

    assert scene.everything()[1] == before


def test_who_comes_after_one_who_left_is_not_taken_for_them(scene: Scene) -> None:
    """SQLite gives a deleted athlete's number to the next: old browsers and old links must not follow the number."""
    here, gone = scene.here, scene.theirs
    scene.visitor.sign_in(gone.id)
    link = here.installation.links.unsubscribe(gone.id, gone.external_id, here.now).removeprefix(SITE)
    with here.installation.store.write() as session:
        session.delete(here.locked(session, gone.id))
    newcomer = person(here, "Clara")
    assert newcomer.id == gone.id

    page = scene.visitor.get("/home")

    assert (page.status_code, page.headers["Location"]) == (302, "/")
    assert (scene.visitor.http.get(link).status_code, scene.visitor.http.post(link).status_code) == (404, 404)
    assert here.athlete(newcomer.id).unsubscribed_at is None
