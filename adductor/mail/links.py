"""Signed links of mails and private notes: each names one purpose and expires.

A link is the permission for the one thing that it names. Opening one never changes anything.

The key of a routine is its public id and a proof (a MAC of it): short, and derived anew whenever it is needed. Texts are
stored without the proof, so that a leaked database opens no routine.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal

from itsdangerous import BadSignature, URLSafeSerializer

# A mail is answered within days; a month covers a holiday. Judgement.
ANSWER_GOOD_FOR = timedelta(days=30)
# A routine is for its day; two weeks let a runner look back and answer late. Judgement.
ROUTINE_GOOD_FOR = timedelta(days=14)
# 60 bits in base32: with the public id a key of 24 characters, of which none can end a sentence.
_PROOF_CHARS = 12
_KEY = re.compile(r"/r/([A-Za-z0-9_-]{12})([a-z2-7]{1,12})?(?![A-Za-z0-9_-])")
# Long enough for a mail that waits for its server, short enough that a forgotten address doesn't come back.
CONFIRM_GOOD_FOR = timedelta(days=3)
# RFC 8058 wants unsubscribing to work for as long as the mail lies there.
UNSUBSCRIBE_GOOD_FOR = timedelta(days=5 * 365)
Purpose = Literal["answer", "useful", "unsubscribe", "confirm"]


class LinkError(ValueError):
    """Not a link of ours, or not one for this purpose."""


class LinkExpiredError(LinkError):
    """It was ours, and its time is over."""


class Links:
    """Makes and reads links. ``now`` is the clock of the runners."""

    def __init__(self, secret: str, public_url: str, now: Callable[[], datetime]) -> None:
        self._secret = secret
        self._public_url = public_url
        self._now = now

    def routine(self, public_id: str) -> str:
        """The steps of a routine. Holds nothing of the runner's, so it may stand in a text that others read."""
        return f"{self._public_url}/routine/{public_id}"

    def runner_routine(self, public_id: str) -> str:
        """The routine for its runner alone: this link also finishes and answers it, in a browser that never signed in."""
        return f"{self._public_url}/r/{public_id}{self._proof(public_id)}"

    def read_routine(self, key: str) -> str:
        """The suggestion's public id. Raises LinkError."""
        public_id, proof = key[:-_PROOF_CHARS], key[-_PROOF_CHARS:]
        if not hmac.compare_digest(proof.encode(), self._proof(public_id).encode()):
            raise LinkError("not a link of ours")
        return public_id

    def check_routine(self, since: datetime) -> None:
        """Raise LinkExpiredError when the key of a suggestion made then has ended."""
        if self._now() > since + ROUTINE_GOOD_FOR:
            raise LinkExpiredError("the time of this link is over")

    def without_proofs(self, text: str) -> str:
        """The text as it may be stored."""
        return _KEY.sub(r"/r/\1", text)

    def with_proofs(self, text: str) -> str:
        """The stored text as it stands at the runner's."""
        return _KEY.sub(lambda found: f"/r/{found[1]}{self._proof(found[1])}", text)

    def answer(self, public_id: str, said: str | None, since: datetime) -> str:
        """Answer a suggestion; ``said`` chooses the answer beforehand. The same arguments give the same link."""
        return self._signed("a", "answer", public_id, said or "", since + ANSWER_GOOD_FOR)

    def useful(self, public_id: str, said: str | None, since: datetime) -> str:
        """Say whether routines are still useful, where a suggestion asks; ``said`` chooses beforehand."""
        return self._signed("useful", "useful", public_id, said or "", since + ANSWER_GOOD_FOR)

    def unsubscribe(self, athlete_id: int, external_id: str, since: datetime) -> str:
        """End the mails. It outlives runners, and SQLite gives the id of one who left to another: so it names both ids."""
        return self._signed("unsubscribe", "unsubscribe", athlete_id, external_id, since + UNSUBSCRIBE_GOOD_FOR)

    def confirm(self, athlete_id: int, address: str, since: datetime) -> str:
        """Confirm that mails to ``address`` are read by the runner."""
        return self._signed("confirm-address", "confirm", athlete_id, address, since + CONFIRM_GOOD_FOR)

    def _proof(self, public_id: str) -> str:
        digest = hmac.digest(f"adductor routine {self._secret}".encode(), public_id.encode(), hashlib.sha256)
        return base64.b32encode(digest).decode().lower()[:_PROOF_CHARS]

    def _signed(self, path: str, purpose: Purpose, about: str | int, value: str, until: datetime) -> str:
        token = self._signer(purpose).dumps([(str(about), value), int(until.timestamp())])
        return f"{self._public_url}/{path}/{token if isinstance(token, str) else token.decode()}"

    def read(self, purpose: Purpose, token: str) -> tuple[str, str]:
        """The two values of a link of ours for this purpose. Raises LinkError and LinkExpiredError."""
        signer = self._signer(purpose)
        try:
            (first, second), until = signer.loads(token)
        except (BadSignature, ValueError, TypeError) as error:
            raise LinkError("not a link of ours") from error
        # Base64 is read leniently: a signature would pass in other spellings too. Ours is the only one that was given out.
        if signer.make_signer().sign(token.rpartition(".")[0]).decode() != token:
            raise LinkError("not a link of ours")
        if self._now().timestamp() > until:
            raise LinkExpiredError("the time of this link is over")
        return str(first), str(second)

    def _signer(self, purpose: Purpose) -> URLSafeSerializer:
        # The purpose is part of the signature: a link for one thing can't be used for another.
        return URLSafeSerializer(self._secret, salt=f"adductor {purpose}")
