"""A catalogue from a document: every value checked, every wrong one named with its place. Pure, no I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NoReturn, TypeVar

from adductor.catalogue.models import (
    Catalogue,
    CatalogueError,
    Citation,
    DosePlan,
    Equipment,
    Exercise,
    Interpretation,
    Position,
    Reading,
    RoutineLine,
    RoutinePlan,
    Sets,
    Span,
    Stage,
    Tempo,
    routine_seconds,
)

PLACEMENTS = ("warm_up", "post_run", "rest_day")
CATEGORIES = ("isometric", "isotonic", "dynamic", "compound")

T = TypeVar("T")

# The largest number in a catalogue is a routine's seconds, and a day has fewer than this.
_MOST = 100_000


class _Reader:
    """A value with the place it stands at, so that a wrong one can be named."""

    def __init__(self, value: Any, path: str) -> None:
        self.value = value
        self.path = path

    def fail(self, what: str) -> NoReturn:
        raise CatalogueError([f"{self.path or '(file)'}: {what}"])

    def map(self, required: Sequence[str], optional: Sequence[str] = ()) -> dict[str, _Reader]:
        if not isinstance(self.value, Mapping):
            self.fail(f"must be a mapping, not {_kind(self.value)}")
        missing = [key for key in required if key not in self.value]
        if missing:
            self.fail(f"lacks {', '.join(missing)}")
        known = (*required, *optional)
        for key in self.value:
            if key not in known:
                _Reader(None, self._at(str(key))).fail(f"unknown key; known here: {', '.join(known)}")
        return {key: _Reader(self.value[key], self._at(key)) for key in known if key in self.value}

    def _at(self, key: str) -> str:
        key = key if key.isprintable() else repr(key)
        return f"{self.path}.{key}" if self.path else key

    def items(self, at_least: int = 0) -> list[_Reader]:
        if not isinstance(self.value, list):
            self.fail(f"must be a list, not {_kind(self.value)}")
        if len(self.value) < at_least:
            self.fail(f"needs at least {at_least} item{'s' if at_least > 1 else ''}")
        return [_Reader(item, f"{self.path}[{index}]") for index, item in enumerate(self.value)]

    def text(self, among: Sequence[str] | None = None) -> str:
        if not isinstance(self.value, str) or not self.value.strip():
            self.fail(f"must be text, not {_kind(self.value)}")
        if among is not None and self.value not in among:
            self.fail(f"{self.value!r} is not one of {', '.join(among)}")
        return self.value

    def texts(self, at_least: int = 0) -> tuple[str, ...]:
        return tuple(item.text() for item in self.items(at_least))

    def whole(self, low: int = 0) -> int:
        if not isinstance(self.value, int) or isinstance(self.value, bool):
            self.fail(f"must be a whole number, not {_kind(self.value)}")
        if self.value < low:
            self.fail(f"must be at least {low}")
        if self.value > _MOST:
            self.fail(f"must be at most {_MOST}")
        return self.value

    def number(self) -> float:
        if not isinstance(self.value, int | float) or isinstance(self.value, bool):
            self.fail(f"must be a number, not {_kind(self.value)}")
        if not -_MOST <= self.value <= _MOST:  # nor is "not a number" between them
            self.fail(f"must be between -{_MOST} and {_MOST}")
        return float(self.value)

    def flag(self) -> bool:
        if not isinstance(self.value, bool):
            self.fail(f"must be true or false, not {_kind(self.value)}")
        return self.value

    def maybe(self, read: Callable[[_Reader], T]) -> T | None:
        return None if self.value is None else read(self)


def _kind(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, str):
        return "empty text" if not value.strip() else f"the text {value!r}"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"the number {value}"
    if isinstance(value, Mapping):
        return "a mapping"
    return "a list" if isinstance(value, list) else type(value).__name__


def parse(document: Any) -> Catalogue:
    """A checked catalogue from a YAML document.

    Raises `CatalogueError` with every problem found in the exercises, routines and citations, each with its place.
    """
    top = _Reader(document, "").map(
        ("meta", "duration_formula", "stages", "progression", "routines", "exercises", "citations")
    )
    problems: list[str] = []

    def collect(readers: Sequence[_Reader], read: Callable[[_Reader], T]) -> list[T | None]:
        found: list[T | None] = []
        for reader in readers:
            try:
                found.append(read(reader))
            except CatalogueError as error:
                problems.extend(error.problems)
                found.append(None)
        return found

    try:
        meta = _meta(top["meta"])
        stages = tuple(_stage(item) for item in top["stages"].items(1))
    except CatalogueError as error:
        raise CatalogueError(error.problems) from None
    if [stage.number for stage in stages] != list(range(1, len(stages) + 1)):
        problems.append("stages: must be numbered 1, 2, 3 and so on, in order")
    exercises = collect(top["exercises"].items(1), _exercise)
    citations = collect(top["citations"].items(), _citation)
    routines = collect(top["routines"].items(1), _routine)
    if not problems:
        problems += _duplicates("exercises", [e.id for e in exercises if e])
        problems += _duplicates("citations", [c.id for c in citations if c])
        problems += _duplicates("routines", [r.id for r in routines if r])
    if problems:
        raise CatalogueError(problems)
    catalogue = Catalogue(
        **meta,
        duration_formula=MappingProxyType(_text_map(top["duration_formula"])),
        stages=stages,
        progression=MappingProxyType(_progression(top["progression"])),
        routines=MappingProxyType({r.id: r for r in routines if r}),
        exercises=MappingProxyType({e.id: e for e in exercises if e}),
        citations=MappingProxyType({c.id: c for c in citations if c}),
    )
    problems = _references(catalogue)
    if problems:
        raise CatalogueError(problems)
    return catalogue


def _duplicates(where: str, ids: Sequence[str]) -> list[str]:
    return [f"{where}[{i}].id: {id_!r} is there twice" for i, id_ in enumerate(ids) if id_ in ids[:i]]


def _text_map(reader: _Reader) -> dict[str, str]:
    if not isinstance(reader.value, Mapping):
        reader.fail(f"must be a mapping, not {_kind(reader.value)}")
    return {str(key): _Reader(value, f"{reader.path}.{key}").text() for key, value in reader.value.items()}


def _meta(reader: _Reader) -> dict[str, Any]:
    keys = (
        "title", "version", "date", "scope", "article_timing", "article_frequency", "article_substitution",
        "article_balance_idea",
    )  # fmt: skip
    fields = reader.map(keys, ("every_exercise_has",))
    meta: dict[str, Any] = {key: fields[key].text() for key in keys if key != "article_timing"}
    meta["article_timing"] = fields["article_timing"].texts(1)
    return meta


def _stage(reader: _Reader) -> Stage:
    fields = reader.map(("stage", "name", "minimum_sessions", "contains"))
    return Stage(
        number=fields["stage"].whole(1),
        name=fields["name"].text(),
        minimum_sessions=fields["minimum_sessions"].maybe(lambda r: r.whole(1)),
        contains=fields["contains"].text(),
    )


def _progression(reader: _Reader) -> dict[str, Any]:
    texts = (
        "source", "method", "add_when", "load_step", "easier_when", "stage_up_when", "first_sessions", "deload",
        "maintenance",
    )  # fmt: skip
    fields = reader.map((*texts, "missed"))
    read: dict[str, Any] = {key: fields[key].text() for key in texts}
    read["missed"] = tuple(
        MappingProxyType({key: r.text() for key, r in item.map(("gap_days", "do")).items()})
        for item in fields["missed"].items(1)
    )
    return read


def _citation(reader: _Reader) -> Citation:
    fields = reader.map(("id", "ref", "seen"), ("doi",))
    seen = fields["seen"]
    return Citation(
        id=fields["id"].text(),
        ref=fields["ref"].text(),
        doi=fields["doi"].text() if "doi" in fields else None,
        seen="not seen" if seen.value is False else seen.text(),
    )


def _routine(reader: _Reader) -> RoutinePlan:
    fields = reader.map(
        ("id", "use_for", "stage", "items", "estimated_seconds", "estimated_minutes", "note"), ("variation_of",)
    )
    lines = []
    for item in fields["items"].items(1):
        line = item.map(("exercise", "sets", "reps_or_holds"))
        lines.append(RoutineLine(line["exercise"].text(), line["sets"].whole(1), line["reps_or_holds"].whole(1)))
    seconds = fields["estimated_seconds"].whole(1)
    minutes = fields["estimated_minutes"].number()
    if round(seconds / 60, 1) != minutes:
        fields["estimated_minutes"].fail(f"{minutes} is not {seconds} seconds ({round(seconds / 60, 1)})")
    return RoutinePlan(
        id=fields["id"].text(),
        use_for=frozenset(item.text(PLACEMENTS) for item in fields["use_for"].items(1)),
        stage=fields["stage"].whole(1),
        lines=tuple(lines),
        seconds=seconds,
        note=fields["note"].text(),
        variation_of=fields["variation_of"].text() if "variation_of" in fields else None,
    )


def _sets(reader: _Reader) -> Sets:
    fields = reader.map(("start", "target", "max"))
    sets = Sets(*(fields[key].whole(1) for key in ("start", "target", "max")))
    if sets.target < sets.start:
        fields["target"].fail(f"{sets.target} is below the start of {sets.start}")
    if sets.max < sets.target:
        fields["max"].fail(f"{sets.max} is below the target of {sets.target}")
    return sets


def _span(reader: _Reader) -> Span:
    fields = reader.map(("min", "default", "max"))
    span = Span(*(fields[key].whole(1) for key in ("min", "default", "max")))
    if span.default < span.min:
        fields["default"].fail(f"{span.default} is below the minimum of {span.min}")
    if span.max < span.default:
        fields["max"].fail(f"{span.max} is below the default of {span.default}")
    return span


def _dose(reader: _Reader) -> DosePlan:
    both = ("type", "sets", "rest_s", "setup_s", "side_switch_s")
    if isinstance(reader.value, Mapping) and "type" in reader.value:
        _Reader(reader.value["type"], f"{reader.path}.type").text(("reps", "holds"))
    is_reps = isinstance(reader.value, Mapping) and reader.value.get("type") == "reps"
    fields = (
        reader.map((*both, "reps"))
        if is_reps
        else reader.map((*both, "holds", "hold_s", "between_holds_s"), ("positions",))
    )
    return DosePlan(
        sets=_sets(fields["sets"]),
        reps=_span(fields["reps"]) if is_reps else None,
        holds=None if is_reps else _span(fields["holds"]),
        hold_s=None if is_reps else _span(fields["hold_s"]),
        positions=fields["positions"].whole(1) if "positions" in fields else 1,
        between_holds_s=0 if is_reps else fields["between_holds_s"].whole(),
        rest_s=_span(fields["rest_s"]),
        setup_s=fields["setup_s"].whole(),
        side_switch_s=fields["side_switch_s"].whole(),
    )


def _tempo(reader: _Reader) -> Tempo:
    fields = reader.map(("eccentric", "bottom", "concentric", "top"))
    return Tempo(*(fields[key].whole() for key in ("eccentric", "bottom", "concentric", "top")))


def _equipment(reader: _Reader) -> Equipment:
    fields = reader.map(("needs", "preferred", "substitutes"))
    needs = fields["needs"].map(("any_of",), ("optional",))
    return Equipment(
        any_of=frozenset(needs["any_of"].texts(1)),
        optional=frozenset(needs["optional"].texts()) if "optional" in needs else frozenset(),
        preferred=fields["preferred"].texts(),
        substitutes=fields["substitutes"].texts(),
    )


def _interpretation(reader: _Reader) -> Interpretation:
    fields = reader.map(
        ("confidence", "issue", "show_user"),
        ("likelihoods_are", "readings", "default_reading", "harder_reading_is", "dose_issue"),
    )
    readings = []
    for item in fields["readings"].items() if "readings" in fields else ():
        reading = item.map(("reading", "likelihood"))
        readings.append(Reading(reading["reading"].text(), reading["likelihood"].number()))
    return Interpretation(
        confidence=fields["confidence"].text(),
        issue=fields["issue"].text(),
        show_user=fields["show_user"].text(),
        readings=tuple(readings),
        default_reading=fields["default_reading"].text() if "default_reading" in fields else None,
        dose_issue=fields["dose_issue"].text() if "dose_issue" in fields else None,
    )


def _position(reader: _Reader) -> Position:
    fields = reader.map(("id", "hip_flexion_deg", "article_name", "squeeze_between"), ("relation", "evidence"))
    return Position(
        id=fields["id"].text(),
        article_name=fields["article_name"].text(),
        squeeze_between=fields["squeeze_between"].text(),
        hip_flexion_deg=fields["hip_flexion_deg"].whole(),
    )


_REQUIRED = (
    "id", "name", "article_name", "article_prescription", "in_article", "category", "stage", "per_side",
    "plyometric", "dose", "tempo_s", "estimated_seconds", "muscles", "equipment", "setup", "cues", "faults",
    "limb_order", "easier", "harder", "contraindications", "sources",
)  # fmt: skip
_TEXT_OPTIONAL = (
    "dose_source", "article_relation", "note", "tempo_note", "gate", "load_gate", "weekly_dose_evidence",
)  # fmt: skip


def _exercise(reader: _Reader) -> Exercise:
    fields = reader.map(_REQUIRED, (*_TEXT_OPTIONAL, "interpretation", "positions", "effort"))
    in_article = fields["in_article"].flag()
    article_name = fields["article_name"].maybe(_Reader.text)
    if in_article and article_name is None:
        fields["article_name"].fail("must be the article's wording when in_article is true")
    dose = _dose(fields["dose"])
    tempo = fields["tempo_s"].maybe(_tempo)
    if (tempo is None) == (dose.reps is not None):
        fields["tempo_s"].fail("must be given for reps, and only for reps")
    muscles = fields["muscles"].map(("primary", "secondary"))
    easier, harder = fields["easier"].texts(), fields["harder"].texts()
    positions = tuple(_position(item) for item in fields["positions"].items()) if "positions" in fields else ()
    if len(positions) != (dose.positions if dose.positions > 1 else 0):
        where = fields.get("positions") or _Reader(None, f"{reader.path}.positions")
        where.fail(f"{len(positions)} are described but the dose says {dose.positions}")
    equipment = _equipment(fields["equipment"])
    estimated = fields["estimated_seconds"].map(("start", "typical_target", "max"))
    exercise = Exercise(
        id=fields["id"].text(),
        name=fields["name"].text(),
        article_name=article_name,
        article_prescription=fields["article_prescription"].maybe(_Reader.text),
        in_article=in_article,
        category=fields["category"].text(CATEGORIES),
        stage=fields["stage"].whole(1),
        per_side=fields["per_side"].flag(),
        plyometric=fields["plyometric"].flag(),
        dose=dose,
        tempo=tempo,
        estimated_seconds=MappingProxyType({key: item.whole(1) for key, item in estimated.items()}),
        muscles_primary=muscles["primary"].texts(1),
        muscles_secondary=muscles["secondary"].texts(),
        equipment=equipment,
        setup=fields["setup"].text(),
        cues=fields["cues"].texts(1),
        faults=fields["faults"].texts(1),
        limb_order=fields["limb_order"].text(),
        # Words in brackets are variations of the same exercise, everything else must be an id.
        easier=tuple(item for item in easier if not item.startswith("(")),
        easier_notes=tuple(item for item in easier if item.startswith("(")),
        harder=tuple(item for item in harder if not item.startswith("(")),
        harder_notes=tuple(item for item in harder if item.startswith("(")),
        contraindications=fields["contraindications"].texts(1),
        sources=fields["sources"].texts(1),
        positions=positions,
        interpretation=_interpretation(fields["interpretation"]) if "interpretation" in fields else None,
        effort=MappingProxyType(_text_map(fields["effort"])) if "effort" in fields else None,
        replaced_without_equipment_by=_replacement(equipment.substitutes),
        **{key: fields[key].text() if key in fields else None for key in _TEXT_OPTIONAL},
    )
    sets, count = dose.sets, dose.count
    for key, seconds in (
        ("start", exercise.seconds(sets.start, count.min)),
        ("typical_target", exercise.seconds(sets.target, count.default)),
        ("max", exercise.seconds(sets.max, count.max)),
    ):
        if exercise.estimated_seconds[key] != seconds:
            estimated[key].fail(f"{exercise.estimated_seconds[key]} does not follow from the dose ({seconds})")
    return exercise


def _replacement(substitutes: Sequence[str]) -> str | None:
    """The id in a substitute like ``no band: side_lying_adduction_top_leg_elevated``."""
    for line in substitutes:
        _, colon, after = line.partition(": ")
        if colon and line.startswith("no ") and " " not in after:
            return after
    return None


def _references(catalogue: Catalogue) -> list[str]:
    """What one part of the catalogue says about another part that is not so."""
    problems: list[str] = []
    stage_numbers = {stage.number for stage in catalogue.stages}
    for i, exercise in enumerate(catalogue.exercises.values()):
        at = f"exercises[{i}]"
        if exercise.stage not in stage_numbers:
            problems.append(f"{at}.stage: there is no stage {exercise.stage}")
        for key in ("easier", "harder"):
            problems += [
                f"{at}.{key}: there is no exercise {id_!r}"
                for id_ in getattr(exercise, key)
                if id_ not in catalogue.exercises
            ]
        other = exercise.replaced_without_equipment_by
        if other is not None and other not in catalogue.exercises and "none" not in exercise.equipment.any_of:
            problems.append(f"{at}.equipment.substitutes: there is no exercise {other!r}")
        problems += [
            f"{at}.sources: there is no citation {source!r}"
            for source in exercise.sources
            if source not in catalogue.citations
        ]
    for i, routine in enumerate(catalogue.routines.values()):
        at = f"routines[{i}]"
        if routine.stage not in stage_numbers:
            problems.append(f"{at}.stage: there is no stage {routine.stage}")
        base = routine.variation_of
        if base is not None and (base not in catalogue.routines or catalogue.routines[base].variation_of):
            problems.append(f"{at}.variation_of: there is no routine {base!r} to vary")
        problems += _routine_problems(catalogue, routine, at)
    return problems


def _routine_problems(catalogue: Catalogue, routine: RoutinePlan, at: str) -> list[str]:
    problems: list[str] = []
    seconds: list[int] = []
    for j, line in enumerate(routine.lines):
        exercise = catalogue.exercises.get(line.exercise)
        if exercise is None:
            problems.append(f"{at}.items[{j}].exercise: there is no exercise {line.exercise!r}")
            continue
        if exercise.stage > routine.stage:
            problems.append(f"{at}.items[{j}].exercise: {line.exercise} is of stage {exercise.stage}")
        if line.sets > exercise.dose.sets.max:
            problems.append(f"{at}.items[{j}].sets: {line.sets} is above {exercise.dose.sets.max}")
        count = exercise.dose.count
        if not count.min <= line.count <= count.max:
            problems.append(f"{at}.items[{j}].reps_or_holds: {line.count} is not within {count.min}-{count.max}")
        seconds.append(exercise.seconds(line.sets, line.count))
    if not problems and routine_seconds(seconds) != routine.seconds:
        problems.append(
            f"{at}.estimated_seconds: {routine.seconds} does not follow from the items ({routine_seconds(seconds)})"
        )
    return problems
