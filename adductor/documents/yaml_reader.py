"""YAML event reader: libyaml's events become plain values, with guards for depth, aliases and duplicate keys.

PyYAML's own constructor reads an unquoted 17:30 as the number 1050 and a time without an offset as a time, and its
recursion in C has no limit. Here a plain scalar is null, true, false, a number or text, as in JSON; times stay text.
Aliases are allowed, tags are not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import yaml

from adductor.documents.problems import ROOT, DocumentError, shown

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)\Z")
_FLOAT = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?\Z")
_WORDS = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
LONGEST_NUMBER = 1_000  # digits; Python itself refuses more than 4,300
MAX_DEPTH = 20  # our documents are at most six deep
# Billion-laughs guard: the values behind all aliases of a document together.
MAX_REPEATED = 100_000


@lru_cache(maxsize=8192)
def _plain(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    if len(text) < LONGEST_NUMBER:
        if _INT.match(text):
            return int(text)
        if _FLOAT.match(text):
            return float(text)
    return text


def yaml_documents(text: str) -> Iterator[Any]:
    """Read the documents of a YAML text one after the other. Raises `DocumentError` at the first unreadable one."""
    loader = None
    try:
        loader = _LOADER(text)
        next_event = loader.get_event
        while True:
            event = next_event()
            if isinstance(event, yaml.StreamEndEvent):
                return
            if isinstance(event, yaml.DocumentStartEvent):
                document = _node(next_event(), next_event, _Anchors(), 0)
                if document is not None:  # `---` at the end of a file starts a document without content
                    yield document
    except yaml.reader.ReaderError as error:
        raise DocumentError([f"{ROOT}: not readable: {error.reason}"]) from None
    except UnicodeEncodeError:
        raise DocumentError([f"{ROOT}: not readable: half a surrogate pair is no character"]) from None
    except yaml.MarkedYAMLError as error:
        raise _not_yaml(error.problem_mark, error.problem or "not YAML") from None
    except _PlacedError as error:
        raise _not_yaml(error.mark, str(error)) from None
    finally:
        if loader is not None:
            loader.dispose()


class _PlacedError(ValueError):
    """YAML allows it, our documents don't."""

    def __init__(self, mark: Any, problem: str) -> None:
        self.mark = mark
        super().__init__(problem)


class _Anchors:
    """The anchored values of one document with their sizes; a size counts the values behind its aliases, too."""

    def __init__(self) -> None:
        self.values: dict[str, tuple[Any, int]] = {}
        self.read = 0
        self.repeated = 0

    def resolve(self, event: Any) -> Any:
        if event.anchor not in self.values:
            raise _PlacedError(event.start_mark, f"no anchor {event.anchor!r}")
        value, size = self.values[event.anchor]
        self.read += size
        self.repeated += size
        if self.repeated > MAX_REPEATED:
            raise _PlacedError(event.start_mark, f"aliases stand for more than {MAX_REPEATED} values")
        return value


def _not_yaml(mark: Any, problem: str) -> DocumentError:
    if mark is None:
        return DocumentError([f"{ROOT}: not readable as YAML: {problem}"])
    return DocumentError([f"line {mark.line + 1}, column {mark.column + 1}: not readable as YAML: {problem}"])


def _node(event: Any, next_event: Any, anchors: _Anchors, depth: int) -> Any:
    kind = type(event)
    before = anchors.read
    anchors.read += 1
    if kind is yaml.ScalarEvent:
        value: Any = _plain(event.value) if event.implicit[0] else event.value
        if event.tag is not None and event.tag != "!":
            raise _PlacedError(event.start_mark, f"tags like {event.tag} are not allowed")
    elif kind is yaml.AliasEvent:
        return anchors.resolve(event)
    elif depth >= MAX_DEPTH:
        raise _PlacedError(event.start_mark, f"nested more than {MAX_DEPTH} deep")
    elif event.tag is not None:
        raise _PlacedError(event.start_mark, f"tags like {event.tag} are not allowed")
    elif kind is yaml.MappingStartEvent:
        value = {}
        while type(event_key := next_event()) is not yaml.MappingEndEvent:
            key = _node(event_key, next_event, anchors, depth + 1)
            if isinstance(key, dict | list) or key in value:
                what = "a key must be a word" if isinstance(key, dict | list) else f"{shown(key)}: is there twice"
                raise _PlacedError(event_key.start_mark, what)
            value[key] = _node(next_event(), next_event, anchors, depth + 1)
    else:
        value = []
        while type(item := next_event()) is not yaml.SequenceEndEvent:
            value.append(_node(item, next_event, anchors, depth + 1))
    if event.anchor is not None:
        anchors.values[event.anchor] = value, anchors.read - before
    return value
