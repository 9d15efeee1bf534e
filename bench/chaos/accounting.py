"""Accounting: every promise checked against the sandbox's log and each athlete's own record.

The product's tables are asked for three things only: the keys in the inbox, rows that are not done, ended connections.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from bench.chaos import texts
from bench.chaos.population import TEXTS, Activity, Athlete, is_ours
from bench.rows import EventKey, Rows
from bench.sandbox import Sandbox

# The product reads again what is older than two seconds; a loaded machine adds to that.
_WRITE_FOLLOWS_READ_WITHIN_S = 3.5
_EPSILON_S = 0.05
# A worker killed this soon after a write may not have stored that it arrived.
_KILL_AFTER_WRITE_S = 4.0
# A kill this near to the grant of a new token may have kept it from being stored.
_KILL_NEAR_RENEWAL_S = 3.0


@dataclass
class Wire:
    """Strava's call log. ``real`` turns simulated into real epoch seconds."""

    calls: list[dict[str, Any]]
    real: Callable[[float], float]
    killed_at: list[tuple[float, str]]
    _by_activity: dict[int, list[dict[str, Any]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for call in self.calls:
            self._by_activity.setdefault(call["activity_id"], []).append(call)

    def write(self, activity: int, at: float) -> dict[str, Any] | None:
        """The PUT that was under way at that (real) time."""
        found = [
            call
            for call in self._by_activity.get(activity, [])
            if call["endpoint"] == "activities.update"
            and _begin(call) <= at + _EPSILON_S
            and at <= _end(call) + _EPSILON_S
        ]
        return min(found, key=lambda call: abs(_begin(call) - at), default=None)

    def reads_before(self, write: dict[str, Any] | None) -> list[dict[str, Any]]:
        """Answers with the activity's texts that had come before that write went out, the last one last."""
        if write is None:
            return []
        found = [
            call
            for call in self._by_activity[write["activity_id"]]
            if call["status"] == 200 and call["id"] != write["id"] and _end(call) <= _begin(write) + _EPSILON_S
        ]
        return sorted(found, key=_end)

    def unconfirmed(self, write: dict[str, Any] | None) -> bool:
        """Whether the product may not know that this write arrived: a lost answer, or a worker killed over it."""
        if write is None or write["status"] != 200 or any(write["faults"]):
            return True
        return self.worker_killed(_begin(write) - _EPSILON_S, _end(write) + _KILL_AFTER_WRITE_S)

    def worker_killed(self, since: float, until: float) -> bool:
        """Whether a worker was killed in that time."""
        return any(since <= at <= until for at, part in self.killed_at if part == "worker")


def _begin(call: dict[str, Any]) -> float:
    return float(call["real_s"])


def _end(call: dict[str, Any]) -> float:
    return float(call["real_s"]) + float(call["ms"]) / 1000


@dataclass
class Accounts:
    """Everything that the accounting looks at; ``broken`` collects promises that were not kept."""

    athletes: list[Athlete]
    rows: Rows
    truths: dict[int, dict[str, Any]]
    deliveries: list[dict[str, Any]]
    limits: dict[str, Any]
    wire: Wire
    without_private_notes: list[tuple[float, float]]  # real, from and until
    icu: Sandbox | None = None
    broken: list[str] = field(default_factory=list)

    def audit(self) -> dict[str, Any]:
        """Check every promise; the figures."""
        delivered = {_key(entry["event"]) for entry in self.deliveries if _answered_200(entry)}
        distinct = {_key(entry["event"]) for entry in self.deliveries}
        lost = self._lost_connections()
        figures = {
            "events": self._events(delivered, distinct),
            "notes and texts": self._activities({key[2] for key in distinct - delivered}, lost),
            "calls": self._calls(),
            "intervals.icu": self._calendars(self.icu) if self.icu is not None else {},
        }
        return {**figures, "broken": self.broken}

    def _events(self, delivered: set[EventKey], distinct: set[EventKey]) -> dict[str, Any]:
        answers = Counter(str(each["status"] or "none") for entry in self.deliveries for each in entry["attempts"])
        stored, states = self.rows.event_keys(), self.rows.states()
        if lost := sorted(delivered - stored):
            self.broken.append(f"{len(lost)} events were answered 200 and are not in the inbox: {lost[:5]}")
        for queue, counts in states.items():
            if left := {state: count for state, count in counts.items() if count and state not in ("done", "resting")}:
                self.broken.append(f"rows of {queue} are not done: {left}")
        return {
            "deliveries": len(self.deliveries),
            "distinct": len(distinct),
            "answers": dict(sorted(answers.items())),
            "never answered 200": len(distinct - delivered),
            "answered 200 and in the inbox": len(delivered & stored),
            "handled": states["inbox_events"]["done"],
            "waiting for an athlete whose connection rests": states["inbox_events"]["resting"],
        }

    def _calls(self) -> dict[str, Any]:
        calls = self.wire.calls
        if over := self.limits["over_limit"]:
            late = [call["id"] for call in calls if call["over_limit"]]
            self.broken.append(f"{over} calls went out although the window was spent: calls {late[:10]}")
        return {
            **Counter(call["endpoint"] for call in calls),
            "all": len(calls),
            "over the limit": over,
            "fullest window": f"{self.limits['peak'].get('read_15min', 0)} of {self.limits['read']['limit'][0]}",
            "faults met": sum(len(call["faults"]) for call in calls),
        }

    def _lost_connections(self) -> set[int]:
        """Exactly those who left are not connected. Others: excused only by a worker killed during a token renewal."""
        renewals = [call for call in self.wire.calls if call["endpoint"] == "oauth.token"]
        near = _KILL_NEAR_RENEWAL_S
        killed = {
            call["runner_id"] for call in renewals if self.wire.worker_killed(_begin(call) - near, _begin(call) + near)
        }
        ended, lost = self.rows.not_connected(), set()
        for athlete in self.athletes:
            number = athlete.external_id
            if number in ended and not athlete.left and number in killed:
                lost.add(number)
            elif (number in ended) is not athlete.left:
                self.broken.append(f"athlete {number}: left is {athlete.left}, connection ended is {number in ended}")
        return lost

    def _activities(self, untold: set[int], lost: set[int]) -> dict[str, int]:
        """``untold``: activities of which at least one event was never answered 200; ``lost``: connections."""
        counts: Counter[str] = Counter()
        without = self._without_private_notes()
        for athlete in self.athletes:
            for number, known in () if athlete.kind.has_calendar else athlete.activities.items():
                truth, here = self.truths[known.id], Counter[str]()
                for name in TEXTS:
                    history = FieldHistory(name, truth, known, self.wire)
                    history.check(self.broken)
                    here.update(history.counts)
                counts.update(here)
                self._at_no_time(athlete, truth)
                later = athlete.activities.get(1, known)  # takes a routine over, when its event comes
                excused = athlete.strava_id in lost or bool({known.id, later.id} & untold)
                excused |= known.touched == "take away" and here[_TAKEN_AWAY_UNKNOWN] > 0
                elsewhere = athlete.person.kind != "public" and athlete.strava_id in without
                self._note_where_due(athlete, number, counts, excused=excused, elsewhere=elsewhere)
        counts["connections lost to a kill during a renewal"] = len(lost)
        return dict(counts)

    def _without_private_notes(self) -> set[int]:
        """Athletes of whom a call was made while private notes did not work: their notes may go elsewhere."""
        return {
            call["runner_id"]
            for call in self.wire.calls
            if any(begin <= _begin(call) <= end for begin, end in self.without_private_notes)
        }

    def _note_where_due(
        self, athlete: Athlete, number: int, counts: Counter[str], *, excused: bool, elsewhere: bool
    ) -> None:
        known = athlete.activities[number]
        truth = self.truths[known.id]
        stand, allowed = _notes(truth), _allowed(athlete, number, truth, known)
        counts["activities"] += 1
        counts["due and there"] += allowed == (1,) and stand == 1
        counts["not due and not there"] += allowed == (0,) and stand == 0
        if stand in allowed:
            return
        if excused or (elsewhere and stand == 0):
            counts["excused: never told, connection lost in a kill, or private notes did not work"] += 1
            return
        self.broken.append(
            f"activity {known.id} ({athlete.person.kind} athlete {athlete.strava_id}, number {number}, "
            f"{truth['sport_type']}) has {stand} notes instead of {allowed[0]}"
        )

    def _at_no_time(self, athlete: Athlete, truth: dict[str, Any]) -> None:
        """Never two notes in one activity, and never a note in the public description of who chose the private note."""
        now = {name: _text(next(iter(_edits(truth, name)), {"before": truth[name]})["before"]) for name in TEXTS}
        for edit in truth["edits"]:
            if edit["field"] not in now:
                continue
            now[edit["field"]] = _text(edit["after"])
            if not _is_the_products(edit):
                continue
            count = sum(len(texts.blocks(text)) for text in now.values())
            if count > 1:
                self.broken.append(f"activity {truth['id']} had {count} notes after edit {edit['id']}")
                return
            if athlete.person.kind != "public" and edit["field"] == "description" and texts.blocks(now["description"]):
                self.broken.append(f"activity {truth['id']}: a private note was made public by edit {edit['id']}")
                return

    def _calendars(self, icu: Sandbox) -> dict[str, Any]:
        """One routine for each run that is due one, in whichever log, and what isn't ours as it was."""
        counts, notes = Counter[str](), Counter[int]()
        for truth in self.truths.values():
            notes[truth["runner_id"]] += _notes(truth)
        given_up = not all(map(_answered_200, icu.deliveries()))
        for athlete in self.athletes:
            if athlete.kind.has_calendar:
                entries = icu.ask("GET", f"athletes/{athlete.calendar}/events")
                self._calendar(athlete, entries, notes[athlete.strava_id], counts, untold=given_up)
        calls, over = Counter(call["endpoint"] for call in icu.calls()), icu.ask("GET", "state")["limits"]
        if over["over_limit"] or calls["events.delete_range"]:
            self.broken.append(f"intervals.icu: {over['over_limit']} calls over a limit, or a range deleted: {calls}")
        return {**counts, "calls": dict(calls)}

    def _calendar(
        self, athlete: Athlete, entries: list[dict[str, Any]], notes: int, counts: Counter[str], *, untold: bool
    ) -> None:
        """Check a calendar against what its athlete knows. ``notes``: ours in their activities at Strava."""
        fields = {entry["id"]: entry["fields"] for entry in entries}
        ours = {entry["id"]: entry["fields"]["description"] for entry in entries if is_ours(entry)}
        where = f"{athlete.person.kind} athlete {athlete.calendar} of intervals.icu"
        for number, entered in athlete.foreign.items():
            if fields.get(number) != entered:
                self.broken.append(f"{where}: entry {number} isn't ours and was changed")
        for number, text in athlete.touched.items():
            if ours.get(number) != text:
                self.broken.append(f"{where}: entry {number} was the runner's, and was changed")
        runs = {number: known.id for number, known in athlete.activities.items()}
        is_run = all(known.is_run and not known.gone for known in athlete.activities.values())
        stand = len(ours) + notes
        due = int(None not in athlete.touched.values() and (bool(athlete.touched) or is_run))
        counts["athletes of intervals.icu"] += 1
        counts["their entries that aren't ours"] += len(athlete.foreign)
        if stand == due:
            counts["their routine is due and there" if due else "not due and not there"] += 1
        elif untold and stand < due:
            counts["excused: an event was given up"] += 1
        else:
            self.broken.append(f"{where}: {len(ours)} entries and {notes} notes instead of {due}; runs {runs}")


def _key(event: dict[str, Any]) -> EventKey:
    names = ("subscription_id", "object_type", "object_id", "aspect_type", "event_time")
    subscription, kind, number, aspect, at = (event[name] for name in names)
    return subscription, kind, number, aspect, at


def _answered_200(delivery: dict[str, Any]) -> bool:
    return any(attempt["status"] == 200 for attempt in delivery["attempts"])


def _notes(truth: dict[str, Any]) -> int:
    return sum(len(texts.blocks(_text(truth[name]))) for name in TEXTS)


def _allowed(athlete: Athlete, number: int, truth: dict[str, Any], known: Activity) -> tuple[int, ...]:
    """How many notes the activity may have, by its athlete's kind and acts."""
    if truth["deleted"]:
        return (0, 1)
    if known.touched is not None:
        return (1,) if known.touched == "tamper" else (0,)
    if athlete.person.kind == "leaver" and number == 0:
        return (0, 1)  # recorded before they left: a race
    return (1,) if athlete.kind.due == number and truth["sport_type"] == "Run" else (0,)


def _edits(truth: dict[str, Any], name: str) -> Iterator[dict[str, Any]]:
    return (edit for edit in truth["edits"] if edit["field"] == name)


def _is_the_products(edit: dict[str, Any]) -> bool:
    return str(edit["author"]).startswith("app ")


def _text(value: Any) -> str:
    return str(value) if value is not None else ""


_TAKEN_AWAY_UNKNOWN = "notes taken away before we knew of them"


class FieldHistory:
    """One text from its first to its last version: whether words outside our block ever changed by our writes."""

    def __init__(self, name: str, truth: dict[str, Any], known: Activity, wire: Wire) -> None:
        self.counts: Counter[str] = Counter()
        self._known, self._wire, self._id = known, wire, truth["id"]
        self._name, self._edits = name, list(_edits(truth, name))
        self._states = [_text(self._edits[0]["before"] if self._edits else truth[name])]
        self._states += [_text(edit["after"]) for edit in self._edits]
        self._ours_above = False  # whether a blank line of ours stands before our block
        self._above_then = False  # and whether it did at the last edit by others
        self._excused = self._touched = False
        self._written_by: dict[str, Any] | None = None

    def check(self, broken: list[str]) -> None:
        """Check each write of ours, then the last version; add broken promises to the list."""
        for number, edit in enumerate(self._edits):
            if _is_the_products(edit):
                broken += self._ours(number, edit)
            else:
                self._others(number, edit)
        broken += self._last()

    def _others(self, number: int, edit: dict[str, Any]) -> None:
        before, after = self._states[number : number + 2]
        self.counts["edits by athletes and other apps"] += 1
        self._excused = False
        if edit["author"] == "runner" and self._known.touched is not None:
            self._touched |= texts.parts(before).block != texts.parts(after).block
        if self._touched and texts.blocks(before) and not texts.blocks(after):
            self._ours_above = False
        self._above_then = self._ours_above

    def _ours(self, number: int, edit: dict[str, Any]) -> Iterator[str]:
        before, after = self._states[number : number + 2]
        sent = _text(edit["sent"] if edit["sent"] is not None else after)
        where = f"activity {self._id} {self._name}, edit {edit['id']}"
        self.counts["texts written by us"] += 1
        if edit["sent"] is not None:
            self.counts["of them altered by Strava on the way"] += 1
            self._excused = True
        write = self._wire.write(self._id, self._wire.real(edit["at"]))
        if self._touched and self._wire.unconfirmed(self._written_by):
            self.counts[_TAKEN_AWAY_UNKNOWN] += 1
        elif self._touched:
            yield f"{where}: written again after the athlete had edited or taken away our note"
        if not texts.same_words(before, sent, blank_line_is_ours=self._ours_above):
            self._excused = True
            if problem := self._loss(number, sent, write):
                yield f"{where}: {problem}"
        if not texts.blocks(before) and texts.blocks(after):
            # By the text sent: the words above may have been cleared between our read and our write.
            self._ours_above = bool(texts.parts(sent).before)
        if texts.blocks(after):
            self._written_by = write

    def _loss(self, number: int, sent: str, write: dict[str, Any] | None) -> str:
        """Our write took words away: excused only when all of them were written between our read and our write."""
        same = [
            base
            for base in range(number + 1)
            if any(texts.same_words(self._states[base], sent, blank_line_is_ours=flag) for flag in (True, False))
        ]
        if not same or same[-1] == number:
            lost = "a blank line" if same else "words"
            return f"we changed {lost} outside our block: {self._states[number]!r} became {sent!r}"
        overwritten = self._edits[same[-1] : number]
        since = min(self._wire.real(edit["at"]) for edit in overwritten)
        reads = self._wire.reads_before(write)
        if write is None or not reads:
            return "no read before this write"
        # Several workers may read: the write follows a read that had begun when the first of the lost words came.
        if not any(
            _begin(read) <= since + _EPSILON_S and _begin(write) - _end(read) <= _WRITE_FOLLOWS_READ_WITHIN_S
            for read in reads
        ):
            return (
                f"overwrote words that stood there {_begin(write) - since:.2f} s before the write (call {write['id']}), "
                f"which came {_begin(write) - _end(reads[-1]):.2f} s after its read (call {reads[-1]['id']})"
            )
        self.counts["edits lost between our read and our write"] += sum(not _is_the_products(e) for e in overwritten)
        return ""

    def _last(self) -> Iterator[str]:
        where = f"activity {self._id} {self._name}"
        saved = next((_text(e["after"]) for e in reversed(self._edits) if e["author"] == "runner"), self._states[0])
        if saved != self._known.saved[self._name]:
            yield f"{where}: its athlete remembers another text than Strava's log"
        others = [number for number, edit in enumerate(self._edits, start=1) if not _is_the_products(edit)]
        last, now, ours_above = self._states[max(others, default=0)], self._states[-1], self._above_then
        self.counts["texts"] += 1
        bare = texts.without(last, blank_line_is_ours=ours_above)
        if now == last or any(texts.same_words(old, now, blank_line_is_ours=ours_above) for old in (last, bare)):
            self.counts["byte for byte as their author last wrote them"] += 1
        elif not self._excused:
            yield f"{where}: not as its author last wrote it"
