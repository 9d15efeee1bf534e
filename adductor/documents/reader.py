"""Text to plain values: a file of one or many documents, as YAML or as JSON.

YAML is read by PyYAML's safe loader with JSON's scalars, behind a guard against deep nesting, alias bombs and tags. By
itself PyYAML reads an unquoted 17:30 as the number 1050 and a time without an offset as a time, keeps the last of two
equal keys, and recurses in C without a limit. Here times stay text. Aliases are allowed, tags are not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml

from adductor.documents.problems import ROOT, DocumentError, shown

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
MAX_DEPTH = 20  # our documents are at most six deep
# Billion-laughs guard: the values behind all aliases of a document together.
MAX_REPEATED = 100_000


class _Loader(_Base):  # type: ignore[misc]
    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML's own way

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _placed(key.start_mark, "a key must be a word")
            word = self.construct_object(key)
            if word in seen:
                raise _placed(key.start_mark, f"{shown(word)}: is there twice")
            seen.add(word)
        mapping: dict[Any, Any] = super().construct_mapping(node, deep=deep)
        return mapping


# Python reads no number of more than 4,300 digits; a longer one stays text.
for _name, _pattern in (
    ("null", r"(?:~|null|Null|NULL|)\Z"),
    ("bool", r"(?:true|True|TRUE|false|False|FALSE)\Z"),
    ("int", r"[-+]?(?:0|[1-9][0-9]{0,999})\Z"),
    ("float", r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?\Z"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_name}", re.compile(_pattern), None)


def documents(text: str) -> Iterator[Any]:
    """Read the documents of a file one after the other: JSON (also one per line) or YAML.

    Raises `DocumentError` at the first unreadable place.
    """
    text = text.removeprefix("\ufeff")
    found = _json_documents(text) if text.lstrip().startswith("{") else None
    yield from _yaml_documents(text) if found is None else found


def _json_documents(text: str) -> list[Any] | None:
    """Read JSON documents. Returns None when the text is not JSON throughout: YAML may start with a brace, too."""
    decoder = json.JSONDecoder(object_pairs_hook=_mapping, parse_constant=_refuse_constant)
    text = text.strip(" \t\r\n")
    found: list[Any] = []
    at = 0
    while at < len(text):
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
        while text[at : at + 1] in (" ", "\t", "\r", "\n"):
            at += 1
    return found


def _mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping: dict[str, Any] = {}
    for key, value in pairs:
        if key in mapping:
            raise DocumentError([f"{shown(key)}: is there twice"])
        mapping[key] = value
    return mapping


def _refuse_constant(name: str) -> None:
    raise DocumentError([f"{ROOT}: {name} is not a number"])


def _yaml_documents(text: str) -> Iterator[Any]:
    try:
        _guard(text)
        for document in yaml.load_all(text, _Loader):
            if document is not None:  # `---` at the end of a file starts a document without content
                yield document
    except yaml.reader.ReaderError as error:
        raise DocumentError([f"{ROOT}: not readable: {error.reason}"]) from None
    except UnicodeEncodeError:
        raise DocumentError([f"{ROOT}: not readable: half a surrogate pair is no character"]) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else ROOT
        raise DocumentError([f"{place}: not readable as YAML: {error.problem or 'not YAML'}"]) from None


def _placed(mark: Any, problem: str) -> yaml.MarkedYAMLError:
    """An error about YAML that is allowed, but not in our documents."""
    return yaml.MarkedYAMLError(problem=problem, problem_mark=mark)


def _guard(text: str) -> None:
    """Refuse what would make the loader recurse, repeat or construct without end, before it reads anything."""
    sizes: dict[str, int] = {}  # of the anchored values of this document, those behind their aliases included
    open_: list[tuple[str | None, int]] = []
    read = repeated = 0
    for event in yaml.parse(text, _Base):
        anchor, mark = getattr(event, "anchor", None), event.start_mark
        if isinstance(event, yaml.DocumentStartEvent):
            sizes, read, repeated = {}, 0, 0
        elif isinstance(event, yaml.AliasEvent):
            if anchor not in sizes:
                raise _placed(mark, f"no anchor {anchor!r}")
            read += sizes[anchor]
            repeated += sizes[anchor]
            if repeated > MAX_REPEATED:
                raise _placed(mark, f"aliases stand for more than {MAX_REPEATED} values")
        elif isinstance(event, yaml.NodeEvent):
            read += 1
            tag = getattr(event, "tag", None)
            if tag not in (None, "!"):
                raise _placed(mark, f"tags like {tag} are not allowed")
            if isinstance(event, yaml.ScalarEvent):
                sizes |= {anchor: 1} if anchor else {}
                continue
            open_.append((anchor, read - 1))
            if len(open_) > MAX_DEPTH:
                raise _placed(mark, f"nested more than {MAX_DEPTH} deep")
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_.pop()
            sizes |= {anchor: read - before} if anchor else {}
