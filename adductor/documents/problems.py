"""Translation of pydantic's validation errors into sentences, each with the path of its key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
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
        raise DocumentError([f"{_path(problem['loc'])}: {_sentence(problem)}" for problem in found]) from None


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


# Of two spellings of a key pydantic takes one, and the other is left over.
_LEFT_OVER = "unknown key, or says the same as another key of this mapping"
_SENTENCES = {
    **dict.fromkeys(("extra_forbidden", "unexpected_keyword_argument", "invalid_key"), _LEFT_OVER),
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
