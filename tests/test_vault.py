"""Tokens at rest."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet

from adductor.vault import Vault, VaultError

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def test_what_was_sealed_opens_again_and_does_not_show() -> None:
    vault = Vault([OLD])

    sealed = vault.seal("a-token")

    assert b"a-token" not in sealed
    assert vault.open(sealed) == "a-token"


def test_after_a_rotation_old_tokens_still_open() -> None:
    sealed = Vault([OLD]).seal("a-token")

    assert Vault([NEW, OLD]).open(sealed) == "a-token"


def test_resealed_tokens_no_longer_need_the_old_key() -> None:
    sealed = Vault([NEW, OLD]).reseal(Vault([OLD]).seal("a-token"))

    assert Vault([NEW]).open(sealed) == "a-token"


def test_without_the_key_the_error_names_the_setting_and_not_the_token() -> None:
    sealed = Vault([OLD]).seal("a-token")

    with pytest.raises(VaultError, match="ADDUCTOR_TOKEN_KEYS"):
        Vault([NEW]).open(sealed)
    with pytest.raises(VaultError):
        Vault([NEW]).reseal(sealed)
