"""The exercises and routines as data, and the one function that reads them."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import yaml

from adductor.coaching.catalogue import Catalogue, CatalogueError
from adductor.coaching.catalogue_reader import parse

# libyaml reads the file seven times faster; the pure loader is for platforms whose wheel comes without it.
_LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


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
        document = yaml.load(text, Loader=_LOADER)  # noqa: S506 - both loaders are the safe ones
    except yaml.YAMLError as error:
        raise CatalogueError(["(file): not readable as YAML: " + " ".join(str(error).split())]) from error
    return parse(document)
