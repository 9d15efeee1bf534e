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
from adductor.store.models import Connection, Revocation
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


def _connect(here: Place, installation: Installation, count: int) -> None:
    for number in range(1, count + 1):
        athlete = here.runner()
        pair = Tokens(f"access {number}", f"refresh {number}", here.now + timedelta(hours=6))
        with installation.store.write() as session:
            give_tokens(session, installation, athlete, pair)


def _rows(installation: Installation) -> list[Connection]:
    with installation.store.read() as session:
        return list(session.scalars(select(Connection).order_by(Connection.id)))


def _tokens(installation: Installation) -> list[str]:
    """Access and refresh token of every connection, and the tokens that wait to be revoked."""
    encrypted = [token for row in _rows(installation) for token in (row.access_encrypted, row.refresh_encrypted)]
    with installation.store.read() as session:
        encrypted += session.scalars(select(Revocation.token_encrypted))
    return [installation.vault.decrypt(token or b"") for token in encrypted]


@pytest.mark.parametrize("before", [(OLD,), ()], ids=["a key that was set", "the key derived from the secret key"])
def test_a_key_is_replaced_and_dropped_and_every_token_is_what_it_was(
    here_on_each: Place, under: Under, before: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotate_keys, "BATCH", 3)
    earlier = under(*before)
    _connect(here_on_each, earlier, 2 * 3 + 1)
    with earlier.store.write() as session:
        revocation.queue(session, "strava", earlier.vault.encrypt("left"), here_on_each.now)
    expected, count = _tokens(earlier), 2 * 3 + 1 + 1
    assert len(expected) == 2 * 7 + 1

    both = under(NEW, *before)
    assert rotate_keys.count_keys(both) == KeyStatus(newest=0, older=count)
    assert rotate_keys.rotate_keys(both) == KeyStatus(older=count)
    assert rotate_keys.rotate_keys(both) == KeyStatus(newest=count)

    assert rotate_keys.count_keys(under(NEW)) == KeyStatus(newest=count)
    # What no key decrypts is counted and left.
    assert rotate_keys.rotate_keys(under(LOST)) == KeyStatus(unreadable=count)
    assert _tokens(under(NEW)) == expected


def test_refresh_under_way_is_not_disturbed(here_on_each: Place, under: Under) -> None:
    """A refresh compares the encrypted text to see that the runner has not connected anew; a changed one fails it."""
    _connect(here_on_each, under(OLD), 2)
    both = under(NEW, OLD)
    busy = _rows(both)[0]

    for lease_ends_s, found in ((30, KeyStatus(older=2)), (-1, KeyStatus(older=1, newest=1))):
        with both.store.write() as session:
            lease = both.clock.real_now() + timedelta(seconds=lease_ends_s)
            session.get_one(Connection, busy.id).lease_until = lease
        assert rotate_keys.rotate_keys(both) == found
        assert (_rows(both)[0].refresh_encrypted == busy.refresh_encrypted) is (found.older == 2)


def test_connecting_again_meanwhile_wins(here_on_each: Place, under: Under, monkeypatch: pytest.MonkeyPatch) -> None:
    _connect(here_on_each, under(OLD), 1)
    both, rotate = under(NEW, OLD), Vault.rotate

    def meanwhile(vault: Vault, encrypted: bytes) -> bytes:
        with both.store.write() as session:
            session.scalars(select(Connection)).one().refresh_encrypted = vault.encrypt("the new refresh token")
        return rotate(vault, encrypted)

    monkeypatch.setattr(Vault, "rotate", meanwhile)

    assert rotate_keys.rotate_keys(both) == KeyStatus(older=1)
    assert _tokens(both)[1] == "the new refresh token"
