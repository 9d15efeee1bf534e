"""`adductor decide`: the decisions for the scenarios in a file, each with its reasons."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any, NoReturn

import click

from adductor.catalogue import catalogue
from adductor.coaching import decide as decide_for
from adductor.coaching.situation import RoutineItem, Situation, Verdict
from adductor.documents import DocumentError, documents
from adductor.notes import wording
from adductor.scenario import parse

_OF_ITEM = (
    *("exercise", "sets", "reps", "holds", "hold_s", "per_side"),
    *("positions", "substituted_for", "advice", "name", "extra_set_side"),
)


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--json", "as_json", is_flag=True, help="One line of JSON a scenario.")
def decide(file: str, as_json: bool) -> None:
    """Say what would be decided for the scenario in FILE, and why.

    FILE holds one scenario or many, as YAML documents or as JSON; "-" reads standard input. When one of them is wrong,
    nothing is decided and every problem is named with the path of its key.

    \b
    Example:
      adductor decide runner.yaml
      cat many.jsonl | adductor decide - --json
    """
    name = "standard input" if file == "-" else file
    try:
        with click.open_file(file, encoding="utf-8") as stream:
            text = stream.read()
    except (OSError, UnicodeDecodeError) as error:
        _fail([f"{name} can't be read: {error}"])
    found = list(_scenarios(text))
    problems = [
        f"scenario {number}: {problem}" if len(found) > 1 else problem
        for number, scenario in enumerate(found, start=1)
        if isinstance(scenario, DocumentError)
        for problem in scenario.problems
    ]
    if problems or not found:
        _fail(problems or [f"{name} holds no scenario"])
    verdicts = [decide_for(scenario, catalogue()) for scenario in found if isinstance(scenario, Situation)]
    if as_json:
        click.echo("\n".join(json.dumps(as_object(verdict)) for verdict in verdicts))
    else:
        click.echo("\n".join(map(_in_words, verdicts)), nl=False)


def _fail(problems: list[str]) -> NoReturn:
    for problem in problems:
        click.echo(f"adductor decide: {problem}", err=True)
    sys.exit(1)


def _scenarios(text: str) -> Iterator[Situation | DocumentError]:
    """Each scenario of a file, or what is wrong with it; nothing is read behind a document that can't be read at all."""
    try:
        for document in documents(text):
            try:
                yield parse(document)
            except DocumentError as error:
                yield error
    except DocumentError as error:
        yield error


def as_object(verdict: Verdict) -> dict[str, Any]:
    """A verdict as the object that scripts read. ``routine`` is None without a dose."""
    routine = verdict.routine
    return {
        "decision": verdict.decision.value,
        "dose": verdict.dose.value,
        "rule": verdict.rule,
        "reason": verdict.reason,
        "considered": [
            {"rule": seen.rule, "stopped": seen.stopped, "because": seen.because} for seen in verdict.considered
        ],
        "routine": routine
        and {"id": routine.id, "minutes": routine.minutes, "items": [_item(item) for item in routine.items]},
    }


def _item(item: RoutineItem) -> dict[str, Any]:
    shown = {name: value for name in _OF_ITEM if (value := getattr(item, name)) is not None}
    if item.positions == 1:
        del shown["positions"]
    return shown


def _in_words(verdict: Verdict) -> str:
    dose = "" if verdict.dose.value == "none" else f", {verdict.dose.value}"
    lines = [f"{verdict.decision.value}{dose} (rule {verdict.rule})", f"Why: {verdict.reason}"]
    routine = verdict.routine
    if routine is not None:
        lines.append(f"Routine {routine.id}, {routine.minutes} min:")
        for number, item in enumerate(routine.items, 1):
            advice = f". {item.advice}" if item.advice else ""
            lines.append(f"  {number}. {wording.name_of(item)}: {wording.dose_of(item)}{advice}")
    lines.append("Considered:")
    width = max(len(seen.rule) for seen in verdict.considered)
    lines += [
        f"  {seen.rule:<{width}}  {'decided' if seen.stopped else 'went on'}: {seen.because}"
        for seen in verdict.considered
    ]
    return "\n".join(lines) + "\n"
