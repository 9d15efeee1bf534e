"""The kinds of input: how one is made, and which statuses it may get by the documents.

`make` draws; `expected` judges any request, also one that was made smaller; `note` enters into the ledger what the answer
allows the tables to hold.
"""

from __future__ import annotations

import json
import re
from random import Random
from typing import Protocol
from urllib.parse import quote

from bench.fuzz import events
from bench.fuzz.mutations import BYTES, spoil, spoil_text
from bench.fuzz.reference import LARGEST_REQUEST_BYTES, event_of, pairs_of, path_of, query_of
from bench.fuzz.world import LINK_KINDS, Answer, Request, World

SCOPES = ("read", "activity:read_all", "activity:write")
_MUST_HAVE = {"read", "activity:read_all"}
_LARGEST_CHALLENGE = 256


class Kind(Protocol):
    name: str

    def make(self, rng: Random, world: World) -> Request: ...
    def expected(self, request: Request, world: World) -> set[int]: ...
    def note(self, request: Request, answer: Answer, world: World) -> str | None: ...


def _with_nul(request: Request) -> set[int] | None:
    """No text of ours holds a NUL: 400, or whatever else is wrong with it. None: there is none."""
    if any("\0" in text for pair in pairs_of(request.target) for text in pair):
        return {400}
    return {400, 404, 405} if "\0" in path_of(request.target) else None


def _by_form(request: Request) -> set[int]:
    """What a body may get that is read as a form; whether it is one, and whether a NUL is in it, is the parser's word."""
    with_nul = b"\0" in request.body or b"%00" in request.body
    return ({400} if with_nul else set()) | ({413} if len(request.body) > LARGEST_REQUEST_BYTES else set())


def _lost(path: str) -> set[int]:
    """What a path that is nobody's gets; one with doubled slashes may be sent on to the one without."""
    return {404, 308, 405} if "//" in path else {404, 405}


class Events:
    """POSTs to the webhook."""

    name = "webhook bodies"

    def make(self, rng: Random, world: World) -> Request:
        key = world.key.encode()
        if rng.random() < 0.02:
            key = spoil(key, rng)
        kind = (
            "application/json"
            if rng.random() < 0.9
            else rng.choice(
                (None, "text/plain", "multipart/form-data", "application/x-www-form-urlencoded; charset=\x00")
            )
        )
        return Request("POST", b"/webhooks/strava/" + quote(key, safe=b"").encode(), events.body(rng), kind)

    def expected(self, request: Request, world: World) -> set[int]:
        path = path_of(request.target)
        if (refused := _with_nul(request)) is not None:
            return refused
        if path != f"/webhooks/strava/{world.key}":
            return _lost(path) | _by_form(request)
        if len(request.body) > LARGEST_REQUEST_BYTES:
            return {413}
        return {400} if event_of(request.body) is None else {200}

    def note(self, request: Request, answer: Answer, world: World) -> str | None:
        if answer.status == 200:
            world.ledger.event(event_of(request.body))
            return None if json.loads(answer.body) == {"stored": True} else "200 without saying that it is stored"
        if answer.status == 400 and not isinstance(json.loads(answer.body).get("error"), str):
            return "400 without a reason"
        return None


class Handshakes:
    """GETs of the webhook."""

    name = "handshakes"

    def make(self, rng: Random, world: World) -> Request:
        values = {
            "hub.mode": b"subscribe",
            "hub.verify_token": world.verify_token.encode(),
            "hub.challenge": b"15f7d1a91c1f40f8",
        }
        if rng.random() < 0.3:
            values["hub.challenge"] = rng.choice((b"c" * rng.choice((1, 255, 256, 257, 5_000)), rng.choice(BYTES), b""))
        key = world.key.encode() if rng.random() < 0.97 else quote(spoil(world.key.encode(), rng)).encode()
        method = "GET" if rng.random() < 0.97 else rng.choice(("HEAD", "PUT", "OPTIONS"))
        return Request(method, b"/webhooks/strava/" + key + b"?" + _query(values, rng))

    def expected(self, request: Request, world: World) -> set[int]:
        path = path_of(request.target)
        if (refused := _with_nul(request)) is not None:
            return refused
        if request.method == "OPTIONS":
            return {200, *_lost(path)}
        if path != f"/webhooks/strava/{world.key}":
            return _lost(path)
        if request.method == "PUT":
            return {405}
        return {400} if self._challenge(request, world) is None else {200}

    def _challenge(self, request: Request, world: World) -> str | None:
        query = query_of(request.target)
        challenge = query.get("hub.challenge", "")
        good = (
            query.get("hub.mode") == "subscribe"
            and query.get("hub.verify_token") == world.verify_token
            and 0 < len(challenge) <= _LARGEST_CHALLENGE
        )
        return challenge if good else None

    def note(self, request: Request, answer: Answer, world: World) -> str | None:
        if answer.status != 200 or request.method != "GET":
            return None
        same = json.loads(answer.body) == {"hub.challenge": self._challenge(request, world)}
        return None if same else "another challenge than was given"


class Redirects:
    """The way out to Strava, and what comes back from there."""

    name = "OAuth redirects"

    def make(self, rng: Random, world: World) -> Request:
        cookies = list(world.states)
        cookie = rng.choice(cookies)
        if rng.random() < 0.06:
            back_to = rng.choice(
                ("/routine/abc", "//evil.example", "https://evil.example/", "/routine/a\r\nX: y", "javascript:1")
            )
            target = b"/connect/strava?" + _query({"next": back_to.encode(), "again": b"1"}, rng)
            return Request("GET", target, cookie=cookie)
        values = {"state": world.states[cookie].encode(), "code": b"0" * 40, "scope": ",".join(SCOPES).encode()}
        if rng.random() < 0.01:
            values["code"] = rng.choice(world.codes).encode()
        # The exchange is a call to Strava; it is the sandbox's turn in one of a few.
        elif rng.random() < 0.9:
            values["scope"] = rng.choice(
                (
                    b"",
                    b"read",
                    b"read,activity:read",
                    b"activity:read_all activity:write",
                    b"read_all,activity:read_all",
                )
            )
        if rng.random() < 0.1:
            values["error"] = b"access_denied"
        if rng.random() < 0.3:
            values["state"] = rng.choice((b"", world.states[rng.choice(cookies)].encode(), spoil(values["state"], rng)))
        given: str | None = cookie
        if rng.random() < 0.3:
            at = rng.randint(9, len(cookie) - 40)
            given = rng.choice(
                (
                    None,
                    "adductor=",
                    "adductor=e30.x.y",
                    rng.choice(cookies),
                    cookie[:at] + rng.choice('AZaz09-_.!"; \x7f') + cookie[at + 1 :],
                )
            )
        return Request("GET", b"/connect/strava/callback?" + _query(values, rng), cookie=given)

    def expected(self, request: Request, world: World) -> set[int]:
        path = path_of(request.target)
        if (refused := _with_nul(request)) is not None:
            return refused
        if path == "/connect/strava":
            return {302}
        if path != "/connect/strava/callback":
            return _lost(path)
        query = query_of(request.target)
        state = world.states.get(request.cookie or "")
        if state is None or query.get("state") != state:
            return {400}
        if "error" in query:
            return {200}
        if not set(query.get("scope", "").replace(",", " ").split()) >= _MUST_HAVE:
            return {400}
        # A real code is good for the first who brings it.
        return {302, 400} if query.get("code") in world.codes else {400}

    def note(self, request: Request, answer: Answer, world: World) -> str | None:
        leads_to = answer.header("location")
        if path_of(request.target) == "/connect/strava" and answer.status == 302:
            return None if leads_to.startswith(f"{world.sandbox_url}/oauth/authorize?") else f"sent to {leads_to}"
        if answer.status == 302:
            world.ledger.connected = True
            return None if leads_to in ("/welcome", "/home") else f"sent to {leads_to}"
        if answer.status == 400 and "athlete" in answer.header("set-cookie"):
            return "a session for nobody"
        return None


class Links:
    """Links of mails and notes: those that work, those that did, and everything near them."""

    name = "answer links"
    _PATH = re.compile(r"/(a|unsubscribe|confirm-address)/([^/]+)\Z")

    def make(self, rng: Random, world: World) -> Request:
        kind = rng.choice(LINK_KINDS)
        draw = rng.random()
        if draw < 0.03:
            token = rng.choice(world.links[kind]).encode()
        elif draw < 0.06:
            token = rng.choice(world.old_links[kind]).encode()
        else:
            theirs = rng.choice(world.secret_links[kind])
            token = theirs.encode()
            while self._opens(token, kind, world):
                token = self._forged(rng, theirs, world).encode("utf-8", "surrogatepass")
        escaped = token if rng.random() < 0.1 else quote(token, safe=b"").encode()
        method = "POST" if rng.random() < 0.6 else rng.choice(("GET", "GET", "GET", "HEAD", "PUT", "DELETE"))
        target = b"/" + kind.encode() + b"/" + escaped
        if method != "POST":
            return Request(method, target)
        return Request(method, target, *self._form(rng))

    def _opens(self, token: bytes, kind: str, world: World) -> bool:
        return path_of(token) in world.secret_links[kind]

    def _forged(self, rng: Random, token: str, world: World) -> str:
        payload, _, signature = token.rpartition(".")
        way = rng.randrange(8)
        if way == 0:  # one sign of the signature
            at = rng.randrange(len(signature))
            return f"{payload}.{signature[:at]}{rng.choice('ABCXYZabcxyz0189-_!.')}{signature[at + 1 :]}"
        if way == 1:  # the payload of one, the signature of another
            other = rng.choice([*world.links["a"], *world.links["unsubscribe"]])
            return f"{payload}.{other.rpartition('.')[2]}"
        if way == 2:
            return rng.choice([t for k in LINK_KINDS for t in (*world.secret_links[k], *world.links[k]) if t != token])
        if way == 3:
            return token[: rng.randrange(len(token))]
        if way == 4:
            return token + rng.choice((".", "=", "==", "A", "x" * 3_000, ".eJwz", "%3D", "!"))
        if way == 5:
            return spoil_text(token, rng)
        if way == 6:
            return "".join(
                rng.choice("abcdefghijklmnopqrstuvwxyzABCXYZ0123456789-_.")
                for _ in range(rng.choice((1, 20, 90, 8_000)))
            )
        return spoil(token.encode(), rng).decode("utf-8", "replace")

    def _form(self, rng: Random) -> tuple[bytes, str | None]:
        values = {
            "said": rng.choice((b"done", b"pain", b"too_hard", b"nonsense", b"")),
            "pain": rng.choice((b"7", b"11", b"\xd9\xa3", b"9" * 5_000, b"-0")),
            "sign": b"night_pain",
            "where": b"left",
            "again": b"1",
        }
        if rng.random() < 0.1:
            return rng.choice(BYTES) * 50, "multipart/form-data; boundary=" + rng.choice(("x", "", '"', "\u00e9" * 80))
        return _query(values, rng), "application/x-www-form-urlencoded"

    def expected(self, request: Request, world: World) -> set[int]:
        found = self._PATH.fullmatch(path_of(request.target))
        if (refused := _with_nul(request)) is not None:
            return refused
        if found is None:
            statuses = _lost(path_of(request.target))
        elif request.method in ("PUT", "DELETE"):
            statuses = {405}
        else:
            statuses = self._by_token(*found.groups(), method=request.method, world=world)
        return statuses | _by_form(request)

    def _by_token(self, kind: str, token: str, *, method: str, world: World) -> set[int]:
        if token in world.old_links[kind]:
            return {410}
        if token in (*world.links[kind], *world.secret_links[kind]):
            return {200, 400} if kind == "a" and method == "POST" else {200}
        return {404}

    def note(self, request: Request, answer: Answer, world: World) -> str | None:
        if answer.status == 200 and request.method == "POST":
            kind = path_of(request.target).split("/")[1]
            world.ledger.answered |= kind == "a"
            world.ledger.unsubscribed |= kind == "unsubscribe"
            world.ledger.confirmed |= kind == "confirm-address"
        return None


def _query(values: dict[str, bytes], rng: Random) -> bytes:
    """A query or a form with one thing wrong at most times."""
    pairs = list(values.items())
    draw = rng.random()
    if draw < 0.35:
        at = rng.randrange(len(pairs))
        pairs[at] = (pairs[at][0], spoil(pairs[at][1], rng))
    elif draw < 0.45:
        pairs.pop(rng.randrange(len(pairs)))
    elif draw < 0.55:
        name, value = rng.choice(pairs)
        pairs.insert(rng.randint(0, len(pairs)), (name, rng.choice((value, spoil(value, rng)))))
    elif draw < 0.6:
        pairs += [(f"x{number}", b"") for number in range(rng.choice((1, 30, 600)))]
    rng.shuffle(pairs)
    raw = b"&".join(name.encode() + b"=" + quote(value, safe=b"").encode() for name, value in pairs)
    return spoil(raw, rng) if rng.random() < 0.25 else raw


KINDS: tuple[tuple[int, Kind], ...] = ((55, Events()), (10, Handshakes()), (15, Redirects()), (20, Links()))
