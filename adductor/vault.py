"""Platform tokens at rest: encrypted with Fernet, keys rotated by putting a new one first."""

from __future__ import annotations

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


class VaultError(Exception):
    """A stored secret can't be opened with the keys that are set."""


class Vault:
    """Seals with the newest key, opens with any of them."""

    def __init__(self, keys: list[str]) -> None:
        self._fernet = MultiFernet([Fernet(key) for key in keys])

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
        """The same secret under the newest key."""
        try:
            return self._fernet.rotate(sealed)
        except InvalidToken:
            raise VaultError("a stored token can't be opened with the keys that are set") from None
