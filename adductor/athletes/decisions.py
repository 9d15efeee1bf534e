"""Decisions as rows: the verdict, a due suggestion and its deliveries, in one transaction."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import Row, Select, func, select, update
from sqlalchemy.orm import Session

from adductor import coaching, metrics
from adductor.athletes import channels, offers, schedule, situations
from adductor.coaching import situation as words
from adductor.coaching.constants import BACK_OFF_AFTER_UNANSWERED
from adductor.installation import Installation
from adductor.notes import wording
from adductor.queue import claims
from adductor.store import after_commit
from adductor.store.models import Athlete, DecisionRecord, Delivery, NoCount, Suggestion

# How many random bytes stand in a routine's address: 12 characters, beyond guessing at any rate a server answers.
_PUBLIC_ID_BYTES = 9

# A race younger than this stands in the log still (it is kept for a week less two hours), if it is one.
_LOG_STILL_HOLDS = timedelta(days=6)
# What is announced stays although these say no: its moment has passed, or another day looks better now.
_NO_REASON_TO_WITHDRAW = ("no_trigger", "warm_up", "back_off", "week_plan")
# Why a suggestion was withdrawn; of these the first can be undone.
REPLACED = "A later routine today took its place."


@dataclass(frozen=True, slots=True)
class Consultation:
    """The coach asked about one athlete: a transaction, the athlete locked in it, and the moment of all its rows (UTC)."""

    session: Session
    installation: Installation
    athlete: Athlete
    now: datetime

    @property
    def today(self) -> date:
        """The athlete's local day."""
        return situations.local_day(self.athlete, self.now)

    def decide(self, event: words.Event, *, best_case: bool = False) -> words.Verdict:
        """Ask the coach; ``best_case``: whether a routine could be due whatever the log holds (`situations.best_cases`)."""
        situation = self._remember_race(situations.of(self.session, self.athlete, event, self.now))
        asked = situations.best_cases(situation) if best_case else iter((situation,))
        verdicts = (coaching.decide(one, self.installation.catalogue) for one in asked)
        first = next(verdicts)
        return first if first.routine is not None else next((one for one in verdicts if one.routine is not None), first)

    def _remember_race(self, situation: words.Situation) -> words.Situation:
        """Keep when the latest race was and what it keeps free: the log forgets it after days, the legs do not."""
        athlete, race = self.athlete, coaching.logged_race(situation)
        ends = None if athlete.raced_on is None else athlete.raced_on + timedelta(days=athlete.race_free_days or 0)
        if race is not None and (ends is None or race.day + timedelta(days=race.block_days) >= ends):
            athlete.raced_on, athlete.race_free_days = race.day, race.block_days
        elif race is None and athlete.raced_on is not None and self.today - athlete.raced_on < _LOG_STILL_HOLDS:
            athlete.raced_on = athlete.race_free_days = None  # deleted, or no race after all
        of_coach = replace(situation.athlete, raced_on=athlete.raced_on, race_free_days=athlete.race_free_days)
        return replace(situation, athlete=of_coach)

    def record(
        self,
        event: words.Event,
        verdict: words.Verdict,
        *,
        trace_id: str | None = None,
        event_id: int | None = None,
        asked_platform: bool = False,
    ) -> DecisionRecord:
        """Store the verdict on an event, also a "no". A referral holds the routines and withdraws open ones."""
        if event_id is not None:
            # An event is decided again when it is replayed or reopened, and SQLite may reuse an id: the last one has it.
            self.session.execute(
                update(DecisionRecord).where(DecisionRecord.event_id == event_id).values(event_id=None),
            )
        row = DecisionRecord(
            athlete_id=self.athlete.id,
            event_id=event_id,
            activity_id=event.activity_id,
            trigger=str(event.type),
            at=self.now,
            decision=str(verdict.decision),
            dose=str(verdict.dose),
            rule=verdict.rule,
            reason=verdict.reason,
            considered=[asdict(considered) for considered in verdict.considered],
            asked_platform=asked_platform,
            trace_id=trace_id or secrets.token_hex(8),
        )
        self.session.add(row)
        after_commit(self.session, metrics.DECISIONS.labels(row.decision, row.rule).inc)
        if verdict.decision is words.Decision.REFER:
            athlete = self.athlete
            # A new warning sign during a hold begins another one: only a professional's word ends it.
            if athlete.hold_since is None or verdict.rule == "red_flag":
                athlete.hold_since, athlete.hold_reason = self.now, verdict.rule
                if channels.can_mail(athlete):
                    channels.write_letter(self.session, athlete, "refer", self.now, words=verdict.reason)
            self.withdraw_open("You told us about pain; your routines are stopped.")
        return row

    def suggest(self, verdict: words.Verdict, decision: DecisionRecord, activity_id: str | None) -> Suggestion:
        """Store a due routine and its deliveries. A withdrawn suggestion for the same activity comes back to life.

        An open routine of earlier today is withdrawn: the latest run of the day carries it.
        """
        routine, session = verdict.routine, self.session
        if routine is None:
            raise ValueError(f"a {verdict.decision} verdict carries no routine")
        placement = str(verdict.decision)
        session.flush()
        suggestion = self.find_suggestion(activity_id) if activity_id is not None else None
        if placement != words.Placement.WARM_UP:  # which loads nothing and replaces nothing
            open_today = open_suggestions(self.athlete).where(
                Suggestion.local_date >= self.today,  # later: a journey west repeats the day
                Suggestion.placement != words.Placement.WARM_UP,
            )
            for earlier in session.scalars(open_today).all():
                if earlier is not suggestion:
                    self.withdraw(earlier, REPLACED)
        if suggestion is None:
            public_id = secrets.token_urlsafe(_PUBLIC_ID_BYTES)
            suggestion = Suggestion(public_id=public_id, athlete_id=self.athlete.id, activity_id=activity_id)
        suggestion.decision = decision
        suggestion.local_date = self.today
        suggestion.placement = placement
        suggestion.dose = str(verdict.dose)
        suggestion.routine = asdict(routine)
        suggestion.reason = verdict.reason
        suggestion.created_at = self.now
        silent = offers.fields_of(session, self.athlete, self.today, self.now)["unanswered_in_a_row"]
        suggestion.asks_if_useful = silent == BACK_OFF_AFTER_UNANSWERED
        suggestion.status = "open"
        suggestion.withdrawn_because = None
        session.add(suggestion)
        session.flush()
        self.deliver(suggestion, decision.trace_id)
        return suggestion

    def deliver(self, suggestion: Suggestion, trace_id: str) -> None:
        """Queue one delivery for each channel that works now; one that this suggestion used before is used again."""
        routine, placement = routine_of(suggestion), words.Placement(suggestion.placement)
        link = self.installation.links.routine(suggestion.public_id)
        for way in channels.delivery_channels(
            self.session, self.athlete, placement, activity_id=suggestion.activity_id, now=self.now
        ):
            delivery = next((known for known in suggestion.deliveries if known.channel == way.channel), None)
            if delivery is None:
                delivery = Delivery(channel=way.channel, known_texts=[], unconfirmed_writes=0)
                suggestion.deliveries.append(delivery)
            under_way = delivery.state == "claimed" or delivery.unconfirmed_writes or delivery.crashes
            if delivery.desired_state == "absent" and delivery.state != "done" and under_way:
                # A removal of ours may just have worked: its absence is no word of the athlete's.
                delivery.written_text = None
            delivery.desired_state = "present"
            if way.channel in channels.MESSAGES and delivery.state == "claimed":
                continue  # it is being sent at this moment; a second worker would send it twice
            public = way.channel == channels.DESCRIPTION
            delivery.block = wording.note_block(routine, suggestion.reason, link, public=public)
            delivery.trace_id = trace_id
            if way.channel != channels.CALENDAR:  # whose entry is found by its number
                delivery.activity_id = way.activity_id
            self._queue(suggestion, delivery)

    def _queue(self, suggestion: Suggestion, delivery: Delivery) -> None:
        """Let a delivery wait for its time, or end it where nothing is to be sent."""
        delay_s = self.installation.settings.note_delay_s if suggestion.activity_id is not None else 0
        # Not its unconfirmed writes: copies that may have gone out have gone out.
        claims.reopen(delivery, self.now + timedelta(seconds=delay_s))
        delivery.reads_without_field = 0
        if delivery.channel in channels.WRITTEN:
            private = with_private_link(self.installation, self.athlete, suggestion, delivery.block)
            texts = [delivery.block, self.installation.links.without_proofs(private)]
            delivery.known_texts = list(dict.fromkeys([*delivery.known_texts, *self._blocks_in(delivery), *texts]))
        elif delivery.channel == channels.PAGES:
            claims.finish(self.session, delivery, "on_the_pages")
        elif delivery.written_at is not None:
            # A message can't be taken back, and isn't sent twice; it was counted when it was sent.
            delivery.state, delivery.outcome = "done", "sent" if delivery.channel == channels.MAIL else "pushed"
        elif not channels.messages_left(self.session, self.athlete, self.now, suggestion.id):
            claims.finish(self.session, delivery, "enough_messages")

    def withdraw(self, suggestion: Suggestion, because: str) -> None:
        """The suggestion no longer holds: a written note is removed, an unwritten one never comes.

        The removal is due at once, also of a delivery that waits for a retry.
        """
        suggestion.status = "withdrawn"
        suggestion.withdrawn_because = because
        for delivery in suggestion.deliveries:
            if delivery.desired_state == "absent":
                continue
            delivery.desired_state = "absent"
            if delivery.channel == channels.PAGES:
                continue
            untouched = delivery.attempts == 0 and delivery.written_text is None
            if delivery.state == "waiting" and (untouched or delivery.channel in channels.MESSAGES):
                claims.finish(self.session, delivery, "never_written")
            elif delivery.channel not in channels.MESSAGES:
                # Also a delivery that is being written at this moment: its worker finds that its claim is gone.
                delivery.state, delivery.due_at = "waiting", self.now
                delivery.lease_until = delivery.lease_owner = None
                delivery.reads_without_field = 0
                if delivery.written_text is not None:
                    delivery.unconfirmed_writes = 0  # from here on those of the removal

    def withdraw_open(self, because: str, *, since: date = date.min) -> None:
        """Withdraw every open suggestion for that local day or a later one."""
        announced = open_suggestions(self.athlete).where(Suggestion.local_date >= since)
        for suggestion in self.session.scalars(announced).all():
            self.withdraw(suggestion, because)

    def find_suggestion(self, activity_id: str) -> Suggestion | None:
        """The suggestion for an activity; there is one at most."""
        return self.session.scalar(
            select(Suggestion).where(Suggestion.athlete_id == self.athlete.id, Suggestion.activity_id == activity_id)
        )

    def _blocks_in(self, delivery: Delivery) -> list[str]:
        """Every block of ours that may stand in this place: a new one takes the place of an older one."""
        if delivery.activity_id is None or delivery.channel == channels.CALENDAR:
            return []
        rows = self.session.scalars(
            select(Delivery.known_texts)
            .join(Suggestion)
            .where(Suggestion.athlete_id == self.athlete.id, Delivery.activity_id == delivery.activity_id)
        )
        return [text for known in rows for text in known]


def reconsider(coach: Consultation) -> None:
    """Withdraw what the coach would no longer suggest after a change of settings, plan or health; reschedule the athlete.

    Not because its moment has passed, or another day looks better now: what was told stands.
    """
    coach.session.flush()
    announced = open_suggestions(coach.athlete).where(Suggestion.local_date >= coach.today)
    for suggestion in coach.session.scalars(announced).all():
        event, activity_id = _event_about(suggestion), suggestion.activity_id
        verdict = coach.decide(event)
        if verdict.decision is words.Decision.NONE and verdict.rule not in _NO_REASON_TO_WITHDRAW:
            coach.record(event, verdict)
            coach.withdraw(suggestion, verdict.reason)
        elif (
            activity_id is not None  # a mail that was sent can't be changed
            and str(verdict.dose) != suggestion.dose
            and str(verdict.decision) == suggestion.placement
        ):
            coach.suggest(verdict, coach.record(event, verdict), activity_id)
    schedule.reschedule(coach.athlete, coach.now)


def _event_about(suggestion: Suggestion) -> words.Event:
    if suggestion.activity_id is not None:
        return words.Event(words.EventType.ACTIVITY_UPDATED, suggestion.activity_id)
    if suggestion.placement == words.Placement.WARM_UP:
        return words.Event(words.EventType.RUN_STARTING_SOON)
    return words.Event(words.EventType.CLOCK_TICK)


def lock(session: Session, athlete_id: int) -> Athlete | None:
    """The athlete, locked until the end of the transaction: two events of one athlete are decided one after the other.

    What the session has read before is outdated: another may have changed it while this waited for the lock.
    """
    session.flush()
    session.expire_all()
    return session.scalar(select(Athlete).where(Athlete.id == athlete_id).with_for_update())


def refuse(verdict: words.Verdict, rule: str, reason: str, because: str) -> words.Verdict:
    """The verdict as a "no" of a rule that the coach doesn't know; what it has considered stays."""
    return replace(
        verdict,
        decision=words.Decision.NONE,
        dose=words.Dose.NONE,
        rule=rule,
        reason=reason,
        routine=None,
        considered=(*verdict.considered, words.Considered(rule, True, because)),
    )


def counted(session: Session, athlete_id: int) -> Sequence[Row[str, int, date, date]]:
    """Old decisions of which the counts are left: rule, how often, first and last local day; the most frequent first."""
    total = func.sum(NoCount.count)
    days = (func.min(NoCount.day), func.max(NoCount.day))
    wanted = select(NoCount.rule, total, *days).where(NoCount.athlete_id == athlete_id).group_by(NoCount.rule)
    return session.execute(wanted.order_by(total.desc(), NoCount.rule)).all()


def without_routine(verdict: words.Verdict, reason: str) -> words.Verdict:
    """The verdict where no routine can be given; one that brings none stays as it is."""
    return verdict if verdict.routine is None else refuse(verdict, "no_occasion", reason, "no moment for a routine")


def open_suggestions(athlete: Athlete) -> Select[Suggestion]:
    """The athlete's suggestions that are neither answered nor withdrawn."""
    return select(Suggestion).where(Suggestion.athlete_id == athlete.id, Suggestion.status == "open")


def routine_of(suggestion: Suggestion) -> words.Routine:
    """The suggested routine, from the JSON of its row."""
    stored = suggestion.routine
    items = tuple(words.RoutineItem(**item) for item in stored["items"])
    return words.Routine(**{**stored, "dose": words.Dose(stored["dose"]), "items": items})


def with_private_link(installation: Installation, athlete: Athlete, suggestion: Suggestion, block: str) -> str:
    """The block with the runner's own link and sentence, and the question of silence. Never for a public text."""
    links, lines = installation.links, []
    if athlete.if_then:
        lines.append(f"You said: {athlete.if_then}")
    if suggestion.asks_if_useful:
        useful = links.useful(suggestion.public_id, None, suggestion.created_at)
        lines.append(f"Still useful? Yes, less often, or a pause: {useful}")
    return wording.with_lines(wording.with_private_link(block, links.runner_routine(suggestion.public_id)), lines)
