"""Accounting: every promise checked against the sandbox's log and each athlete's own record.

The product's tables are asked for three things only: the keys in the inbox, rows that are not done, ended connections.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bench.chaos import texts
from bench.chaos.calendars import CalendarAthlete
from bench.chaos.population import DUE, TEXTS, Activity, Athlete
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
    """The call log by activity. ``real`` turns simulated into real epoch seconds."""

    calls: list[dict[str, Any]]
    real: Callable[[float], float]
    killed_at: list[tuple[float, str]]
    _by_activity: dict[int, list[dict[str, Any]]] = field(init=False)

    def __post_init__(self) -> None:
        self._by_activity = {}
        for call in self.calls:
            if call["activity_id"] is not None:
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

    def reads_before(self, write: dict[str, Any]) -> list[dict[str, Any]]:
        """Answers with the activity's texts that had come before that write went out, the last one last."""
        found = [
            call
            for call in self._by_activity.get(write["activity_id"], [])
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
    calendars: list[CalendarAthlete] = field(default_factory=list)
    log: Sandbox | None = None  # the made-up intervals.icu
    broken: list[str] = field(default_factory=list)

    def audit(self) -> dict[str, Any]:
        """Check every promise; the figures."""
        delivered = {_key(entry["event"]) for entry in self.deliveries if _answered_200(entry)}
        distinct = {_key(entry["event"]) for entry in self.deliveries}
        figures = {
            "events": self._events(delivered, distinct),
            "notes and texts": self._activities(untold={key[2] for key in distinct - delivered}),
            "calls": self._calls(),
            "intervals.icu": self._calendars() if self.log is not None else {},
        }
        return {**figures, "broken": self.broken}

    def _events(self, delivered: set[EventKey], distinct: set[EventKey]) -> dict[str, Any]:
        answers = Counter(
            str(attempt["status"] or "none") for entry in self.deliveries for attempt in entry["attempts"]
        )
        stored, states = self.rows.event_keys(), self.rows.states()
        if missing := delivered - stored:
            self.broken.append(
                f"{len(missing)} events were answered 200 and are not in the inbox: {sorted(missing)[:5]}"
            )
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

    def _calendars(self) -> dict[str, Any]:
        """One routine for each run that is due one, in whichever log, and what isn't ours as it was."""
        assert self.log is not None  # noqa: S101 - the caller asked
        counts: Counter[str] = Counter()
        notes: Counter[int] = Counter()
        for truth in self.truths.values():
            notes[truth["runner_id"]] += sum(len(texts.blocks(truth[name] or "")) for name in TEXTS)
        given_up = not all(_answered_200(entry) for entry in self.log.deliveries())
        ended = self.rows.not_connected()
        for one in self.calendars:
            one.audit(notes[one.strava_id], untold=given_up, counts=counts, broken=self.broken)
            if one.external_id in ended:
                self.broken.append(f"{one.person.kind} athlete {one.external_id} was taken for gone and never left")
        calls, over = Counter(call["endpoint"] for call in self.log.calls()), self.log.ask("GET", "state")["limits"]
        if over["over_limit"] or calls["events.delete_range"]:
            self.broken.append(f"intervals.icu: {over['over_limit']} calls over a limit, or a range deleted: {calls}")
        return {**counts, "calls": dict(calls)}

    def _lost_connections(self) -> set[int]:
        """Athletes who never left and are not connected: excused only by a worker killed during a token renewal."""
        of_strava = {one.strava_id for one in self.athletes}
        ended, left = self.rows.not_connected() & of_strava, {one.strava_id for one in self.athletes if one.left}
        lost = set()
        for number in ended - left:
            renewals = [
                _begin(call)
                for call in self.wire.calls
                if call["endpoint"] == "oauth.token" and call["runner_id"] == number
            ]
            if any(self.wire.worker_killed(at - _KILL_NEAR_RENEWAL_S, at + _KILL_NEAR_RENEWAL_S) for at in renewals):
                lost.add(number)
            else:
                self.broken.append(f"athlete {number} was taken for gone and never left ({len(renewals)} renewals)")
        for one in self.athletes:
            returned = any(act.what == "return" for act in one.person.acts)
            if one.left and not returned and one.strava_id not in ended:
                self.broken.append(f"athlete {one.strava_id} left and still counts as connected")
        return lost

    def _activities(self, *, untold: set[int]) -> dict[str, int]:
        """``untold``: activities of which at least one event was never answered 200."""
        counts: Counter[str] = Counter()
        lost, without = self._lost_connections(), self._without_private_notes()
        for athlete in self.athletes:
            for number, known in athlete.activities.items():
                truth = self.truths[known.id]
                here: Counter[str] = Counter()
                for name in TEXTS:
                    history = FieldHistory(name, truth, known, self.wire)
                    history.check(self.broken)
                    here.update(history.counts)
                counts.update(here)
                self._at_no_time(athlete, truth)
                later = athlete.activities.get(1, known)  # takes a routine over, when its event comes
                excused = athlete.strava_id in lost or bool({known.id, later.id} & untold)
                if known.touched == "take away" and here["notes taken away before we knew of them"]:
                    excused = True
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
        stand = sum(len(texts.blocks(truth[name] or "")) for name in TEXTS)
        allowed = _allowed(athlete, number, truth, known)
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
        now = {name: _first(truth, name) for name in TEXTS}
        for edit in truth["edits"]:
            if edit["field"] not in now:
                continue
            now[edit["field"]] = edit["after"] or ""
            if not edit["author"].startswith("app "):
                continue
            count = sum(len(texts.blocks(text)) for text in now.values())
            if count > 1:
                self.broken.append(f"activity {truth['id']} had {count} notes after edit {edit['id']}")
                return
            if athlete.person.kind != "public" and edit["field"] == "description" and texts.blocks(now["description"]):
                self.broken.append(f"activity {truth['id']}: a private note was made public by edit {edit['id']}")
                return


def _key(event: dict[str, Any]) -> EventKey:
    names = ("subscription_id", "object_type", "object_id", "aspect_type", "event_time")
    subscription, kind, number, aspect, at = (event[name] for name in names)
    return subscription, kind, number, aspect, at


def _answered_200(delivery: dict[str, Any]) -> bool:
    return any(attempt["status"] == 200 for attempt in delivery["attempts"])


def _first(truth: dict[str, Any], name: str) -> str:
    first = next((edit["before"] for edit in truth["edits"] if edit["field"] == name), truth[name])
    return first or ""


def _allowed(athlete: Athlete, number: int, truth: dict[str, Any], known: Activity) -> tuple[int, ...]:
    """How many notes the activity may have, by its athlete's kind and acts."""
    if truth["deleted"]:
        return (0, 1)
    if known.touched is not None:
        return (1,) if known.touched == "tamper" else (0,)
    kind = athlete.person.kind
    if kind == "leaver" and number == 0:
        return (0, 1)  # recorded before they left: a race
    return (1,) if DUE.get(kind) == number and truth["sport_type"] == "Run" else (0,)


class FieldHistory:
    """One text from its first to its last version: whether words outside our block ever changed by our writes."""

    def __init__(self, name: str, truth: dict[str, Any], known: Activity, wire: Wire) -> None:
        self.counts: Counter[str] = Counter()
        self._name, self._truth, self._known, self._wire = name, truth, known, wire
        self._edits = [edit for edit in truth["edits"] if edit["field"] == name]
        self._states = [_text(self._edits[0]["before"] if self._edits else truth[name])]
        self._states += [_text(edit["after"]) for edit in self._edits]

    def check(self, broken: list[str]) -> None:
        """Check each write of ours, then the last version; add broken promises to the list."""
        ours_above = False  # whether a blank line of ours stands before our block
        above_then = False  # and whether it did at the last edit by others
        excused = touched = False
        written_by: dict[str, Any] | None = None
        for number, edit in enumerate(self._edits):
            before, after = self._states[number], self._states[number + 1]
            if not edit["author"].startswith("app "):
                self.counts["edits by athletes and other apps"] += 1
                excused = False
                gone = texts.blocks(before) and not texts.blocks(after)
                touched = touched or (
                    edit["author"] == "runner" and self._known.touched is not None and _block_changed(before, after)
                )
                if gone and touched:
                    ours_above = False
                above_then = ours_above
                continue
            sent = _text(edit["sent"] if edit["sent"] is not None else edit["after"])
            self.counts["texts written by us"] += 1
            if edit["sent"] is not None:
                self.counts["of them altered by Strava on the way"] += 1
                excused = True
            write = self._wire.write(self._truth["id"], self._wire.real(edit["at"]))
            if touched:
                if self._wire.unconfirmed(written_by):
                    self.counts["notes taken away before we knew of them"] += 1
                else:
                    broken.append(
                        f"{self._where(edit)}: written again after the athlete had edited or taken away our note"
                    )
            if not texts.same_words(before, sent, blank_line_is_ours=ours_above):
                excused = True
                self._account_for_loss(number, edit, sent, write, ours_above, broken)
            if not texts.blocks(before) and texts.blocks(after):
                # By the text sent: the words above may have been cleared between our read and our write.
                ours_above = bool(texts.parts(sent).before)
            if texts.blocks(after):
                written_by = write
        self._check_last(excused, above_then, broken)

    def _check_last(self, excused: bool, ours_above: bool, broken: list[str]) -> None:
        saved = next((_text(e["after"]) for e in reversed(self._edits) if e["author"] == "runner"), self._states[0])
        where = f"activity {self._truth['id']} {self._name}"
        if saved != self._known.saved[self._name]:
            broken.append(f"{where}: its athlete remembers another text than Strava's log")
        others = [n for n, edit in enumerate(self._edits) if not edit["author"].startswith("app ")]
        last, now = self._states[others[-1] + 1] if others else self._states[0], self._states[-1]
        self.counts["texts"] += 1
        bare = texts.without(last, blank_line_is_ours=ours_above)
        if now == last or any(texts.same_words(old, now, blank_line_is_ours=ours_above) for old in (last, bare)):
            self.counts["byte for byte as their author last wrote them"] += 1
        elif not excused:
            broken.append(f"{where}: not as its author last wrote it")

    def _account_for_loss(
        self,
        number: int,
        edit: dict[str, Any],
        sent: str,
        write: dict[str, Any] | None,
        ours_above: bool,
        broken: list[str],
    ) -> None:
        """Our write took words away: excused only when all of them were written between our read and our write."""
        base = next(
            (
                state
                for state in range(number, -1, -1)
                if any(texts.same_words(self._states[state], sent, blank_line_is_ours=flag) for flag in (True, False))
            ),
            None,
        )
        if base is None or base == number:
            what = "a blank line" if base == number else "words"
            changed = f"{self._states[number]!r} became {sent!r}"
            broken.append(f"{self._where(edit)}: we changed {what} outside our block: {changed}")
            return
        overwritten = self._edits[base:number]
        since = min(self._wire.real(lost["at"]) for lost in overwritten)
        reads = self._wire.reads_before(write) if write is not None else []
        if write is None or not reads:
            broken.append(f"{self._where(edit)}: no read before this write")
            return
        # Several workers may read: the write follows a read that had begun when the first of the lost words came.
        followed = [
            read
            for read in reads
            if _begin(read) <= since + _EPSILON_S and _begin(write) - _end(read) <= _WRITE_FOLLOWS_READ_WITHIN_S
        ] or [read for read in reads[-1:] if since >= _begin(read) - _EPSILON_S]
        gap_s = _begin(write) - _end((followed or reads)[-1])
        if not followed or gap_s > _WRITE_FOLLOWS_READ_WITHIN_S:
            broken.append(
                f"{self._where(edit)}: overwrote words that stood there {_begin(write) - since:.2f} s before the write "
                f"(call {write['id']}), which came {gap_s:.2f} s after its read (call {(followed or reads)[-1]['id']})"
            )
            return
        lost = sum(not entry["author"].startswith("app ") for entry in overwritten)
        self.counts["edits lost between our read and our write"] += lost

    def _where(self, edit: dict[str, Any]) -> str:
        return f"activity {self._truth['id']} {self._name}, edit {edit['id']}"


def _block_changed(before: str, after: str) -> bool:
    return texts.parts(before).block != texts.parts(after).block


def _text(value: Any) -> str:
    return str(value) if value is not None else ""
