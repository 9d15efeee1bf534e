"""Scenario files: a runner's situation written down by hand or by a program, read strictly.

One document is one situation (`docs/scenario-file.md` lists the keys). Unknown keys, wrong types, times without an
offset and impossible values are refused, all of a document at once, each with the path of its key.
"""

from __future__ import annotations

from typing import Any

from adductor.coaching.situation import Situation
from adductor.documents import DocumentError, validate
from adductor.scenario.models import Scenario

__all__ = ["parse"]


def parse(document: Any) -> Situation:
    """Build the situation in one document. Raises `DocumentError` with every problem found."""
    situation = Situation(**dict(validate(Scenario, document)))
    ids = [activity.id for activity in situation.activities]
    twice = [f"activities[{i}].id: {id_!r} is there twice" for i, id_ in enumerate(ids) if id_ in ids[:i]]
    if twice:
        raise DocumentError(twice)
    return situation
