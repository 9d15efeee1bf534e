"""A key that may have leaked is replaced, while everything runs, and then dropped. On both databases."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select

from adductor.athletes import revocation, rotate_keys
from adductor.athletes.rotate_keys import KeyStatus
from adductor.installation import Installation
from adductor.platforms.base import Tokens
from adductor.settings import load
from adductor.store.models import Athlete, Connection, Revocation
from adductor.vault import Vault
from tests.support import databases
from tests.support.athletes import give_tokens, new_athlete

OLD, NEW, LOST = (Fernet.generate_key().decode() for _ in range(3))
SECRET = "0123456789abcdef0123456789abcdef"
Under = Callable[..., Installation]


def _installation(values: dict[str, str], *keys: str) -> Installation:
    token_keys = {"ADDUCTOR_TOKEN_KEYS": ",".join(keys)} if keys else {}
    installation = Installation(load(_env_file=None, **values, **token_keys))
    databases.bring_up(installation.store)
    return installation


@pytest.fixture
def under(tmp_path: Path, unused_url: str) -> Under:
    """The installation as it starts with these keys."""
    values = {"ADDUCTOR_DATA_DIR": str(tmp_path), "ADDUCTOR_SECRET_KEY": SECRET, "ADDUCTOR_DATABASE_URL": unused_url}
    return lambda *keys: _installation(values, *keys)


def _connect(installation: Installation, count: int) -> None:
    now = installation.clock.now()
    with installation.store.write() as session:
        for number in range(1, count + 1):
            athlete = new_athlete(external_id=number, connected_at=now, scopes="read")
            session.add(athlete)
            session.flush()
            pair = Tokens(f"access {number}", f"refresh {number}", now + timedelta(hours=6))
            give_tokens(session, installation, athlete.id, pair)


def _rows(installation: Installation) -> list[Connection]:
    with installation.store.read() as session:
        return list(session.scalars(select(Connection).order_by(Connection.id)))


def _tokens(installation: Installation) -> list[tuple[str, str]]:
    """Access and refresh token of every connection."""
    decrypt = installation.vault.decrypt
    return [
        (decrypt(row.access_encrypted or b""), decrypt(row.refresh_encrypted or b"")) for row in _rows(installation)
    ]


@pytest.mark.parametrize("before", [(OLD,), ()], ids=["a key that was set", "the key derived from the secret key"])
def test_a_key_is_replaced_and_dropped_and_every_token_is_what_it_was(
    under: Under, before: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotate_keys, "BATCH", 3)
    count = 2 * 3 + 1
    _connect(under(*before), count)
    expected = _tokens(under(*before))

    both = under(NEW, *before)
    assert rotate_keys.count_keys(both) == KeyStatus(newest=0, older=count)
    assert rotate_keys.rotate_keys(both) == KeyStatus(older=count)
    assert rotate_keys.rotate_keys(both) == KeyStatus(newest=count)

    assert rotate_keys.count_keys(under(NEW)) == KeyStatus(newest=count)
    assert _tokens(under(NEW)) == expected
    assert rotate_keys.count_keys(under(LOST)).unreadable == count


def test_token_queued_for_revocation_is_rotated_too(under: Under) -> None:
    _connect(under(OLD), 1)
    both = under(NEW, OLD)
    with both.store.write() as session:
        athlete = session.scalars(select(Athlete)).one()
        token = athlete.connection.refresh_encrypted
        assert revocation.queue(session, "strava", token, both.clock.now()) is not None
        session.delete(athlete)
    assert rotate_keys.count_keys(both) == KeyStatus(older=1)

    assert rotate_keys.rotate_keys(both) == KeyStatus(older=1)

    with under(NEW).store.read() as session:
        row = session.scalars(select(Revocation)).one()
    assert Vault([NEW]).decrypt(row.token_encrypted) == "refresh 1"


def test_token_that_no_key_decrypts_is_counted_and_left(under: Under) -> None:
    _connect(under(LOST), 2)
    before = [row.refresh_encrypted for row in _rows(under(LOST))]

    assert rotate_keys.rotate_keys(under(NEW, OLD)) == KeyStatus(unreadable=2)

    assert [row.refresh_encrypted for row in _rows(under(NEW))] == before


def test_refresh_under_way_is_not_disturbed(under: Under) -> None:
    """A refresh compares the encrypted text to see that the runner has not connected anew; a changed one fails it."""
    _connect(under(OLD), 2)
    both = under(NEW, OLD)
    busy = _rows(both)[0]
    with both.store.write() as session:
        session.get_one(Connection, busy.id).lease_until = both.clock.real_now() + timedelta(seconds=30)

    assert rotate_keys.rotate_keys(both) == KeyStatus(older=1, busy=1)

    assert _rows(both)[0].refresh_encrypted == busy.refresh_encrypted
    with both.store.write() as session:
        session.get_one(Connection, busy.id).lease_until = both.clock.real_now() - timedelta(seconds=1)
    assert rotate_keys.rotate_keys(both) == KeyStatus(older=1, newest=1)


def test_athlete_who_connects_again_meanwhile_keeps_the_new_tokens(
    under: Under, monkeypatch: pytest.MonkeyPatch
) -> None:
    _connect(under(OLD), 1)
    both = under(NEW, OLD)
    rotate = Vault.rotate

    def meanwhile(vault: Vault, encrypted: bytes) -> bytes:
        with both.store.write() as session:
            session.scalars(select(Connection)).one().refresh_encrypted = vault.encrypt("the new refresh token")
        return rotate(vault, encrypted)

    monkeypatch.setattr(Vault, "rotate", meanwhile)

    assert rotate_keys.rotate_keys(both) == KeyStatus(busy=1)
    assert _tokens(both)[0][1] == "the new refresh token"
