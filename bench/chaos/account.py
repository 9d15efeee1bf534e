"""The books, kept apart from the product: what the sandbox knows happened, what each runner knows they wrote, and what
follows from the two. The product's own tables are asked only for what is left undone and what is in the inbox."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select

from adductor.installation import Installation
from adductor.store.models import Athlete, Delivery, InboxEvent, Letter
from bench.chaos import texts
from bench.chaos.history import FieldHistory, Wire
from bench.chaos.plan import Plan
from bench.chaos.runners import TEXTS, Activity, Runner, Town

_DESERVING = {"plain": 0, "history": 0, "public": 0, "twice": 1, "leaver": 1}
# A kill this long before or after Strava gave out a new token may have kept us from storing it.
_KILL_NEAR_S = 3.0


@dataclass
class Books:
    """Everything that is looked at. ``clock`` is (real, simulated) at one moment, epoch seconds."""

    plan: Plan
    town: Town
    installation: Installation
    truths: dict[int, dict[str, Any]]
    calls: list[dict[str, Any]]
    deliveries: list[dict[str, Any]]
    limits: dict[str, Any]
    faults: dict[int, str]
    killed_at: list[tuple[float, str]]
    clock: tuple[float, float]
    broken: list[str] = field(default_factory=list)

    def real(self, simulated: float) -> float:
        return self.clock[0] + (simulated - self.clock[1]) / self.plan.speed


def audit(books: Books) -> dict[str, Any]:
    """All figures, and under ``broken`` every promise that was not kept, with the ids that show it."""
    events = _events(books)
    told = _told(books)
    lost = _lost_connections(books)
    texts_kept, notes = _texts_and_notes(books, told, lost)
    calls = Counter(call["endpoint"] for call in books.calls)
    hit = Counter(books.faults.get(number, "?") for call in books.calls for number in call["faults"])
    over = books.limits["over_limit"]
    if over:
        late = [call["id"] for call in books.calls if call["over_limit"]]
        books.broken.append(f"{over} calls went out although the window was spent: calls {late[:10]}")
    return {
        "runners": len(books.town.runners),
        "events": events,
        "notes": notes,
        "texts": texts_kept,
        "calls": {**dict(sorted(calls.items())), "all": len(books.calls)},
        "faults met by calls": dict(sorted(hit.items())),
        "rate limit": {
            "calls a window": books.limits["read"]["limit"][0],
            "fullest window": books.limits["peak"].get("read_15min", 0),
            "windows": _windows(books),
            "over the limit": over,
        },
        "broken": books.broken,
    }


def _key(event: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(event[name] for name in ("subscription_id", "object_type", "object_id", "aspect_type", "event_time"))


def _windows(books: Books) -> str:
    """How many windows there were, and in how many more than four fifths of the calls were made."""
    used = Counter(
        int(call["at"] // 900) for call in books.calls if call["runner_id"] and call["endpoint"] != "oauth.token"
    )
    limit = books.limits["read"]["limit"][0]
    return f"{len(used)}, of which {sum(count > 0.8 * limit for count in used.values())} nearly or wholly spent"


def _events(books: Books) -> dict[str, Any]:
    answers: Counter[str] = Counter()
    for delivery in books.deliveries:
        for attempt in delivery["attempts"]:
            answers[str(attempt["status"] or "none")] += 1
    distinct = {_key(delivery["event"]) for delivery in books.deliveries}
    taken = {
        _key(delivery["event"])
        for delivery in books.deliveries
        if any(attempt["status"] == 200 for attempt in delivery["attempts"])
    }
    with books.installation.store.read() as session:
        columns = (InboxEvent.subscription_id, InboxEvent.object_type, InboxEvent.object_id, InboxEvent.aspect_type)
        stored = {
            (*row[:4], int(row[4].timestamp())) for row in session.execute(select(*columns, InboxEvent.event_time))
        }
        undone = {
            table.__tablename__: dict(session.execute(select(table.state, func.count()).group_by(table.state)).all())
            for table in (InboxEvent, Delivery, Letter)
        }
        failed = session.execute(
            select(InboxEvent.object_id, InboxEvent.problem).where(InboxEvent.state != "done").limit(10)
        )
        examples = [f"{number}: {problem}" for number, problem in failed]
    missing = taken - stored
    if missing:
        books.broken.append(f"{len(missing)} events were answered 200 and are not in the inbox: {sorted(missing)[:5]}")
    for table, states in undone.items():
        left = {state: count for state, count in states.items() if state != "done"}
        if left:
            books.broken.append(f"{table} not at their end: {left} {examples if table == 'inbox_events' else ''}")
    return {
        "sent": len(books.deliveries),
        "attempts": sum(answers.values()),
        "distinct": len(distinct),
        "copies of another": len(books.deliveries) - len(distinct),
        "answers": dict(sorted(answers.items())),
        "given up by Strava (never answered 200)": len(distinct - taken),
        "answered 200 and in the inbox": len(taken & stored),
        "handled": undone["inbox_events"].get("done", 0),
    }


def _told(books: Books) -> set[int]:
    """Activities of which we were told at least once."""
    return {
        delivery["event"]["object_id"]
        for delivery in books.deliveries
        if delivery["event"]["object_type"] == "activity"
        and any(attempt["status"] == 200 for attempt in delivery["attempts"])
    }


def _lost_connections(books: Books) -> set[int]:
    """Runners (their Strava ids) who never left and are not connected: only ever because whoever fetched their new token
    was killed before it could be stored."""
    with books.installation.store.read() as session:
        rows = session.execute(select(Athlete.platform_athlete_id).where(Athlete.status != "connected")).scalars()
        disconnected = set(rows)
    left = {runner.strava_id for runner in books.town.runners if runner.left_at}
    lost = set()
    for runner in disconnected - left:
        renewals = [call for call in books.calls if call["endpoint"] == "oauth.token" and call["runner_id"] == runner]
        near = any(
            abs(at - call["real_s"]) < _KILL_NEAR_S and name.startswith("worker")
            for call in renewals
            for at, name in books.killed_at
        )
        if near:
            lost.add(runner)
        else:
            books.broken.append(f"runner {runner} was taken for gone and never left ({len(renewals)} renewals)")
    stayed = sum(1 for runner in books.town.runners if runner.left_at and runner.strava_id not in disconnected)
    back = sum(1 for r in books.town.runners if r.left_at and any(a.what == "return" for a in r.person.acts))
    if stayed > back:
        books.broken.append(f"{stayed - back} runners left and still count as connected")
    return lost


def _expected(runner: Runner, number: int, truth: dict[str, Any], known: Activity) -> tuple[int, ...]:
    """How many notes the activity may have, by what its runner is like and did."""
    if truth["deleted"]:
        return (0, 1)
    if known.touched is not None:
        return (1,) if known.touched == "tamper" else (0,)
    if runner.person.kind == "leaver" and number == 0:
        return (0, 1)  # recorded before they left: whoever was faster
    deserves = _DESERVING.get(runner.person.kind) == number and truth["sport_type"] == "Run"
    return (1,) if deserves else (0,)


def _texts_and_notes(books: Books, told: set[int], lost: set[int]) -> tuple[dict[str, Any], dict[str, Any]]:
    wire = Wire(books.calls, books.real, books.killed_at)
    kept: Counter[str] = Counter()
    notes: Counter[str] = Counter()
    for runner in books.town.runners:
        for number, known in runner.activities.items():
            truth = books.truths[known.id]
            here: Counter[str] = Counter()
            for name in TEXTS:
                history = FieldHistory(name, truth, known, wire)
                history.check(books.broken)
                here.update(history.counts)
            kept.update(here)
            _never_two(books, truth)
            stand = sum(len(texts.blocks(truth[name] or "")) for name in TEXTS)
            allowed = _expected(runner, number, truth, known)
            later = runner.activities.get(1)
            if runner.person.kind == "twice" and number == 0 and later is not None and later.id not in told:
                allowed = (0, 1)  # the run that should have taken the routine over was never announced to us
            rewritten = known.touched == "take away" and stand == 1 and here["notes taken away before we knew of them"]
            notes["activities"] += 1
            notes["notes that stand"] += stand
            notes["due and there"] += allowed == (1,) and stand == 1
            notes["not due and not there"] += allowed == (0,) and stand == 0
            if stand in allowed or rewritten:
                continue
            if known.id not in told or runner.strava_id in lost:
                notes["of which nobody told us" if known.id not in told else "connection lost in a kill"] += 1
                continue
            books.broken.append(
                f"activity {known.id} ({runner.person.kind} runner {runner.strava_id}, number {number}, "
                f"{truth['sport_type']}) has {stand} notes instead of {allowed[0]}"
            )
    notes["connections lost to a kill during a renewal"] = len(lost)
    return dict(kept), dict(notes)


def _never_two(books: Books, truth: dict[str, Any]) -> None:
    """At no time did two notes of ours stand in one activity."""
    now = {name: _first(truth, name) for name in TEXTS}
    for edit in truth["edits"]:
        if edit["field"] not in now:
            continue
        now[edit["field"]] = edit["after"] or ""
        count = sum(len(texts.blocks(text)) for text in now.values())
        if count > 1 and edit["author"].startswith("app "):
            books.broken.append(f"activity {truth['id']} had {count} notes after edit {edit['id']} ({edit['field']})")
            return


def _first(truth: dict[str, Any], name: str) -> str:
    first = next((edit["before"] for edit in truth["edits"] if edit["field"] == name), truth[name])
    return first or ""
