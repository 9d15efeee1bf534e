"""The exercises and routines as data, and the functions that read them."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from adductor.catalogue.checks import find_problems
from adductor.catalogue.models import Catalogue
from adductor.documents import DocumentError, documents, validate


@cache
def catalogue() -> Catalogue:
    """Read and check the catalogue that ships with the product, once per process.

    Raises `DocumentError` naming the place when the packaged file is damaged.
    """
    return load(files(__package__).joinpath("catalogue.yaml").read_text(encoding="utf-8"))


def load(text: str) -> Catalogue:
    """Read a catalogue from YAML text. Raises `DocumentError` for text that is no YAML or no valid catalogue."""
    found = list(documents(text))
    if len(found) > 1:
        raise DocumentError([f"(document): holds {len(found)} documents, and a catalogue is one"])
    return parse(found[0] if found else None)


def parse(document: Any) -> Catalogue:
    """Build a catalogue from a document. Raises `DocumentError` with every problem found, each with its path."""
    made = validate(Catalogue, document)
    problems = list(find_problems(made))
    if problems:
        raise DocumentError(problems)
    return made
