"""YAML for scenario files: libyaml's events turned straight into plain values.

PyYAML's own constructor is the slow half of reading, and it turns an unquoted 17:30 into the number 1050 and a time
without an offset into a time. Here a plain scalar is null, true, false, a number or text, as in JSON; times stay text
and are judged by the scenario reader. Aliases are allowed, tags are not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import yaml

from adductor.scenario.values import shown

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)\Z")
_FLOAT = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?\Z")
_WORDS = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
MAX_DEPTH = 20  # a scenario is five deep; text that nests deeper is not one
# What aliases may stand for, all of a document together: enough to write anything once, too little to blow a file up.
MAX_REPEATED = 100_000


class ScenarioSyntaxError(ValueError):
    """The text is not readable; the message says where."""


@lru_cache(maxsize=8192)
def _plain(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    if len(text) < 20:
        if _INT.match(text):
            return int(text)
        if _FLOAT.match(text):
            return float(text)
    return text


def yaml_documents(text: str, lines_before: int = 0) -> Iterator[Any]:
    """The documents of a YAML text. Raises `ScenarioSyntaxError` at the first that can't be read.

    ``lines_before`` is how many lines of the file the text leaves out, so that an error names the line of the file.
    """
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
        raise ScenarioSyntaxError(f"(document): not readable: {error.reason}") from None
    except UnicodeEncodeError:
        raise ScenarioSyntaxError("(document): not readable: half a surrogate pair is no character") from None
    except yaml.MarkedYAMLError as error:
        raise _not_yaml(error.problem_mark, error.problem or "not YAML", lines_before) from None
    except _PlacedError as error:
        raise _not_yaml(error.mark, str(error), lines_before) from None
    finally:
        if loader is not None:
            loader.dispose()


class _PlacedError(ValueError):
    """Something YAML allows and a scenario doesn't."""

    def __init__(self, mark: Any, problem: str) -> None:
        self.mark = mark
        super().__init__(problem)


class _Anchors:
    """What aliases may stand for, and how many values have been read. Sizes count what aliases stand for, too."""

    def __init__(self) -> None:
        self.values: dict[str, tuple[Any, int]] = {}
        self.read = 0
        self.repeated = 0

    def again(self, event: Any) -> Any:
        if event.anchor not in self.values:
            raise _PlacedError(event.start_mark, f"no anchor {event.anchor!r}")
        value, size = self.values[event.anchor]
        self.read += size
        self.repeated += size
        if self.repeated > MAX_REPEATED:
            raise _PlacedError(event.start_mark, f"aliases stand for more than {MAX_REPEATED} values")
        return value


def _not_yaml(mark: Any, problem: str, lines_before: int) -> ScenarioSyntaxError:
    if mark is None:
        return ScenarioSyntaxError(f"(document): not readable as YAML: {problem}")
    line = mark.line + 1 + lines_before
    return ScenarioSyntaxError(f"line {line}, column {mark.column + 1}: not readable as YAML: {problem}")


def _node(event: Any, next_event: Any, anchors: _Anchors, depth: int) -> Any:
    kind = type(event)
    before = anchors.read
    anchors.read += 1
    if kind is yaml.ScalarEvent:
        value: Any = _plain(event.value) if event.implicit[0] else event.value
        if event.tag is not None and event.tag != "!":
            raise _PlacedError(event.start_mark, f"tags like {event.tag} are not allowed")
    elif kind is yaml.AliasEvent:
        return anchors.again(event)
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
