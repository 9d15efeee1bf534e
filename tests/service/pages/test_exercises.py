"""The catalogue page: the article verbatim, our reading visible, every drawing there."""

from __future__ import annotations

import html
import re

from tests.service.pages.conftest import Visitor
from tests.support.runners import Place


def test_every_exercise_stands_there_with_the_articles_own_wording_and_no_diagnosis(
    visitor: Visitor, here: Place
) -> None:
    raw = visitor.get("/exercises").text
    page = html.unescape(raw)
    exercises = here.installation.catalogue.exercises

    for exercise in exercises.values():
        assert f'id="{exercise.id}"' in page
        if exercise.article_name:
            assert f"<q>{exercise.article_name}</q>" in page
        for text in (*exercise.cues, *exercise.faults):
            assert text in page
    assert page.count('<svg class="ac-drawing"') == len(exercises)
    targets = set(re.findall(r'href="#([^"]+)"', raw))
    assert {target for target in targets if f'id="{target}"' not in raw} == set()
    # The article prints "abduction" where it means adduction: our note on it stands before the fold.
    article = page[page.index('id="side_lying_adduction_top_leg_elevated"') :].split("<details>")[0]
    assert "<q>Side Lying Abduction (Top Leg Elevated)</q>" in article
    assert "most probably means adduction" in " ".join(article.split())
    assert not re.search(r"\b(MCL|ITBS?|strains?|kerb)\b", page)
    assert "Niemuth 2005" in page
    assert "none given" not in page  # where the article gives no dose, nothing is quoted as one
    assert all(stage.name in ("Holds", "Bands", "Slides", "Single-leg") for stage in here.installation.catalogue.stages)


def test_no_page_promises_a_cure(me: Visitor) -> None:
    suggestion = me.suggested()
    for path in ("/", "/exercises", "/home", f"/routine/{suggestion.public_id}", "/settings", "/welcome"):
        # The titles of other people's papers are theirs.
        text = me.page(path, follow_redirects=True).split('<ul class="sources">')[0].lower()
        assert not re.search(r"\b(prevents|rehab|cures|heals)", text), path
    assert "Not medical advice, not a medical device" in me.page("/home")
