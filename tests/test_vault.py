"""Tokens at rest."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet

from adductor.vault import Vault, VaultError

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def test_decrypt_own_ciphertext_gives_the_secret_that_it_hides() -> None:
    ciphertext = Vault([OLD]).encrypt("a-token")

    assert b"a-token" not in ciphertext
    assert Vault([OLD]).decrypt(ciphertext) == "a-token"
    assert Vault([NEW, OLD]).decrypt(ciphertext) == "a-token"


def test_rotate_ciphertext_no_longer_needs_the_old_key() -> None:
    old, both = Vault([OLD]).encrypt("a-token"), Vault([NEW, OLD])

    assert not both.is_newest(old)
    assert Vault([NEW]).decrypt(both.rotate(old)) == "a-token"


def test_decrypt_without_the_key_names_the_setting_and_not_the_token() -> None:
    ciphertext = Vault([OLD]).encrypt("a-token")

    with pytest.raises(VaultError, match="ADDUCTOR_TOKEN_KEYS"):
        Vault([NEW]).decrypt(ciphertext)
    with pytest.raises(VaultError):
        Vault([NEW]).rotate(ciphertext)
