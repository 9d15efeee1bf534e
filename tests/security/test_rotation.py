"""A key that may have leaked is replaced, while everything runs, and then dropped. On both databases."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

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
from tests.support.athletes import give_tokens
from tests.support.runners import Place

OLD, NEW, LOST = (Fernet.generate_key().decode() for _ in range(3))
Under = Callable[..., Installation]


@pytest.fixture
def under(here_on_each: Place, monkeypatch: pytest.MonkeyPatch) -> Under:
    """The installation as it runs with these keys, besides the one that its secret key gives."""

    def start(*keys: str) -> Installation:
        given = {"ADDUCTOR_TOKEN_KEYS": ",".join(keys)} if keys else {}
        settings = load(_env_file=None, ADDUCTOR_SECRET_KEY="0123456789abcdef0123456789abcdef", **given)
        monkeypatch.setattr(here_on_each.installation, "vault", Vault(settings.fernet_keys))
        return here_on_each.installation

    return start


def _connect(here: Place, count: int) -> None:
    for number in range(1, count + 1):
        athlete = here.runner()
        pair = Tokens(f"access {number}", f"refresh {number}", here.now + timedelta(hours=6))
        with here.installation.store.write() as session:
            give_tokens(session, here.installation, athlete, pair)


def _rows(installation: Installation) -> list[Connection]:
    with installation.store.read() as session:
        return list(session.scalars(select(Connection).order_by(Connection.id)))


def _tokens(installation: Installation) -> list[tuple[str, ...]]:
    """Access and refresh token of every connection."""
    pairs = [(row.access_encrypted or b"", row.refresh_encrypted or b"") for row in _rows(installation)]
    return [tuple(map(installation.vault.decrypt, pair)) for pair in pairs]


@pytest.mark.parametrize("before", [(OLD,), ()], ids=["a key that was set", "the key derived from the secret key"])
def test_a_key_is_replaced_and_dropped_and_every_token_is_what_it_was(
    here_on_each: Place, under: Under, before: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotate_keys, "BATCH", 3)
    count, earlier = 2 * 3 + 1, under(*before)
    _connect(here_on_each, count)
    expected = _tokens(earlier)

    both = under(NEW, *before)
    assert rotate_keys.count_keys(both) == KeyStatus(newest=0, older=count)
    assert rotate_keys.rotate_keys(both) == KeyStatus(older=count)
    assert rotate_keys.rotate_keys(both) == KeyStatus(newest=count)

    assert rotate_keys.count_keys(under(NEW)) == KeyStatus(newest=count)
    assert _tokens(under(NEW)) == expected
    assert rotate_keys.count_keys(under(LOST)).unreadable == count


def test_token_queued_for_revocation_is_rotated_too(here_on_each: Place, under: Under) -> None:
    under(OLD)
    _connect(here_on_each, 1)
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


def test_token_that_no_key_decrypts_is_counted_and_left(here_on_each: Place, under: Under) -> None:
    under(LOST)
    _connect(here_on_each, 2)
    before = [row.refresh_encrypted for row in _rows(under(LOST))]

    assert rotate_keys.rotate_keys(under(NEW, OLD)) == KeyStatus(unreadable=2)

    assert [row.refresh_encrypted for row in _rows(under(NEW))] == before


def test_refresh_under_way_is_not_disturbed(here_on_each: Place, under: Under) -> None:
    """A refresh compares the encrypted text to see that the runner has not connected anew; a changed one fails it."""
    under(OLD)
    _connect(here_on_each, 2)
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
    here_on_each: Place, under: Under, monkeypatch: pytest.MonkeyPatch
) -> None:
    under(OLD)
    _connect(here_on_each, 1)
    both = under(NEW, OLD)
    rotate = Vault.rotate

    def meanwhile(vault: Vault, encrypted: bytes) -> bytes:
        with both.store.write() as session:
            session.scalars(select(Connection)).one().refresh_encrypted = vault.encrypt("the new refresh token")
        return rotate(vault, encrypted)

    monkeypatch.setattr(Vault, "rotate", meanwhile)

    assert rotate_keys.rotate_keys(both) == KeyStatus(busy=1)
    assert _tokens(both)[0][1] == "the new refresh token"
