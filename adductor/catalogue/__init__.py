"""The exercises and routines as data, and the one function that reads them."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from adductor.catalogue.models import Catalogue, CatalogueError
from adductor.catalogue.reader import parse
from adductor.scenario.yaml_documents import ScenarioSyntaxError, yaml_documents


@cache
def catalogue() -> Catalogue:
    """The catalogue that ships with the product, read and checked once per process.

    Raises `CatalogueError` naming the place when the packaged file is damaged.
    """
    text = files(__package__).joinpath("catalogue.yaml").read_text(encoding="utf-8")
    return load(text)


def load(text: str) -> Catalogue:
    """A catalogue from YAML text. Raises `CatalogueError` for text that is not YAML or not a valid catalogue."""
    try:
        # PyYAML's own loader recurses in C without a limit: nested deep enough, a text ends the process.
        documents = list(yaml_documents(text))
    except ScenarioSyntaxError as error:
        raise CatalogueError([f"(file): not readable as YAML: {error}"]) from error
    if len(documents) > 1:
        raise CatalogueError([f"(file): holds {len(documents)} documents, and a catalogue is one"])
    return parse(documents[0] if documents else None)
