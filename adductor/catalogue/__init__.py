"""The exercises and routines as data, and the function that reads them."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from adductor.catalogue.models import Catalogue
from adductor.documents import documents, validate


@cache
def catalogue() -> Catalogue:
    """Read the catalogue that ships with the product, once per process.

    The rules between its keys (ids that must exist, durations that must follow from the doses) are checked by
    tests/catalogue. Raises `DocumentError` naming the place when the packaged file is damaged.
    """
    (document,) = documents(files(__package__).joinpath("catalogue.yaml").read_text(encoding="utf-8"))
    return validate(Catalogue, document)
