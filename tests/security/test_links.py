"""Links of mails and notes: each does one thing, for one athlete, for a time; every other use of it is refused."""

from __future__ import annotations

import pytest

from adductor.mail.links import Links
from tests.security.conftest import SITE, Scene

PURPOSES = ("a", "r", "useful", "unsubscribe", "confirm-address")


def _token(scene: Scene, purpose: str) -> str:
    paths = {path.split("/")[1]: path for path in scene.mine.links(scene.here).values()}
    return paths[purpose].split("/")[2]


@pytest.fixture
def scene(scene: Scene) -> Scene:
    """With an address that is still to be confirmed, so that each link has something to do."""
    scene.here.change(scene.mine.id, email_confirmed_at=None)
    return scene


@pytest.mark.parametrize("made_for", PURPOSES)
def test_a_link_of_one_purpose_does_nothing_else(scene: Scene, made_for: str) -> None:
    before, token, csrf = scene.everything(), _token(scene, made_for), scene.visitor.token()

    for used_as in {*PURPOSES, "calendar", "webhooks/strava", "routine", "suggestions"} - {made_for}:
        path = f"/{used_as}/{token}" + (".ics" if used_as == "calendar" else "")
        assert scene.visitor.get(path).status_code in (404, 405), path
        assert scene.visitor.post(path, token=csrf).status_code in (404, 405), path

    assert scene.everything() == before


@pytest.mark.parametrize("purpose", PURPOSES)
def test_each_link_does_its_own_thing(scene: Scene, purpose: str) -> None:
    """Only by a POST. Or the tests beside this one would pass for links that do nothing at all."""
    before = scene.everything()
    for method in ("GET", "HEAD"):
        assert scene.visitor.http.open(f"/{purpose}/{_token(scene, purpose)}", method=method).status_code == 200
    assert scene.everything() == before

    assert scene.visitor.http.post(f"/{purpose}/{_token(scene, purpose)}").status_code == 200

    mine, theirs = scene.everything()
    assert mine != before[0]
    assert theirs == before[1]


@pytest.mark.parametrize("purpose", PURPOSES)
def test_link_that_was_changed_cut_or_signed_with_another_key_is_none(
    scene: Scene, purpose: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, before = _token(scene, purpose), scene.everything()
    changed = [token[:at] + ("A" if letter != "A" else "B") + token[at + 1 :] for at, letter in enumerate(token)]
    guessed = Links("another secret of the right length 0123456789", SITE, lambda: scene.here.now)
    monkeypatch.setattr(scene.here.installation, "links", guessed)
    forged = _token(scene, purpose)
    monkeypatch.undo()

    spelt = [token[:at] + junk + token[at:] for junk in ("=", "==", "!", "%20", "..", "ü") for at in (-3, len(token))]
    for wrong in (*changed, *spelt, forged, token[:-1], token[1:], token + "A", token[: len(token) // 2], ""):
        assert scene.visitor.http.post(f"/{purpose}/{wrong}").status_code in (404, 405), wrong

    assert scene.everything() == before


ENDS = [("a", 30), ("r", 14), ("useful", 30), ("confirm-address", 3), ("unsubscribe", 5 * 365)]


@pytest.mark.parametrize(("purpose", "days"), ENDS)
def test_a_link_ends(scene: Scene, purpose: str, days: int) -> None:
    token, before = _token(scene, purpose), scene.everything()
    scene.here.later(days=days, seconds=1)

    assert scene.visitor.http.post(f"/{purpose}/{token}").status_code == 410

    assert scene.everything() == before
