"""A push service on this machine: real HTTP on a free port, VAPID checked, messages decrypted as a browser does."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02
from py_vapid.utils import b64urldecode, b64urlencode
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response
from werkzeug.datastructures import Headers


@dataclass(frozen=True)
class Received:
    """One message as the browser reads it, and its headers."""

    message: dict[str, Any]
    headers: Headers


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
        point = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return {"endpoint": self.endpoint, "p256dh": b64urlencode(point), "auth": b64urlencode(self.auth)}


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

    def take(self, request: Request) -> Response:
        """Answer 401 for a signature that doesn't fit, else as the browser wants."""
        self.seen.append(request.path)
        browser = self.browsers[request.path]
        status = browser.answers.pop(0) if browser.answers else 201
        if not self._is_signed(request.headers["Authorization"]):
            status = 401
        if status == 201:
            text = http_ece.decrypt(request.data, private_key=browser.key, auth_secret=browser.auth)
            browser.received.append(Received(json.loads(text), request.headers))
        return Response(status=status, headers={"Location": f"{self.origin}/elsewhere"})

    def _is_signed(self, authorization: str) -> bool:
        claims = json.loads(b64urldecode(authorization.split(".")[1].encode()))
        is_in_time = time.time() < claims["exp"] <= time.time() + 86_400
        is_addressed = claims["aud"] == self.origin and claims["sub"].startswith("mailto:")
        return Vapid02.verify(authorization) and is_in_time and is_addressed


@contextmanager
def push_service() -> Iterator[PushService]:
    with HTTPServer("127.0.0.1") as server:
        service = PushService(server.url_for("").rstrip("/"))
        server.expect_request(re.compile("/")).respond_with_handler(service.take)
        yield service
