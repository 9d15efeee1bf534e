"""Tokens at rest."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet

from adductor.vault import Vault, VaultError

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def test_own_ciphertext_hides_the_secret_until_a_key_of_the_ring_decrypts_it() -> None:
    old, both = Vault([OLD]).encrypt("a-token"), Vault([NEW, OLD])

    assert b"a-token" not in old
    assert [Vault([OLD]).decrypt(old), both.decrypt(old), Vault([NEW]).decrypt(both.rotate(old))] == ["a-token"] * 3
    assert not both.is_newest(old)
    for act in (Vault([NEW]).decrypt, Vault([NEW]).rotate):
        with pytest.raises(VaultError, match="ADDUCTOR_TOKEN_KEYS"):
            act(old)
