"""A key that may be known to somebody else is replaced, while everything runs, and then dropped. On both databases."""

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
from adductor.store import migrate
from adductor.store.models import Athlete, Connection, Revocation
from adductor.vault import Vault
from tests.support.athletes import give_tokens, new_athlete
from tests.support.live import adductor

OLD, NEW, LOST = (Fernet.generate_key().decode() for _ in range(3))
Under = Callable[..., Installation]


@pytest.fixture
def under(tmp_path: Path, database_url: str) -> Under:
    """The installation as it starts with these keys."""

    def started(*keys: str) -> Installation:
        settings = load(
            _env_file=None,
            ADDUCTOR_DATA_DIR=tmp_path,
            ADDUCTOR_DATABASE_URL=database_url,
            ADDUCTOR_SECRET_KEY="0123456789abcdef0123456789abcdef",
            ADDUCTOR_TOKEN_KEYS=",".join(keys) or None,
        )
        installation = Installation(settings)
        migrate.upgrade(installation.store)
        return installation

    return started


def _connected(installation: Installation, count: int) -> None:
    now = installation.clock.now()
    with installation.store.write() as session:
        for number in range(1, count + 1):
            athlete = new_athlete(external_id=number, connected_at=now, scopes="read")
            session.add(athlete)
            session.flush()
            pair = Tokens(f"access {number}", f"refresh {number}", now + timedelta(hours=6))
            give_tokens(session, installation, athlete.id, pair)


def _decrypted(installation: Installation) -> dict[str, tuple[str, str]]:
    """Every athlete's tokens, by their id at the platform."""
    with installation.store.read() as session:
        rows = session.scalars(select(Connection)).all()
    return {
        row.external_id: (_decrypt(installation.vault, row.access_encrypted), _refresh_token(installation.vault, row))
        for row in rows
    }


def _decrypt(vault: Vault, secret: bytes | None) -> str:
    assert secret is not None
    return vault.decrypt(secret)


def _refresh_token(vault: Vault, row: Connection) -> str:
    return _decrypt(vault, row.refresh_encrypted)


def test_a_key_is_replaced_and_dropped_and_every_token_is_what_it_was(under: Under) -> None:
    count = rotate_keys.BATCH * 2 + 7
    before = under(OLD)
    _connected(before, count)
    expected = _decrypted(before)

    both = under(NEW, OLD)
    assert rotate_keys.count_keys(both) == KeyStatus(newest=0, older=count)
    assert rotate_keys.rotate_keys(both) == KeyStatus(older=count)
    assert rotate_keys.rotate_keys(both) == KeyStatus(newest=count)

    only_new = under(NEW)
    assert rotate_keys.count_keys(only_new) == KeyStatus(newest=count)
    assert _decrypted(only_new) == expected
    assert rotate_keys.count_keys(under(OLD)).unreadable == count


def test_the_first_key_of_ones_own_replaces_the_derived_one(under: Under) -> None:
    """Whoever never set a key has one that follows from the secret key, and need not know it."""
    _connected(under(), 3)

    assert rotate_keys.rotate_keys(under(NEW)) == KeyStatus(older=3)

    assert _refresh_token(Vault([NEW]), _a_token(under(NEW))).startswith("refresh")


def test_a_token_queued_for_revocation_is_rotated_too(under: Under) -> None:
    _connected(under(OLD), 1)
    both = under(NEW, OLD)
    with both.store.write() as session:
        athlete = session.scalars(select(Athlete)).one()
        assert revocation.queue_connection(session, both, athlete.connection) is not None
        session.delete(athlete)
    assert rotate_keys.count_keys(both) == KeyStatus(older=1)

    assert rotate_keys.rotate_keys(both) == KeyStatus(older=1)

    with under(NEW).store.read() as session:
        row = session.scalars(select(Revocation)).one()
    assert Vault([NEW]).decrypt(row.token_encrypted) == "refresh 1"


def test_a_token_that_no_key_opens_is_counted_and_left(under: Under) -> None:
    _connected(under(LOST), 2)
    sealed = _a_token(under(LOST)).refresh_encrypted

    assert rotate_keys.rotate_keys(under(NEW, OLD)) == KeyStatus(unreadable=2)

    assert _a_token(under(NEW)).refresh_encrypted == sealed


def test_a_refresh_under_way_is_not_disturbed(under: Under) -> None:
    """It knows by the sealed text that the runner has not connected anew: changed, it would throw the new token away."""
    _connected(under(OLD), 2)
    both = under(NEW, OLD)
    with both.store.write() as session:
        busy = session.scalars(select(Connection).order_by(Connection.id)).first()
        assert busy is not None
        busy.lease_until = both.clock.real_now() + timedelta(seconds=30)
        number, sealed = busy.id, busy.refresh_encrypted

    assert rotate_keys.rotate_keys(both) == KeyStatus(older=1, busy=1)

    with both.store.write() as session:
        row = session.get_one(Connection, number)
        assert row.refresh_encrypted == sealed
        row.lease_until = both.clock.real_now() - timedelta(seconds=1)
    assert rotate_keys.rotate_keys(both) == KeyStatus(older=1, newest=1)


def test_an_athlete_who_connects_again_meanwhile_keeps_the_new_tokens(
    under: Under, monkeypatch: pytest.MonkeyPatch
) -> None:
    _connected(under(OLD), 1)
    both = under(NEW, OLD)
    rotate = Vault.rotate

    def meanwhile(vault: Vault, sealed: bytes) -> bytes:
        with both.store.write() as session:
            row = session.scalars(select(Connection)).one()
            row.refresh_encrypted = vault.encrypt("the new refresh token")
        return rotate(vault, sealed)

    monkeypatch.setattr(Vault, "rotate", meanwhile)

    assert rotate_keys.rotate_keys(both) == KeyStatus(busy=1)
    assert _refresh_token(both.vault, _a_token(both)) == "the new refresh token"


@pytest.mark.processes
def test_the_command_says_when_the_old_key_can_go(under: Under, tmp_path: Path, database_url: str) -> None:
    _connected(under(OLD), 2)
    environment = {"ADDUCTOR_DATA_DIR": str(tmp_path), "ADDUCTOR_DATABASE_URL": database_url}

    done = adductor("db", "reseal", **environment, ADDUCTOR_TOKEN_KEYS=f"{NEW},{OLD}")
    again = adductor("db", "reseal", **environment, ADDUCTOR_TOKEN_KEYS=NEW)
    wrong = adductor("db", "reseal", **environment, ADDUCTOR_TOKEN_KEYS=LOST)

    assert (done.returncode, again.returncode, wrong.returncode) == (0, 0, 1)
    assert "2 encrypted anew" in done.stdout
    assert "Older keys are no longer needed." in again.stdout
    assert "2 open with none of the keys" in wrong.stderr
    assert not [key for key in (OLD, NEW, LOST) if key in done.stdout + done.stderr + wrong.stderr]


def _a_token(installation: Installation) -> Connection:
    with installation.store.read() as session:
        return session.scalars(select(Connection).order_by(Connection.id).limit(1)).one()
