"""Scenario files: a runner's situation written down by hand or by a program, read strictly.

One document is one situation (`docs/scenario-file.md` lists the keys). A file holds one or many, as YAML documents or
as JSON, one after the other. Nothing is guessed: unknown keys, wrong types, times without an offset and impossible
values are refused, all of a document at once, each with the path of its key.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

from adductor.scenario.keys import parse
from adductor.scenario.shapes import ScenarioError
from adductor.scenario.values import shown
from adductor.scenario.yaml_documents import ScenarioSyntaxError, yaml_documents

__all__ = ["Part", "ScenarioError", "documents", "parse", "parts"]


class Part(NamedTuple):
    """A stretch of a scenario file that can be read on its own, and how many lines of the file stand before it."""

    text: str
    lines_before: int = 0


def documents(part: Part | str) -> Iterator[Any]:
    """The documents of a file or of a part of it, one after the other: JSON (also one per line) or YAML.

    Raises `ScenarioError` for text that is neither, at the place where it can't be read on.
    """
    text, lines_before = part if isinstance(part, Part) else (part, 0)
    text = text.removeprefix("\ufeff")
    if text.lstrip().startswith("{"):
        decoded = _json_documents(text)
        if decoded is not None:
            yield from decoded
            return
    try:
        yield from yaml_documents(text, lines_before)
    except ScenarioSyntaxError as error:
        raise ScenarioError([str(error)]) from None


def parts(text: str, per_part: int) -> list[Part]:
    """A file of many documents cut into parts of about ``per_part``, so that several processes can read it.

    A line that starts with ``---`` always starts a YAML document, and one that is a whole JSON object is one, so these
    are the only places to cut. Anything else (also YAML directives, which reach over documents) stays in one part.
    """
    lines = text.splitlines(keepends=True)
    if all(line[0] == "{" and line.rstrip()[-1] == "}" for line in lines if line.strip()):
        starts = [i for i, line in enumerate(lines) if line.strip()]
    elif any(line.startswith("%") for line in lines):
        starts = []
    else:
        starts = [0] + [i for i, line in enumerate(lines) if i and line.startswith("---") and line[3:4].isspace()]
    cuts = [*starts[::per_part], len(lines)]
    cuts[0] = 0
    return [Part("".join(lines[a:b]), a) for a, b in pairwise(cuts)] or [Part(text)]


def _json_documents(text: str) -> list[Any] | None:
    """The documents when all of the text is JSON, else None: YAML may start with a brace, too."""
    decoder = json.JSONDecoder(object_pairs_hook=_once_each, parse_constant=_no_constant)
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
        except ScenarioError:
            raise
        except RecursionError:
            raise ScenarioError(["(document): nested too deep to be a scenario"]) from None
        except ValueError:  # Python reads no number of more than 4,300 digits
            raise ScenarioError(["(document): holds a number with thousands of digits"]) from None
        found.append(document)


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ScenarioError([f"{shown(twice)}: is there twice"])
    return mapping


def _no_constant(name: str) -> None:
    raise ScenarioError([f"(document): {name} is not a number"])
