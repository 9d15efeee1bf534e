"""Ways to spoil bytes and text. Everything is drawn from the generator that is given, so a seed repeats it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

# What parsers of all kinds have stumbled over.
BYTES = (
    b"\0", b"\xff", b"\xfe\xff", b"\xef\xbb\xbf", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x80",
    b"\xe2\x80\xae",
    b"\r\n", b"\n", b"\t", b" ", b"\x0b", b"\x1b[31m", b"'", b'"', b"\\", b"/", b"..", b"%", b"%00",
    b"%0d%0a", b"%ff", b"%2e%2e%2f",
    b"&", b"=", b";", b"#", b"?", b"+", b"{", b"}", b"[", b"]", b",", b":", b"-", b"_", b".", b"~", b"null",
    b"NaN", b"Infinity",
    b"-1", b"0", b"1e999", b"9223372036854775808", b"<script>", b"${jndi:ldap://x}", b"{{7*7}}", b"%s%n",
    b"\xf0\x9f\x98\x80",
)  # fmt: skip
TEXTS = (
    *(piece.decode("utf-8", "replace") for piece in BYTES),
    "Ünïcödé", "𝕬𝖉𝖆", "\u202eevol", "\ufeff", "\u2028", "a" * 2_000, "x" * 70, "Ⅷ", "²", "١٢", "İ", "ß",
)  # fmt: skip


def spoil(raw: bytes, rng: Random, times: int | None = None) -> bytes:
    """``raw`` after one to three changes of its bytes."""
    for _ in range(times or rng.choice((1, 1, 1, 2, 3))):
        raw = rng.choice(_WAYS)(raw, rng)
    return raw


def spoil_text(text: str, rng: Random) -> str:
    """``text`` after a change, as text."""
    at = rng.randint(0, len(text))
    way = rng.randrange(5)
    if way == 0:
        return text[:at] + rng.choice(TEXTS) + text[at:]
    if way == 1:
        return text[:at]
    if way == 2:
        return text[:at] + chr(rng.choice((rng.randrange(0x80), rng.randrange(0xD800), 0x1F600))) + text[at + 1 :]
    if way == 3:
        return text[:at] + text[at + 1 :]
    return text.swapcase() if rng.random() < 0.5 else text * rng.randint(2, 4)


def _flip(raw: bytes, rng: Random) -> bytes:
    if not raw:
        return b"\x01"
    at = rng.randrange(len(raw))
    return raw[:at] + bytes([raw[at] ^ 1 << rng.randrange(8)]) + raw[at + 1 :]


def _insert(raw: bytes, rng: Random) -> bytes:
    at = rng.randint(0, len(raw))
    return raw[:at] + rng.choice(BYTES) + raw[at:]


def _replace(raw: bytes, rng: Random) -> bytes:
    at = rng.randint(0, len(raw))
    return raw[:at] + bytes([rng.randrange(256)]) + raw[at + 1 :]


def _cut_out(raw: bytes, rng: Random) -> bytes:
    at = rng.randint(0, len(raw))
    return raw[:at] + raw[at + rng.randint(1, 12) :]


def _truncate(raw: bytes, rng: Random) -> bytes:
    return raw[: rng.randint(0, len(raw))]


def _repeat(raw: bytes, rng: Random) -> bytes:
    at = rng.randint(0, len(raw))
    piece = raw[at : at + rng.randint(1, 40)]
    return raw[:at] + piece * rng.choice((2, 2, 3, 50)) + raw[at:]


def _swap(raw: bytes, rng: Random) -> bytes:
    a, b = sorted((rng.randint(0, len(raw)), rng.randint(0, len(raw))))
    return raw[b:] + raw[a:b] + raw[:a]


_WAYS: Sequence[Callable[[bytes, Random], bytes]] = (
    _flip,
    _flip,
    _insert,
    _insert,
    _replace,
    _cut_out,
    _truncate,
    _repeat,
    _swap,
)


def smallest(raw: bytes, still_fails: Callable[[bytes], bool], tries: int = 400) -> bytes:
    """A shorter ``raw`` that still fails: pieces are left out, from halves down to single bytes."""
    piece = max(1, len(raw) // 2)
    while piece and tries:
        at, shorter = 0, False
        while at < len(raw) and tries:
            candidate = raw[:at] + raw[at + piece :]
            tries -= 1
            if still_fails(candidate):
                raw, shorter = candidate, True
            else:
                at += piece
        if not shorter:
            piece //= 2
    return raw
