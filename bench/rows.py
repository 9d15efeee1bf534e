"""Reads and prepares rows of a running installation with plain SQL; the only place that knows column names.

Tables are reflected, so that this shares no code with the product. Times are aware UTC.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import MetaData, String, Table, create_engine, func, select

# Tables of work: every row ends as done.
QUEUES = ("inbox_events", "deliveries", "letters")
EventKey = tuple[int, str, int, str, int]


class Rows:
    """One database."""

    def __init__(self, url: str) -> None:
        arguments = {"timeout": 60} if url.startswith("sqlite") else {}
        self._engine = create_engine(url, connect_args=arguments, pool_pre_ping=True)
        metadata = MetaData()
        metadata.reflect(self._engine, only=["athletes", "connections", "activities", "sessions", *QUEUES])
        self._tables = metadata.tables

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def prepare_athletes(self, strava_ids: Sequence[int], now: datetime, **values: Any) -> None:
        """Mark connected athletes as confirmed, at stage 2, due for a routine after a run.

        ``values`` are further columns of `athletes`.
        """
        ours = self._athlete_ids()
        athletes = self._tables["athletes"]
        common = {
            "screening_completed_at": now,
            "confirmed_at": now,
            "programme_stage": 2,
            "sessions_completed_total": 9,
            "last_completed_on": now.date() - timedelta(days=5),
            "placements": ["post_run"],
            "quiet_from_local": "04:00",
            "quiet_until_local": "04:00",
            **values,
        }
        row = {name: _stored(athletes, name, value, self._engine.name) for name, value in common.items()}
        with self._engine.begin() as connection:
            for number in strava_ids:
                connection.execute(athletes.update().where(athletes.c.id == ours[number]), row)

    def add_run(self, strava_ids: Sequence[int], now: datetime, days_ago: int = 3) -> None:
        """Add an easy run to each history; without one, every run is the first after a break."""
        ours, start = self._athlete_ids(), now - timedelta(days=days_ago)
        self._insert(
            "activities",
            [
                {
                    "athlete_id": ours[number],
                    "platform_id": f"strava:{1_000_000 + ours[number] * 100 + days_ago}",
                    "sport": "run",
                    "start": start,
                    "moving_s": 2400,
                    "elapsed_s": 2400,
                    "distance_m": 7200,
                    "elevation_gain_m": 30,
                    "intensity": "easy",
                    "manual": False,
                    "time_unreliable": False,
                    "uploaded_at": start + timedelta(seconds=2400),
                    "fetched_at": start + timedelta(days=3),
                    "expires_at": start + timedelta(days=9),
                }
                for number in strava_ids
            ],
        )

    def add_sessions(self, strava_ids: Sequence[int], now: datetime, days_ago: Sequence[int]) -> None:
        """Add full routines done that many days ago."""
        ours = self._athlete_ids()
        self._insert(
            "sessions",
            [
                {
                    "athlete_id": ours[number],
                    "completed_at": now - timedelta(days=days),
                    "kind": "strength_full",
                    "completed_pct": 100,
                    "stopped_for_pain": False,
                    "source": "page",
                }
                for number in strava_ids
                for days in days_ago
            ],
        )

    def _insert(self, name: str, rows: list[dict[str, Any]]) -> None:
        table = self._tables[name]
        dialect = self._engine.name
        values = [{key: _stored(table, key, value, dialect) for key, value in row.items()} for row in rows]
        if values:
            with self._engine.begin() as connection:
                connection.execute(table.insert(), values)

    def _athlete_ids(self) -> dict[int, int]:
        """Our id by Strava's id."""
        table = self._tables["connections"]
        with self._engine.connect() as connection:
            rows = connection.execute(select(table.c.external_id, table.c.athlete_id)).all()
        return {int(theirs): int(ours) for theirs, ours in rows}

    def not_connected(self) -> set[int]:
        """Strava's ids of athletes whose connection has ended or rests."""
        table = self._tables["connections"]
        with self._engine.connect() as connection:
            rows = connection.execute(select(table.c.external_id).where(table.c.state != "connected")).all()
        return {int(number) for (number,) in rows}

    def states(self) -> dict[str, Counter[str]]:
        """How many rows of each queue are in each state; "resting": events that wait for their athlete to connect again."""
        found = {}
        connections, events = self._tables["connections"], self._tables["inbox_events"]
        resting = select(connections.c.external_id).where(connections.c.state == "resting")
        waits = (events.c.state == "waiting") & events.c.owner_id.in_(resting)
        with self._engine.connect() as connection:
            for name in QUEUES:
                table = self._tables[name]
                counts = connection.execute(select(table.c.state, func.count()).group_by(table.c.state))
                found[name] = Counter({row[0]: row[1] for row in counts})
            found["inbox_events"]["resting"] = connection.scalar(select(func.count()).where(waits)) or 0
        found["inbox_events"]["waiting"] -= found["inbox_events"]["resting"]
        return found

    def unfinished(self) -> int:
        """Rows that wait or are claimed."""
        return sum(states["waiting"] + states["claimed"] for states in self.states().values())

    def event_keys(self) -> set[EventKey]:
        """The natural keys in the inbox; the last part is epoch seconds."""
        table = self._tables["inbox_events"]
        names = ("subscription_id", "object_type", "object_id", "aspect_type", "event_time")
        with self._engine.connect() as connection:
            strava = table.c.platform == "strava"
            rows = connection.execute(select(*(table.c[name] for name in names)).where(strava)).all()
        return {
            (int(row[0]), row[1], int(row[2].partition(":")[2]), row[3], int(_aware(row[4]).timestamp()))
            for row in rows
        }


def _stored(table: Table, name: str, value: Any, dialect: str) -> Any:
    """A value as the column takes it."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None) if dialect == "sqlite" else value
    if isinstance(value, date) or value is None:
        return value
    return str(value) if isinstance(table.c[name].type, String) else value


def _aware(value: datetime) -> datetime:
    return value if value.tzinfo else value.replace(tzinfo=UTC)
