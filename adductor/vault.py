"""Encryption of platform tokens at rest: Fernet, keys rotated by putting a new one first."""

from __future__ import annotations

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


class VaultError(Exception):
    """None of the keys that are set decrypts a stored secret."""


class Vault:
    """Encrypts with the newest key, decrypts with any of them. ``keys``: Fernet keys, newest first."""

    def __init__(self, keys: list[str]) -> None:
        fernets = [Fernet(key) for key in keys]
        self._newest = fernets[0]
        self._all = MultiFernet(fernets)

    def encrypt(self, secret: str) -> bytes:
        """The ciphertext under the newest key."""
        return self._newest.encrypt(secret.encode())

    def decrypt(self, ciphertext: bytes) -> str:
        """The secret. Raises VaultError when no key fits."""
        try:
            return self._all.decrypt(ciphertext).decode()
        except InvalidToken:
            raise VaultError(
                "a stored token can't be decrypted: ADDUCTOR_TOKEN_KEYS (or ADDUCTOR_SECRET_KEY, which it derives from) "
                "lacks the key that encrypted it; put the old key back behind the new one"
            ) from None

    def rotate(self, ciphertext: bytes) -> bytes:
        """The same secret under the newest key. Raises VaultError when no key fits."""
        return self.encrypt(self.decrypt(ciphertext))

    def is_newest(self, ciphertext: bytes) -> bool:
        """Whether the newest key decrypts it."""
        try:
            self._newest.decrypt(ciphertext)
        except InvalidToken:
            return False
        return True
