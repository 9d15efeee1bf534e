"""Text to plain values: a file of one or many documents, as YAML or as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from adductor.documents.problems import ROOT, DocumentError, shown
from adductor.documents.yaml_reader import yaml_documents


def documents(text: str) -> Iterator[Any]:
    """Read the documents of a file one after the other: JSON (also one per line) or YAML.

    Raises `DocumentError` at the first unreadable place.
    """
    text = text.removeprefix("\ufeff")
    found = _json_documents(text) if text.lstrip().startswith("{") else None
    yield from yaml_documents(text) if found is None else found


def _json_documents(text: str) -> list[Any] | None:
    """Read JSON documents. Returns None when the text is not JSON throughout: YAML may start with a brace, too."""
    decoder = json.JSONDecoder(object_pairs_hook=_mapping, parse_constant=_refuse_constant)
    at, end = 0, len(text)
    found: list[Any] = []
    while True:
        while at < end and text[at] in " \t\r\n":
            at += 1
        if at == end:
            return found
        try:
            document, at = decoder.raw_decode(text, at)
        except json.JSONDecodeError:
            return None
        except DocumentError:
            raise
        except RecursionError:
            raise DocumentError([f"{ROOT}: nested too deep"]) from None
        except ValueError:  # Python reads no number of more than 4,300 digits
            raise DocumentError([f"{ROOT}: holds a number with thousands of digits"]) from None
        found.append(document)


def _mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping: dict[str, Any] = {}
    for key, value in pairs:
        if key in mapping:
            raise DocumentError([f"{shown(key)}: is there twice"])
        mapping[key] = value
    return mapping


def _refuse_constant(name: str) -> None:
    raise DocumentError([f"{ROOT}: {name} is not a number"])
