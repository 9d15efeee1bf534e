"""`adductor decide`: the decisions for the scenarios in a file, each with its reasons."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from adductor.catalogue import catalogue
from adductor.coaching import decide as decide_for
from adductor.coaching.situation import Routine, RoutineItem, Verdict
from adductor.documents import DocumentError, documents
from adductor.scenario import parse


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
    try:
        with click.open_file(file, encoding="utf-8") as stream:
            text = stream.read()
    except (OSError, UnicodeDecodeError) as error:
        _fail([f"{_named(file)} can't be read: {error}"])
    texts, problems, count = _answer(text, as_json)
    if problems:
        _fail([f"scenario {index + 1}: {problem}" if count > 1 else problem for index, problem in problems])
    if not texts:
        _fail([f"{_named(file)} holds no scenario"])
    between = "" if as_json else "\n"
    click.echo(between.join(texts), nl=False)


def _named(file: str) -> str:
    return "standard input" if file == "-" else file


def _fail(problems: list[str]) -> None:
    for problem in problems:
        click.echo(f"adductor decide: {problem}", err=True)
    sys.exit(1)


def _answer(text: str, as_json: bool) -> tuple[list[str], list[tuple[int, str]], int]:
    """Decide every scenario of a file. Returns the texts, the problems with the index of their scenario, the count."""
    texts: list[str] = []
    problems: list[tuple[int, str]] = []
    count = 0
    known = catalogue()
    try:
        for document in documents(text):
            count += 1
            try:
                situation = parse(document)
            except DocumentError as error:
                problems += [(count - 1, problem) for problem in error.problems]
                continue
            if not problems:
                verdict = decide_for(situation, known)
                texts.append(json.dumps(as_object(verdict)) + "\n" if as_json else _in_words(verdict))
    except DocumentError as error:  # the text itself can't be read on from here
        problems += [(count, problem) for problem in error.problems]
        count += 1
    return texts, problems, count


def as_object(verdict: Verdict) -> dict[str, Any]:
    """A verdict as the object that scripts read. ``routine`` is None without a dose."""
    return {
        "decision": verdict.decision.value,
        "dose": verdict.dose.value,
        "rule": verdict.rule,
        "reason": verdict.reason,
        "considered": [
            {"rule": seen.rule, "stopped": seen.stopped, "because": seen.because} for seen in verdict.considered
        ],
        "routine": None if verdict.routine is None else _routine(verdict.routine),
    }


def _routine(routine: Routine) -> dict[str, Any]:
    return {"id": routine.id, "minutes": routine.minutes, "items": [_item(item) for item in routine.items]}


def _item(item: RoutineItem) -> dict[str, Any]:
    shown: dict[str, Any] = {"exercise": item.exercise, "sets": item.sets}
    if item.reps is not None:
        shown["reps"] = item.reps
    else:
        shown |= {"holds": item.holds, "hold_s": item.hold_s}
    shown["per_side"] = item.per_side
    if item.positions > 1:
        shown["positions"] = item.positions
    if item.substituted_for is not None:
        shown["substituted_for"] = item.substituted_for
    return shown


def _in_words(verdict: Verdict) -> str:
    dose = "" if verdict.dose.value == "none" else f", {verdict.dose.value}"
    lines = [f"{verdict.decision.value}{dose} (rule {verdict.rule})", f"Why: {verdict.reason}"]
    routine = verdict.routine
    if routine is not None:
        lines.append(f"Routine {routine.id}, {routine.minutes} min:")
        names = catalogue().exercises
        lines += [f"  {i}. {names[item.exercise].name}: {_amount(item)}" for i, item in enumerate(routine.items, 1)]
    lines.append("Considered:")
    width = max(len(seen.rule) for seen in verdict.considered)
    for seen in verdict.considered:
        lines.append(f"  {seen.rule:<{width}}  {'decided' if seen.stopped else 'went on'}: {seen.because}")
    return "\n".join(lines) + "\n"


def _amount(item: RoutineItem) -> str:
    """``2 x 12 each side``, ``3 x 3 x 5 s each side``."""
    if item.reps is not None:
        amount = f"{item.sets} x {item.reps}"
    else:
        holds = "" if item.holds == 1 else f"{item.holds} x "
        amount = f"{item.sets} x {holds}{item.hold_s} s" + (" each" if item.positions > 1 else "")
    return f"{amount} each side" if item.per_side else amount
