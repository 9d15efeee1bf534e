"""A database of any earlier revision comes to the current one with its data, on SQLite and on PostgreSQL.

Walks all revisions that are found. A migration that renames, moves or drops a column adds to the tables here.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import JSON, Column, LargeBinary, MetaData, Table, select, text, types

from adductor.store import Store, migrate
from adductor.store.models import Athlete, Base
from service.supervisor import free_port
from tests.support import databases
from tests.support.live import adductor

ROWS = 3
MOMENT = datetime(2026, 11, 18, 9, 0, tzinfo=UTC)
# Values that migrations ask for; everything else is made up.
KNOWN_WORDS = {"status": "connected", "timezone": "UTC", "state": "done", "platform": "strava"}
# Columns that have another name now, and those that stand in `connections` now or went.
RENAMED = {
    ("inbox_events", "lease_holder"): "lease_owner",
    ("deliveries", "lease_holder"): "lease_owner",
    ("letters", "lease_holder"): "lease_owner",
    ("deliveries", "wanted"): "desired_state",
    ("deliveries", "unseen_reads"): "reads_without_field",
    ("deliveries", "unsure_handovers"): "unconfirmed_writes",
    ("letters", "unsure_handovers"): "unconfirmed_writes",
    ("revocations", "token_sealed"): "token_encrypted",
}
KEPT = ("platform", "scopes", "connected_at", "disconnected_at", "private_note_refused_at")
MOVED = {
    **{("athletes", name): name for name in KEPT},
    ("athletes", "platform_athlete_id"): "external_id",
    ("athletes", "status"): "state",
    ("tokens", "access_sealed"): "access_encrypted",
    ("tokens", "refresh_sealed"): "refresh_encrypted",
    ("tokens", "expires_at"): "expires_at",
}
DROPPED = {("athletes", "private_note_seen_at")}
# Numbers of Strava's that are text with their platform now, and one that is text.
NAMED = {
    ("inbox_events", "object_id"),
    ("activities", "platform_id"),
    ("decisions", "activity_id"),
    ("suggestions", "activity_id"),
    ("suggestions", "asks_about_activity"),
    ("deliveries", "activity_id"),
    ("sessions", "platform_id"),
}
Rows = dict[str, list[dict[str, Any]]]


def _made_up(column: Column[Any], number: int) -> Any:
    if column.name in KNOWN_WORDS and not column.primary_key:
        return KNOWN_WORDS[column.name]
    kind = column.type
    text_value = f"{number}{column.name}é"
    values: tuple[tuple[Any, Any], ...] = (
        (JSON, {"number": number, "words": ["ä", "🙂"]}),
        (types.Boolean, number % 2 == 0),
        (types.DateTime, MOMENT + timedelta(hours=number)),
        (types.Date, date(2026, 11, 1) + timedelta(days=number)),
        (types.Float, number + 0.5),
        (types.Integer, number),
        (LargeBinary, b"\x00sealed" + bytes([number])),
        (types.String, text_value),
    )
    value = next(value for known, value in values if isinstance(kind, known))
    if isinstance(kind, types.DateTime) and not kind.timezone:
        return value.replace(tzinfo=None)
    return value[: kind.length or 200] if value is text_value else value


def _fill(store: Store) -> Rows:
    """Rows in every table: the first holds a value in each column, the others what must be there."""
    schema, filled = MetaData(), {}
    with store.write() as session:
        connection = session.connection()
        schema.reflect(connection)
        for table in schema.sorted_tables:
            if table.name == "alembic_version":
                continue
            rows = [_row(table, number) for number in range(1, ROWS + 1)]
            for row in rows:
                connection.execute(table.insert().values(**row))
            filled[table.name] = rows
    return filled


def _row(table: Table, number: int, *, whole: bool = False) -> dict[str, Any]:
    return {
        column.name: number if column.foreign_keys else _made_up(column, number)
        for column in table.columns
        if column.computed is None and (whole or number == 1 or not column.nullable)
    }


def _athletes(store: Store, revision: str, *values: dict[str, Any]) -> list[dict[str, Any]]:
    """Bring a database to this revision, with athletes that hold these values."""
    migrate.upgrade(store, revision)
    schema = MetaData()
    with store.write() as session:
        schema.reflect(session.connection())
        table = schema.tables["athletes"]
        people = [{**_row(table, number, whole=True), **own} for number, own in enumerate(values, start=1)]
        session.execute(table.insert(), people)
    return people


def _read(store: Store) -> Rows:
    schema = MetaData()
    with store.engine.connect() as connection:
        schema.reflect(connection)
        return {
            table.name: [dict(row) for row in connection.execute(select(table).order_by(*table.primary_key)).mappings()]
            for table in schema.sorted_tables
        }


def test_revisions_of_the_file_names_are_alembics() -> None:
    walked = ScriptDirectory.from_config(migrate.config()).walk_revisions()

    assert migrate.revisions() == [script.revision for script in walked][::-1]


@pytest.mark.parametrize("revision", migrate.revisions())
def test_data_of_every_earlier_revision_survives_the_upgrade(database_url: str, revision: str) -> None:
    store = Store(database_url)
    migrate.upgrade(store, revision)
    before = _fill(store)
    assert all(len(rows) == ROWS for rows in before.values())

    migrate.upgrade(store)

    after = _read(store)
    for table, rows in before.items():
        for number, was in enumerate(rows):
            for column, value in was.items():
                if (table, column) in DROPPED or (table == "tokens" and (table, column) not in MOVED):
                    continue
                if "tokens" in before and (table, column) in MOVED:
                    now = after["connections"][number][MOVED[table, column]]
                    value = str(value) if column == "platform_athlete_id" else value
                else:
                    assert len(after[table]) == ROWS, table
                    now = after[table][number][RENAMED.get((table, column), column)]
                if isinstance(value, int) and (table, column) in NAMED:
                    value = f"strava:{value}"
                elif (table, column) == ("inbox_events", "owner_id"):
                    value = str(value)
                assert now == value, f"{table}.{column}"
    with store.read() as session:
        for model in Base.registry.mappers:
            assert len(session.scalars(select(model.class_)).all()) == len(after.get(model.local_table.name, []))
    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
        if store.is_sqlite:
            assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
    store.close()


@pytest.mark.parametrize("with_token", [True, False])
def test_connections_hold_what_athletes_of_every_status_had(database_url: str, *, with_token: bool) -> None:
    store = Store(database_url)
    statuses = ("connected", "revoked", "scope_missing", "leaving")
    people = _athletes(store, "0003", *({"status": status} for status in statuses))
    tokens = Table("tokens", MetaData(), autoload_with=store.engine)
    pairs = [_row(tokens, number, whole=True) for number in range(1, 5)]
    with store.write() as session:
        if with_token:
            session.execute(tokens.insert(), pairs)

    migrate.upgrade(store)

    with store.read() as session:
        for person, pair in zip(people, pairs, strict=True):
            athlete = session.get_one(Athlete, person["id"])
            (connection,) = athlete.connections
            leaving = person["status"] == "leaving"
            assert (connection.platform, connection.external_id) == ("strava", str(person["platform_athlete_id"]))
            assert connection.state == ("revoked" if leaving else person["status"])
            assert athlete.is_connected is (person["status"] == "connected")
            assert (athlete.leaving_at is not None) is leaving
            assert (connection.scopes, connection.refused_since) == (person["scopes"], None)
            for name in ("connected_at", "disconnected_at", "private_note_refused_at"):
                assert getattr(connection, name).replace(tzinfo=None) == person[name].replace(tzinfo=None)
            expected = (pair["access_sealed"], pair["refresh_sealed"]) if with_token else (None, None)
            assert (connection.access_encrypted, connection.refresh_encrypted) == expected
            assert (connection.expires_at is not None) is with_token
            assert connection.lease_until is None
    store.close()


@pytest.mark.parametrize(
    ("prompt", "quiet_from", "stays"), [("17:30", "22:30", False), ("17:30", "21:00", True), ("18:15", "22:30", True)]
)
def test_default_prompts_are_spread_and_chosen_ones_stay(
    database_url: str, prompt: str, quiet_from: str, *, stays: bool
) -> None:
    times = {"rest_day_prompt_local": prompt, "quiet_from_local": quiet_from, "quiet_until_local": "05:00"}
    with closing(Store(database_url)) as store:
        _athletes(store, "0004", *({**times, "id": number} for number in (1, 2, 59, 60, 61)))

        migrate.upgrade(store)

        with store.read() as session:
            prompts = session.scalars(select(Athlete.rest_day_prompt_local).order_by(Athlete.id)).all()
    assert prompts == ([prompt] * 5 if stays else ["17:01", "17:02", "17:59", "17:00", "17:01"])


@pytest.mark.parametrize("table", ["inbox_events", "deliveries", "letters"])
def test_claim_updates_the_row_in_place_on_postgresql(postgres_url: str, table: str) -> None:
    with closing(Store(postgres_url)) as store:
        migrate.upgrade(store, "0004")
        _fill(store)
        migrate.upgrade(store)
        with store.write() as session:
            session.execute(text(f"UPDATE {table} SET state = 'waiting'"))
        with store.write() as session:
            # The first update put the rows into the index.
            counted = f"SELECT n_tup_hot_upd FROM pg_stat_xact_user_tables WHERE relname = '{table}'"
            earlier = session.scalar(text(counted))
            claim = f"UPDATE {table} SET state = 'claimed', attempts = 1, lease_until = now(), lease_owner = 'x'"
            session.execute(text(claim))
            assert session.scalar(text(counted)) - earlier == ROWS
            options = session.scalar(text(f"SELECT reloptions FROM pg_class WHERE relname = '{table}'"))
    room = {"inbox_events": "70", "deliveries": "85"}.get(table)
    assert options == (room and [f"fillfactor={room}", "autovacuum_vacuum_scale_factor=0.02"])


def test_check_lets_only_the_current_revision_through(database_url: str, tmp_path: Path) -> None:
    with closing(Store(database_url)) as store:
        with pytest.raises(migrate.RevisionError, match=r"is empty .* run: adductor db upgrade"):
            migrate.check(store)
        assert list(tmp_path.iterdir()) == []  # a look makes no file
        migrate.upgrade(store, "0001")
        with pytest.raises(migrate.RevisionError, match=r"at revision 0001 .* run: adductor db upgrade"):
            migrate.check(store)
        migrate.upgrade(store)
        migrate.check(store)
        with store.write() as session:
            session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        for attempt in (migrate.check, migrate.upgrade):
            with pytest.raises(migrate.RevisionError, match=r"9999, which a newer version has made.*docs/upgrade.md"):
                attempt(store)
        assert migrate.current(store) == "9999"


def test_four_processes_that_migrate_at_once_end_with_one_database(database_url: str) -> None:
    stores = [Store(database_url) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(migrate.upgrade, stores))
    assert {migrate.current(store) for store in stores} == {migrate.latest()}
    for store in stores:
        store.close()


@pytest.mark.processes
@pytest.mark.parametrize(
    ("command", "revision"),
    [("web", "0001"), ("worker", "0001"), ("beat", "0001"), ("web", "9999"), ("up", "9999"), ("db upgrade", "9999")],
)
def test_parts_refuse_a_database_that_does_not_fit(tmp_path: Path, command: str, revision: str) -> None:
    with closing(Store(f"sqlite:///{tmp_path / 'adductor.db'}")) as store:
        databases.bring_up(store)
        with store.write() as session:
            session.execute(text("UPDATE alembic_version SET version_num = :at"), {"at": revision})
    settings = {"ADDUCTOR_DATA_DIR": str(tmp_path), "ADDUCTOR_BIND": f"127.0.0.1:{free_port()}"}

    ended = adductor(*command.split(), ADDUCTOR_REDIS_URL="redis://127.0.0.1:1/0", **settings)

    assert ended.returncode == 1, ended.stderr
    assert {"0001": "run: adductor db upgrade", "9999": "a newer version"}[revision] in ended.stderr
    assert "Traceback" not in ended.stderr
