"""Mappings and lists of a scenario: which keys there are, which must be there, and the path of what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from adductor.scenario.values import Reader, WrongValueError, kind_of, shown

# Whoever has more to mend reads these first; a file that is something else would fill memory with what is wrong with it.
MOST_PROBLEMS = 100


class ScenarioError(ValueError):
    """A scenario is wrong. ``problems`` are lines like ``activities[2].moving_min: -5 is below 0``."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(self.problems))


class Shape:
    """The keys of one kind of mapping: for each the field it fills and how it is read."""

    def __init__(self, keys: Mapping[str, tuple[str, Reader]], required: Sequence[str] = ()) -> None:
        self.keys = keys
        self.required = required

    def read(self, value: Any, path: str, problems: list[str]) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            problems.append(f"{path or '(document)'}: must be a mapping, not {kind_of(value)}")
            return {}
        fields: dict[str, Any] = {}
        for key, given in value.items():
            if len(problems) >= MOST_PROBLEMS:
                return fields
            entry = self.keys.get(key) if isinstance(key, str) else None
            if entry is None:
                problems.append(f"{join(path, key)}: unknown key; known here: {', '.join(self.keys)}")
                continue
            name, reader = entry
            if given is None:
                if key in self.required:
                    problems.append(f"{join(path, key)}: must be given")
                continue
            try:
                read = reader(given)
            except WrongValueError as wrong:
                problems.append(f"{join(path, key)}: {wrong}")
                continue
            except ScenarioError as error:
                problems.extend(f"{join(path, key)}{problem}" for problem in error.problems)
                continue
            if name in fields:
                problems.append(f"{join(path, key)}: says the same as another key of this mapping")
            fields[name] = read
        problems.extend(f"{join(path, key)}: must be given" for key in self.required if key not in value)
        return fields


def join(path: str, key: object) -> str:
    return f"{path}.{shown(key)}" if path else shown(key)


def nested(shape: Shape, make: Callable[..., Any]) -> Reader:
    """A mapping inside a mapping. Its problems carry their own part of the path."""

    def read(value: Any) -> Any:
        problems: list[str] = []
        fields = shape.read(value, "", problems)
        if problems:
            raise ScenarioError([below(problem) for problem in problems])
        return make(**fields)

    return read


def below(problem: str) -> str:
    return problem.removeprefix("(document)") if problem.startswith("(document)") else f".{problem}"


def listed(reader: Reader, make: Callable[[list[Any]], Any] = tuple) -> Reader:
    def read(value: Any) -> Any:
        if not isinstance(value, list):
            raise WrongValueError(f"must be a list, not {kind_of(value)}")
        problems: list[str] = []
        found = []
        for index, item in enumerate(value):
            if len(problems) >= MOST_PROBLEMS:
                break
            try:
                found.append(reader(item))
            except WrongValueError as wrong:
                problems.append(f"[{index}]: {wrong}")
            except ScenarioError as error:
                problems.extend(f"[{index}]{problem}" for problem in error.problems)
        if problems:
            raise ScenarioError(problems)
        return make(found)

    return read
