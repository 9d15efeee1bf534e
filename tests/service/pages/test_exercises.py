"""The catalogue page: the article verbatim, our reading visible, every drawing there."""

from __future__ import annotations

import html
import re

from tests.service.pages.conftest import Visitor
from tests.support.runners import Place


def test_every_exercise_stands_there_with_the_articles_own_wording(visitor: Visitor, here: Place) -> None:
    page = html.unescape(visitor.get("/exercises").text)

    for exercise in here.installation.catalogue.exercises.values():
        assert f'id="{exercise.id}"' in page
        if exercise.article_name:
            assert f"<q>{exercise.article_name}</q>" in page
        for text in (*exercise.cues, *exercise.faults):
            assert text in page
    assert page.count('<svg class="ac-drawing"') == len(here.installation.catalogue.exercises)


def test_the_printed_abduction_has_its_visible_note(visitor: Visitor) -> None:
    page = visitor.get("/exercises").text
    article = page[page.index('id="side_lying_adduction_top_leg_elevated"') :].split("</article>")[0]

    before_the_fold = article.split("<details>")[0]
    assert "<q>Side Lying Abduction (Top Leg Elevated)</q>" in before_the_fold
    assert "most probably\nmeans adduction" in before_the_fold or "most probably means adduction" in before_the_fold


def test_every_link_on_the_page_leads_somewhere(visitor: Visitor) -> None:
    page = visitor.get("/exercises").text
    targets = {part.split('"')[0] for part in page.split('href="#')[1:]}

    assert {target for target in targets if f'id="{target}"' not in page} == set()


def test_it_says_strength_and_promises_no_cure(visitor: Visitor, here: Place, runner: int) -> None:
    suggestion = visitor.suggested(runner)
    for path in ("/", "/exercises", "/home", f"/routine/{suggestion.public_id}", "/settings", "/welcome"):
        # The titles of other people's papers are theirs.
        text = visitor.get(path, follow_redirects=True).text.split('<ul class="sources">')[0].lower()
        for word in ("prevents", "rehab", "cures", "heals"):
            assert not re.search(rf"\b{word}", text), (path, word)
    assert "Not medical advice, not a medical device" in visitor.get("/home").text
