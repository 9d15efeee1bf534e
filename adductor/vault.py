"""Platform tokens at rest: encrypted with Fernet, keys rotated by putting a new one first."""

from __future__ import annotations

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


class VaultError(Exception):
    """A stored secret can't be opened with the keys that are set."""


class Vault:
    """Seals with the newest key, opens with any of them. ``keys``: newest first."""

    def __init__(self, keys: list[str]) -> None:
        fernets = [Fernet(key) for key in keys]
        self._newest = fernets[0]
        self._fernet = MultiFernet(fernets)

    def seal(self, secret: str) -> bytes:
        return self._fernet.encrypt(secret.encode())

    def open(self, sealed: bytes) -> str:
        """Raises VaultError when no key fits."""
        try:
            return self._fernet.decrypt(sealed).decode()
        except InvalidToken:
            raise VaultError(
                "a stored token can't be opened: ADDUCTOR_TOKEN_KEYS (or ADDUCTOR_SECRET_KEY, which it derives from) "
                "lacks the key that it was sealed with; put the old key back behind the new one"
            ) from None

    def reseal(self, sealed: bytes) -> bytes:
        """The same secret under the newest key. Raises VaultError when no key fits."""
        try:
            return self._fernet.rotate(sealed)
        except InvalidToken:
            raise VaultError("a stored token can't be opened with the keys that are set") from None

    def is_newest(self, sealed: bytes) -> bool:
        """Whether it was sealed under the newest key."""
        return _opens(self._newest, sealed)

    def opens(self, sealed: bytes) -> bool:
        """Whether any of the keys opens it."""
        return _opens(self._fernet, sealed)


def _opens(fernet: Fernet | MultiFernet, sealed: bytes) -> bool:
    try:
        fernet.decrypt(sealed)
    except InvalidToken:
        return False
    return True
