"""Pydantic types for the fields of Strava's JSON. Nothing is converted: a number is no text, true is no number."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, InstanceOf, ValidationError, WrapValidator


class Answer(BaseModel):
    """A JSON object of Strava's. Unknown keys are ignored: Strava may add some."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False, frozen=True)


def _or_none(value: Any, validate: Any) -> Any:
    try:
        return validate(value)
    except ValidationError:
        return None


LENIENT = WrapValidator(_or_none)  # a wrong value counts as absent

# A time beyond 2100 is in other units or made up; an id beyond a database's integer isn't Strava's.
Id = Annotated[int, Field(ge=1, le=2**63 - 1)]
Seconds = Annotated[int, Field(ge=1, le=4_102_444_800)]
# InstanceOf, because pydantic's own str refuses half a surrogate pair: the text would be lost for one bad character.
OptionalText = Annotated[InstanceOf[str] | None, LENIENT]
OptionalNumber = Annotated[float | None, LENIENT]
OptionalId = Annotated[Id | None, LENIENT]
