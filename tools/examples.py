"""The notes and mails as runners get them, for each placement and dose: `python -m tools.examples docs/examples`.

Made by the coach from made-up runners, so that they change when the words or the routines do.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from zoneinfo import ZoneInfo

from adductor import catalogue, coaching
from adductor.coaching import situation as words
from adductor.mail import messages
from adductor.mail.messages import Frame
from adductor.notes import wording

_NOW = datetime(2026, 11, 18, 17, 30, tzinfo=UTC)
_SITE = "https://coach.example.org"
_PICTURES = "../../adductor/drawings/png"


@dataclass(frozen=True, slots=True)
class Example:
    """One routine as it reaches a runner. ``note`` is None where there is no activity that it is about."""

    name: str
    title: str
    placement: words.Placement
    note: str
    mail: EmailMessage


def _athlete(stage: int, **values: object) -> words.Athlete:
    athlete = words.Athlete(
        timezone=ZoneInfo("UTC"),
        programme_stage=stage,
        sessions_completed_total=12,
        screening_completed=True,
        last_completed_session_date=date(2026, 11, 13),
        programme_started_on=date(2026, 10, 26),
        equipment=frozenset({"long_band", "ball", "chair", "slider", "step", "dumbbell", "hard_floor"}),
    )
    return replace(athlete, **values)  # type: ignore[arg-type]


def _run(start: datetime, minutes: float = 45) -> words.Activity:
    return words.Activity(
        id=f"run-{start:%d}",
        sport="run",
        start=start,
        moving_min=minutes,
        elapsed_min=minutes,
        intensity=words.Intensity.EASY,
        uploaded_at=start + timedelta(minutes=minutes),
    )


def _situation(placement: words.Placement, athlete: words.Athlete, **values: object) -> words.Situation:
    runs = [_run(_NOW - timedelta(days=ahead, hours=2)) for ahead in (2, 4, 6)]
    event = words.Event(words.EventType.CLOCK_TICK)
    if placement is words.Placement.POST_RUN:
        runs.append(_run(_NOW - timedelta(minutes=50)))
        event = words.Event(words.EventType.ACTIVITY_UPLOADED, runs[-1].id)
    elif placement is words.Placement.WARM_UP:
        event = words.Event(words.EventType.RUN_STARTING_SOON)
        values["plan"] = (words.PlannedRun(_NOW + timedelta(minutes=30), "easy"),)
    situation = words.Situation(athlete=athlete, event=event, now=_NOW, activities=tuple(runs))
    return replace(situation, **values)  # type: ignore[arg-type]


def _example(name: str, title: str, placement: words.Placement, athlete: words.Athlete, **values: object) -> Example:
    verdict = coaching.decide(_situation(placement, athlete, **values), catalogue.catalogue())
    if verdict.routine is None:
        raise ValueError(f"example {name}: the coach says {verdict.rule}: {verdict.reason}")
    link = f"{_SITE}/r/Qm3xK7wP2LfAm4ttnq7zc2xo"
    block = wording.note_block(verdict.routine, verdict.reason, link)
    message = messages.routine_mail(
        _frame(),
        public_id="Qm3xK7wP2LfA",
        placement=placement,
        routine=verdict.routine,
        reason=verdict.reason,
        routine_link=link,
        answer_link=lambda said: f"{_SITE}/a/{said}",
    )
    return Example(name, title, placement, wording.with_private_link(block, link), message)


def _frame() -> Frame:
    return Frame(
        sender="Adductor Coach <coach@example.org>",
        to="runner@example.org",
        at=_NOW,
        unsubscribe_link=f"{_SITE}/unsubscribe/token",
        settings_link=f"{_SITE}/settings",
    )


_SORE = (words.CheckIn(_NOW - timedelta(hours=5), hip_groin_pain_0_10=4),)
_POST, _REST, _WARM = words.Placement.POST_RUN, words.Placement.REST_DAY, words.Placement.WARM_UP
_NEW = _athlete(1, sessions_completed_total=0, last_completed_session_date=None)
ALL: tuple[Example, ...] = (
    *(
        _example(f"post-run-level-{stage}", f"After a run, the whole routine of level {stage}", _POST, _athlete(stage))
        for stage in (1, 2, 3, 4)
    ),
    _example("post-run-light", "After a run, light: some pain was reported", _POST, _athlete(2), check_ins=_SORE),
    _example("post-run-first", "After a run, the first session ever", _POST, _NEW),
    _example("rest-day", "On a rest day, the whole routine", _REST, _athlete(2)),
    _example("rest-day-light", "On a rest day, light: some pain was reported", _REST, _athlete(2), check_ins=_SORE),
    _example("warm-up", "Before a run", _WARM, _athlete(2)),
)  # fmt: skip


def letters() -> dict[str, EmailMessage]:
    """The mails that are no routine."""
    referral = _situation(_POST, _athlete(2), check_ins=(replace(_SORE[0], hip_groin_pain_0_10=7),))
    verdict = coaching.decide(referral, catalogue.catalogue())
    return {
        "confirm-address": messages.letter_mail(_frame(), "confirm", key="key", link=f"{_SITE}/confirm-address/token"),
        "referral": messages.letter_mail(_frame(), "refer", key="key", words=verdict.reason, link=f"{_SITE}/home"),
    }


def html_of(message: EmailMessage) -> str:
    """The HTML of a mail for looking at in a browser: its pictures are those of this repository."""
    part = message.get_body(("html",))
    if part is None:
        raise ValueError("the mail has no HTML")
    html: str = part.get_content()
    html = re.sub(r"cid:([a-z0-9-]+)@[a-z.]+", lambda found: f"{_PICTURES}/{found[1].replace('-', '_')}.png", html)
    return html.replace("\r\n", "\n")


def text_of(message: EmailMessage) -> str:
    """The text of a mail under its subject."""
    part = message.get_body(("plain",))
    if part is None:
        raise ValueError("the mail has no text")
    return f"Subject: {message['Subject']}\n\n{part.get_content()}".replace("\r\n", "\n")


def files() -> dict[str, str]:
    """Generate every example file by its name."""
    made: dict[str, str] = {}
    listed = [
        "# What a runner reads",
        "",
        "Made by `python -m tools.examples docs/examples`; a test keeps them current. The HTML mails open in any",
        "browser. A note in a public description is the same without its “Afterwards” line.",
        "",
        "| | note | mail |",
        "|---|---|---|",
    ]
    for example in ALL:
        made[f"{example.name}.mail.html"] = html_of(example.mail)
        made[f"{example.name}.mail.txt"] = text_of(example.mail)
        note = ""
        if example.placement is not _WARM:
            made[f"{example.name}.note.txt"] = f"{example.note}\n"
            note = f"[note]({example.name}.note.txt)"
        mails = f"[HTML]({example.name}.mail.html), [text]({example.name}.mail.txt)"
        listed.append(f"| {example.title} | {note} | {mails} |")
    for name, message in letters().items():
        made[f"{name}.mail.html"], made[f"{name}.mail.txt"] = html_of(message), text_of(message)
        listed.append(f"| {message['Subject']} | | [HTML]({name}.mail.html), [text]({name}.mail.txt) |")
    made["README.md"] = "\n".join([*listed, ""])
    return made


def main(folder: str) -> None:
    """Write all of them into ``folder``."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    for name, contents in files().items():
        (target / name).write_text(contents, encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
