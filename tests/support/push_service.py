"""A push service on this machine: real HTTP on a free port, VAPID checked, messages decrypted as a browser does (RFC 8291).

The decryption is written out with `cryptography` alone, so that it shares nothing with what is tested.
"""

from __future__ import annotations

import base64
import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _hkdf(salt: bytes, secret: bytes, info: bytes, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, salt, info).derive(secret)


@dataclass(frozen=True)
class Received:
    """One message as the browser reads it, and its headers."""

    message: dict[str, Any]
    headers: dict[str, str]


@dataclass
class Browser:
    """A browser that is subscribed: its address, keys and messages. ``answers``: statuses to give before 201."""

    endpoint: str
    answers: list[int] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    auth: bytes = field(default_factory=lambda: os.urandom(16))

    @property
    def form(self) -> dict[str, str]:
        """The subscription as a page sends it."""
        return {
            "endpoint": self.endpoint,
            "p256dh": _encoded(_point(self.key.public_key())),
            "auth": _encoded(self.auth),
        }

    def decrypt(self, body: bytes) -> bytes:
        salt, key_length = body[:16], body[20]
        sender, text = body[21 : 21 + key_length], body[21 + key_length :]
        shared = self.key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender))
        info = b"WebPush: info\0" + _point(self.key.public_key()) + sender
        secret = _hkdf(self.auth, shared, info, 32)
        key = _hkdf(salt, secret, b"Content-Encoding: aes128gcm\0", 16)
        nonce = _hkdf(salt, secret, b"Content-Encoding: nonce\0", 12)
        return AESGCM(key).decrypt(nonce, text, None).rstrip(b"\0").removesuffix(b"\2")


@dataclass
class PushService:
    """The service at ``origin``, and its browsers by path. ``seen``: the path of every request."""

    origin: str
    browsers: dict[str, Browser] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)

    def browser(self, *answers: int) -> Browser:
        path = f"/push/{len(self.browsers)}"
        self.browsers[path] = Browser(self.origin + path, list(answers))
        return self.browsers[path]

    def take(self, path: str, headers: dict[str, str], body: bytes) -> int:
        """The status for a message: 401 for a signature that doesn't fit, else as the browser wants."""
        self.seen.append(path)
        browser = self.browsers[path]
        if not _is_signed(headers["Authorization"], self.origin):
            return 401
        status = browser.answers.pop(0) if browser.answers else 201
        if status == 201:
            browser.received.append(Received(json.loads(browser.decrypt(body)), headers))
        return status


def _is_signed(authorization: str, origin: str) -> bool:
    scheme, _, values = authorization.partition(" ")
    given = dict(part.split("=", 1) for part in values.split(","))
    signed, _, signature = given["t"].rpartition(".")
    header, claims = (json.loads(_decoded(part)) for part in signed.split("."))
    raw = _decoded(signature)
    numbers = (int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _decoded(given["k"]))
    key.verify(utils.encode_dss_signature(*numbers), signed.encode(), ec.ECDSA(hashes.SHA256()))
    is_in_time = time.time() < claims["exp"] <= time.time() + 86_400
    is_addressed = claims["aud"] == origin and claims["sub"].startswith("mailto:")
    return scheme == "vapid" and header["alg"] == "ES256" and is_in_time and is_addressed


@contextmanager
def push_service() -> Iterator[PushService]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(service.take(self.path, dict(self.headers), body))
            self.send_header("Location", f"{service.origin}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    service = PushService(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
