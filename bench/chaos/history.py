"""One text of one activity from its first to its last version: what each writer did to it, and whether the words outside
our block ever changed under our hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bench.chaos import texts
from bench.chaos.runners import Activity

# The product promises to read again what is older than two seconds (FRESH_FOR); a loaded machine adds to that.
_WRITE_FOLLOWS_READ_WITHIN_S = 3.5
_EPSILON_S = 0.05
_KILL_WITHIN_S = 4.0


@dataclass
class Wire:
    """The calls by activity, in real seconds."""

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
        """The PUT during which something was written at that (real) time."""
        found = [
            call
            for call in self._by_activity.get(activity, [])
            if call["endpoint"] == "activities.update"
            and _begin(call) <= at + _EPSILON_S
            and at <= _end(call) + _EPSILON_S
        ]
        return min(found, key=lambda call: abs(_begin(call) - at), default=None)

    def read_before(self, write: dict[str, Any]) -> dict[str, Any] | None:
        """The last answer with the activity's texts that had come before that write went out."""
        return next(reversed(self.reads_before(write)), None)

    def reads_before(self, write: dict[str, Any]) -> list[dict[str, Any]]:
        """All such answers, the last one last."""
        found = [
            call
            for call in self._by_activity.get(write["activity_id"], [])
            if call["status"] == 200 and call["id"] != write["id"] and _end(call) <= _begin(write) + _EPSILON_S
        ]
        return sorted(found, key=_end)

    def unknown_to_us(self, write: dict[str, Any] | None) -> bool:
        """Whether we may never have stored that this write arrived: its answer went wrong, or a worker died over it."""
        if write is None or write["status"] != 200 or any(write["faults"]):
            return True
        return any(
            _begin(write) - _EPSILON_S <= at <= _end(write) + _KILL_WITHIN_S
            for at, name in self.killed_at
            if name.startswith("worker")
        )


def _begin(call: dict[str, Any]) -> float:
    return float(call["real_s"])


def _end(call: dict[str, Any]) -> float:
    return float(call["real_s"]) + float(call["ms"]) / 1000


class FieldHistory:
    """One text. ``counts`` says what was found; `check` adds what should not be to a list."""

    def __init__(self, name: str, truth: dict[str, Any], known: Activity, wire: Wire) -> None:
        self.counts: Counter[str] = Counter()
        self._name, self._truth, self._known, self._wire = name, truth, known, wire
        self._edits = [edit for edit in truth["edits"] if edit["field"] == name]
        self._states = [_text(self._edits[0]["before"] if self._edits else truth[name])]
        self._states += [_text(edit["after"]) for edit in self._edits]

    def check(self, broken: list[str]) -> None:
        ours_above = False  # whether a blank line of ours stands before our block
        above_then = False  # and whether it did when somebody else last wrote
        excused = touched = False
        written_by: dict[str, Any] | None = None
        for number, edit in enumerate(self._edits):
            before, after = self._states[number], self._states[number + 1]
            if not edit["author"].startswith("app "):
                self.counts["edits by runners" if edit["author"] == "runner" else "edits by other apps"] += 1
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
            self._count_between(edit, write)
            if touched:
                if self._wire.unknown_to_us(written_by):
                    self.counts["notes taken away before we knew of them"] += 1
                else:
                    broken.append(
                        f"{self._where(edit)}: written again after the runner had edited or taken away our note"
                    )
            if not texts.same_words(before, sent, blank_line_is_ours=ours_above):
                excused = True
                self._lost(number, edit, sent, write, ours_above, broken)
            if not texts.blocks(before) and texts.blocks(after):
                # By what we wrote and not by what was there: it may have been cleared between our read and our write.
                ours_above = bool(texts.parts(sent).before)
            if texts.blocks(after):
                written_by = write
        self._last_word(excused, above_then, broken)

    def _last_word(self, excused: bool, ours_above: bool, broken: list[str]) -> None:
        """The text now, against what its author last wrote."""
        saved = next((_text(e["after"]) for e in reversed(self._edits) if e["author"] == "runner"), self._states[0])
        if saved != self._known.saved[self._name]:
            broken.append(
                f"activity {self._truth['id']} {self._name}: its runner remembers another text than Strava's log"
            )
        others = [n for n, edit in enumerate(self._edits) if not edit["author"].startswith("app ")]
        last = self._states[others[-1] + 1] if others else self._states[0]
        now = self._states[-1]
        self.counts["texts"] += 1
        bare = texts.without(last, blank_line_is_ours=ours_above)
        if now == last or any(texts.same_words(old, now, blank_line_is_ours=ours_above) for old in (last, bare)):
            self.counts["byte for byte as their author last wrote them"] += 1
        elif not excused:
            broken.append(f"activity {self._truth['id']} {self._name}: not as its author last wrote it")

    def _count_between(self, edit: dict[str, Any], write: dict[str, Any] | None) -> None:
        read = self._wire.read_before(write) if write is not None else None
        if read is None:
            return
        at = self._wire.real(edit["at"])
        self.counts["edits that fell between our read and our write"] += sum(
            not other["author"].startswith("app ")
            and _begin(read) <= self._wire.real(other["at"]) <= at
            and other["id"] < edit["id"]
            for other in self._truth["edits"]
            if other["field"] in ("private_note", "description")
        )

    def _lost(
        self,
        number: int,
        edit: dict[str, Any],
        sent: str,
        write: dict[str, Any] | None,
        ours_above: bool,
        broken: list[str],
    ) -> None:
        """Our write took words away. Only excused when each of them was written between our read and our write."""
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
            broken.append(f"{self._where(edit)}: we changed {what} outside our block")
            return
        overwritten = self._edits[base:number]
        since = min(self._wire.real(lost["at"]) for lost in overwritten)
        reads = self._wire.reads_before(write) if write is not None else []
        if write is None or not reads:
            broken.append(f"{self._where(edit)}: no read before this write")
            return
        # Several workers may read: the write follows one that had begun when the first of the lost words came.
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
        self.counts["of which lost"] += sum(not lost["author"].startswith("app ") for lost in overwritten)

    def _where(self, edit: dict[str, Any]) -> str:
        return f"activity {self._truth['id']} {self._name}, edit {edit['id']}"


def _block_changed(before: str, after: str) -> bool:
    return texts.parts(before).block != texts.parts(after).block


def _text(value: Any) -> str:
    return str(value) if value is not None else ""
