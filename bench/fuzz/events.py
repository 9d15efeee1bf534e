"""Bodies for the webhook: valid events, and what becomes of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random

from bench.fuzz.mutations import TEXTS, spoil, spoil_text

# An event as written: names and values as they stand in the JSON, so that a name may come twice and a number be no number.
Written = list[tuple[str, str]]

_TITLES = ("Morning Run", "Läuft 🏃", "done: adductors", 'Lunch "Run"', "1\u20442 marathon", "")
_NUMBERS = (
    "0", "-0", "-1", "1", "1.0", "1e3", "1E400", "-1e999", "0x10", "01", "+1", "1_000",
    "9223372036854775807", "9223372036854775808",
    "9" * 40, "9" * 4_299, "9" * 4_301, "9" * 9_000, "4102444800", "4102444801", "253402300800",
    "1795348800000", "0.1", ".5", "NaN",
    "Infinity", "-Infinity", "null", "true", "false", '"1795348800"', '""', "[]", "{}", "[1795348800]",
    '{"$gt": 0}', "undefined",
)  # fmt: skip
_WORDS = (
    '"activity"', '"athlete"', '"club"', '"Activity"', '"activity "', '"\\u0061ctivity"', '"create"',
    '"update"', '"delete"',
    '"creat\\u0000e"', '"\\ud83d"', '["create"]', "null", "1", '{"a": "create"}', '"' + "a" * 3_000 + '"', '"сreate"',
)  # fmt: skip


def body(rng: Random) -> bytes:
    """A body: a quarter valid, the others spoilt in one to three ways."""
    written = _valid(rng)
    if rng.random() < 0.25:
        return _joined(written, rng)
    for _ in range(rng.choice((1, 1, 2, 3))):
        written = rng.choice(_WAYS)(written, rng)
    raw = _joined(written, rng)
    draw = rng.random()
    if draw < 0.3:
        raw = spoil(raw, rng)
    elif draw < 0.36:
        raw = _recoded(raw, rng)
    elif draw < 0.39:
        raw = rng.choice(
            (
                b"",
                b"[]",
                b"null",
                b"1",
                b'"x"',
                b"[" * 20_000,
                b'{"a":' * 3_000,
                raw + raw,
                b"[" + raw + b"]",
                b" " * rng.choice((16_000, 16_384, 65_536, 65_537)) + raw,
            )
        )
    return raw


def _valid(rng: Random) -> Written:
    kind = rng.choice(("activity", "activity", "activity", "athlete"))
    aspect = rng.choice(("create", "update", "delete")) if kind == "activity" else "update"
    updates: dict[str, object] = {}
    if aspect == "update":
        updates = {"title": rng.choice(_TITLES)} if kind == "activity" else {"authorized": "false"}
    # Few enough that some come twice, with the same contents and with others.
    return [
        ("aspect_type", json.dumps(aspect)),
        ("event_time", str(1_795_348_800 + rng.randrange(4))),
        ("object_id", str(16_000_000_000 + rng.randrange(200))),
        ("object_type", json.dumps(kind)),
        ("owner_id", str(134_800 + rng.randrange(50))),
        ("subscription_id", "120475"),
        ("updates", json.dumps(updates, ensure_ascii=rng.random() < 0.5)),
    ]


def _joined(written: Written, rng: Random) -> bytes:
    gap = rng.choice(("", " ", "\n\t", "  "))
    text = "{" + ",".join(f'{gap}"{name}"{gap}:{gap}{value}' for name, value in written) + gap + "}"
    return text.encode("utf-8", "surrogatepass")


def _another_value(written: Written, rng: Random) -> Written:
    at = rng.randrange(len(written))
    name, value = written[at]
    if name in ("aspect_type", "object_type"):
        value = rng.choice(_WORDS)
    elif name == "updates":
        value = _updates(rng)
    else:
        value = rng.choice(_NUMBERS)
    return [*written[:at], (name, value), *written[at + 1 :]]


def _updates(rng: Random) -> str:
    draw = rng.randrange(9)
    if draw == 0:
        return rng.choice(("null", "[]", "true", '"title"', "0", '[["title", "x"]]'))
    if draw == 1:
        return json.dumps({f"k{number}": "v" for number in range(rng.choice((19, 20, 21, 500)))})
    if draw == 2:
        return json.dumps({"t" * rng.choice((63, 64, 65, 5_000)): "v"})
    if draw == 3:
        return json.dumps({"title": "x" * rng.choice((999, 1_000, 1_001, 12_000))})
    if draw == 4:
        return '{"title": ' + rng.choice(_NUMBERS) + "}"
    if draw == 5:
        return (
            '{"title": "'
            + rng.choice(
                ("\\ud83d", "\\ude00\\ud83d", "\\ud83d\\ude00", "a\\u0000b", "\\u202e", "\\x", "\\u12", "\x01", "\\\\")
            )
            + '"}'
        )
    if draw == 6:
        return '{"title": "a", "title": "b", "\\u0074itle": "c"}'
    if draw == 7:
        return json.dumps(
            {spoil_text("title", rng): spoil_text(rng.choice(_TITLES), rng)}, ensure_ascii=rng.random() < 0.5
        )
    return json.dumps({"title": rng.choice(TEXTS), "private": rng.choice((True, False, "true", None)), "type": "Run"})


def _without(written: Written, rng: Random) -> Written:
    at = rng.randrange(len(written))
    return written[:at] + written[at + 1 :] or written


def _twice(written: Written, rng: Random) -> Written:
    name, value = rng.choice(written)
    again = value if rng.random() < 0.5 else rng.choice(_NUMBERS)
    at = rng.randint(0, len(written))
    return [*written[:at], (name, again), *written[at:]]


def _something_more(written: Written, rng: Random) -> Written:
    deep = rng.choice((1, 20, 100, 190, 400, 900, 3_000))
    value = rng.choice(
        ("[" * deep + "]" * deep, '{"a":' * deep + "1" + "}" * deep, '"' + rng.choice(("x", "é")) * deep + '"', "1")
    )
    at = rng.randint(0, len(written))
    return [
        *written[:at],
        (rng.choice(("new", "", "\\u0000", "updates ", "Object_ID", "__proto__")), value),
        *written[at:],
    ]


def _in_another_order(written: Written, rng: Random) -> Written:
    written = [*written]
    rng.shuffle(written)
    return written


def _recoded(raw: bytes, rng: Random) -> bytes:
    text = raw.decode("utf-8", "replace")
    way = rng.randrange(6)
    if way == 0:
        return b"\xef\xbb\xbf" + raw
    if way == 1:
        return text.encode("utf-16")
    if way == 2:
        return text.encode("utf-32-le")
    if way == 3:
        return text.encode("latin-1", "replace")
    if way == 4:
        return b"\x1f\x8b\x08\x00" + raw
    return raw.replace(b'"', b"'")


_WAYS: tuple[Callable[[Written, Random], Written], ...] = (
    _another_value, _another_value, _another_value, _without, _twice, _something_more, _in_another_order,
)  # fmt: skip
