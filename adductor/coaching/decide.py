"""The decision: evaluate the rules in order, then choose dose and routine; keep every rule that was considered."""

from __future__ import annotations

from adductor.catalogue.models import Catalogue
from adductor.coaching.dose import why_light
from adductor.coaching.normalise import Facts, facts
from adductor.coaching.routine import choose
from adductor.coaching.rules import RULES
from adductor.coaching.situation import Considered, Decision, Dose, Placement, Situation, Verdict


def decide(situation: Situation, catalogue: Catalogue) -> Verdict:
    """Decide the prescription for now, its dose and its reason. The same situation always gives the same verdict.

    Times must be aware; nothing else can go wrong: every valid situation has an answer. ``details`` of a ``post_run``
    holds ``activity_id``, the file of the run that it follows.
    """
    seen = facts(situation)
    considered: list[Considered] = []
    for rule in RULES:
        finding = rule.look(seen)
        considered.append(Considered(rule.name, finding.decision is not None, finding.because))
        if finding.decision is not None:
            return _verdict(seen, rule.name, finding.decision, finding.reason, tuple(considered), catalogue)
    raise AssertionError("the last rule always decides")


def _verdict(
    seen: Facts, rule: str, decision: Decision, why: str, considered: tuple[Considered, ...], catalogue: Catalogue
) -> Verdict:
    if decision in (Decision.NONE, Decision.REFER):
        return Verdict(decision, Dose.NONE, rule, why, considered)
    placement = Placement(decision)
    if placement is Placement.WARM_UP:
        routine = choose(seen, catalogue, placement, Dose.ACTIVATION)
        return Verdict(decision, Dose.ACTIVATION, rule, why, considered, routine)
    light = why_light(seen)
    dose = Dose.FULL if light is None else Dose.LIGHT
    routine = choose(seen, catalogue, placement, dose)
    less = f"kept light: {light}" if light is not None else routine.remark
    reason = f"{why}; {less}." if less is not None else f"{why}."
    return Verdict(decision, dose, rule, reason, considered, routine, light, _details(seen))


def _details(seen: Facts) -> dict[str, str]:
    run = seen.trigger_run
    if run is None:
        return {}
    event_id = seen.situation.event.activity_id
    return {"activity_id": event_id if event_id is not None and event_id in run.ids else run.ids[-1]}
