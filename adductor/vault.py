"""Platform tokens at rest: encrypted with Fernet, keys rotated by putting a new one first."""

from __future__ import annotations

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


class VaultError(Exception):
    """A stored secret can't be decrypted with the keys that are set."""


class Vault:
    """Encrypts with the newest key, decrypts with any of them. ``keys``: newest first."""

    def __init__(self, keys: list[str]) -> None:
        fernets = [Fernet(key) for key in keys]
        self._newest = fernets[0]
        self._fernet = MultiFernet(fernets)

    def encrypt(self, secret: str) -> bytes:
        return self._fernet.encrypt(secret.encode())

    def decrypt(self, encrypted: bytes) -> str:
        """Raises VaultError when no key fits."""
        try:
            return self._fernet.decrypt(encrypted).decode()
        except InvalidToken:
            raise VaultError(
                "a stored token can't be decrypted: ADDUCTOR_TOKEN_KEYS (or ADDUCTOR_SECRET_KEY, which it derives from) "
                "lacks the key that it was encrypted with; put the old key back behind the new one"
            ) from None

    def rotate(self, encrypted: bytes) -> bytes:
        """The same secret under the newest key. Raises VaultError when no key fits."""
        try:
            return self._fernet.rotate(encrypted)
        except InvalidToken:
            raise VaultError("a stored token can't be decrypted with the keys that are set") from None

    def is_newest(self, encrypted: bytes) -> bool:
        """Whether it is encrypted under the newest key."""
        return _opens(self._newest, encrypted)

    def opens(self, encrypted: bytes) -> bool:
        """Whether any of the keys opens it."""
        return _opens(self._fernet, encrypted)


def _opens(fernet: Fernet | MultiFernet, encrypted: bytes) -> bool:
    try:
        fernet.decrypt(encrypted)
    except InvalidToken:
        return False
    return True
