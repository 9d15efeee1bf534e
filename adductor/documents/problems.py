"""Translation of pydantic's validation errors into sentences, each with the path of its key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import is_dataclass
from typing import Any, TypeVar, get_args, get_type_hints

from pydantic import AliasChoices, BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

# A file that is something else has more problems than memory should hold.
MOST_PROBLEMS = 100
ROOT = "(document)"

M = TypeVar("M", bound=BaseModel)


class DocumentError(ValueError):
    """A document is wrong. ``problems`` are lines like ``activities[2].moving_min: -5 is below 0``."""

    def __init__(self, problems: Sequence[str]) -> None:
        if len(problems) > MOST_PROBLEMS:
            problems = [*problems[:MOST_PROBLEMS], f"{ROOT}: and more; these are the first {MOST_PROBLEMS}"]
        self.problems = tuple(problems)
        super().__init__("; ".join(self.problems))


def validate(model: type[M], document: Any) -> M:
    """Validate a document against a model.

    Raises `DocumentError` with all problems (at most the first 100), each with the path of its key.
    """
    try:
        return model.model_validate(document)
    except ValidationError as error:
        # One more than is shown, so that the reader learns that there are more.
        found = error.errors(include_url=False)[: MOST_PROBLEMS + 1]
        raise DocumentError([_line(model, problem) for problem in found]) from None


def kind_of(value: Any) -> str:
    """Name a value in an error: ``the text 'x'``, ``a mapping``, ``nothing``."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"the text {shortened(value)!r}" if value.strip() else "empty text"
    if isinstance(value, int | float):
        return f"the number {shortened(str(value))}"
    if isinstance(value, Mapping):
        return "a mapping"
    return "a list" if isinstance(value, list) else type(value).__name__


def shortened(words: str) -> str:
    """Cut a value to the 40 characters that an error can show."""
    return words if len(words) <= 40 else words[:37] + "..."


def shown(key: object) -> str:
    """Show a key in a path: unchanged when it is readable on one line, else quoted."""
    name = str(key)
    plain = name.strip() and name.isprintable() and ":" not in name and len(name) <= 60
    return name if plain else repr(shortened(name))


def _line(model: type[BaseModel], error: ErrorDetails) -> str:
    *way, last = error["loc"] or (None,)
    if error["type"] in ("extra_forbidden", "unexpected_keyword_argument", "invalid_key"):
        return f"{_path([*way, str(last)])}: {_unknown(_shape_at(model, way), last)}"
    return f"{_path(error['loc'])}: {_sentence(error)}"


def _path(loc: Sequence[str | int]) -> str:
    path = ""
    for part in loc:
        path += f"[{part}]" if isinstance(part, int) else f"{'.' if path else ''}{shown(part)}"
    return path or ROOT


def _sentence(error: ErrorDetails) -> str:
    kind, value, context = error["type"], error["input"], error.get("ctx", {})
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind == "value_error":  # raised by a validator of ours
        return str(context["error"])
    if kind in ("enum", "literal_error"):
        choices = context["expected"].replace("'", "").replace(" or ", ", ")
        return f"must be one of {choices}, not {kind_of(value)}"
    if kind == "float_type" and is_number:  # an int that no float can hold
        return f"{shortened(str(value))} is too large"
    if kind in _SENTENCES:
        return _SENTENCES[kind].format(value=shortened(str(value)), **context)
    return f"must be {_EXPECTED.get(kind, 'something else')}, not {kind_of(value)}"


_SENTENCES = {
    "missing": "must be given",
    "greater_than_equal": "{value} is below {ge:g}",
    "less_than_equal": "{value} is above {le:g}",
    "finite_number": "{value} is not a finite number",
    "too_short": "needs {min_length} or more items",
    "too_long": "has more than {max_length} items",
    "string_unicode": "half a surrogate pair is no character",
}
_EXPECTED = {
    "bool_type": "true or false",
    "float_type": "a number",
    "int_type": "a whole number",
    **dict.fromkeys(("dataclass_type", "dict_type", "mapping_type", "model_type"), "a mapping"),
    **dict.fromkeys(("frozen_set_type", "tuple_type"), "a list"),
    **dict.fromkeys(("string_type", "string_pattern_mismatch"), "text"),
}


def _unknown(shape: Any, key: object) -> str:
    known = [name for spellings, _ in _fields(shape) for name in spellings]
    if key in known:
        return "says the same as another key of this mapping"
    return f"unknown key; known here: {', '.join(known)}"


def _fields(shape: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the spellings and the annotation of each field of a model or a dataclass."""
    if shape is None:
        return
    if is_dataclass(shape):
        hints = get_type_hints(shape, include_extras=True)
        found = {name: FieldInfo.from_annotation(hint) for name, hint in hints.items()}
    else:
        found = shape.model_fields
    for name, field in found.items():
        alias = field.validation_alias or name
        spellings = alias.choices if isinstance(alias, AliasChoices) else [alias]
        yield tuple(str(spelling) for spelling in spellings), field.annotation


def _shape_at(shape: Any, way: Sequence[str | int]) -> Any:
    """Follow a path of keys down to the model or dataclass whose mapping it leads to."""
    for key in way:
        if isinstance(key, str):
            annotation = next((annotation for spellings, annotation in _fields(shape) if key in spellings), None)
            shape = next(_shapes_in(annotation), None)
    return shape


def _shapes_in(annotation: Any) -> Iterator[type]:
    if isinstance(annotation, type) and (issubclass(annotation, BaseModel) or is_dataclass(annotation)):
        yield annotation
    for argument in get_args(annotation):
        yield from _shapes_in(argument)
