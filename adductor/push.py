"""Web Push sender: VAPID (RFC 8292), message encryption (RFC 8291), and a client that reaches push services only.

A subscription's address is a stranger's input: https, a known push service, a public network address, no redirects. The
network address is checked between resolving and connecting, so that a name can't change in between.
"""

from __future__ import annotations

import ipaddress
import json
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import certifi
import http_ece
import urllib3
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02
from py_vapid.utils import b64urldecode, b64urlencode
from urllib3.connection import HTTPSConnection

# Chrome, Edge and most others; Firefox; Safari; Windows. A host counts with everything below it.
SERVICES = ("fcm.googleapis.com", "push.services.mozilla.com", "push.apple.com", "notify.windows.com")
TIMEOUT_S = 10.0
_LONGEST_ENDPOINT = 1000
_AUTH_BYTES = 16  # RFC 8291, section 3.2
_TAKEN = frozenset({200, 201, 202, 204})
_PASSING = frozenset({408, 429})
_ORDER_OF_P256 = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class SubscriptionError(ValueError):
    """No messages can be sent to this subscription (any more); the message says why."""


class PushLaterError(Exception):
    """The push service did not take the message now."""


@dataclass(frozen=True, slots=True)
class PushSubscription:
    """A browser's subscription: where its messages go, and the keys that encrypt them (base64url)."""

    endpoint: str
    p256dh: str
    auth: str


class Pusher:
    """Sends messages. ``secret``: 64 hex characters, from which the VAPID key is derived; ``contact``: of the operator.

    ``others``: origins that count beside the known services; only these may be on this machine, and without TLS.
    """

    def __init__(self, secret: str, contact: str, others: Sequence[str] = ()) -> None:
        self._key = ec.derive_private_key(int(secret, 16) % (_ORDER_OF_P256 - 1) + 1, ec.SECP256R1())
        self._contact = contact
        self._others = frozenset(others)

    @property
    def public_key(self) -> str:
        """The ``applicationServerKey`` of subscriptions (base64url)."""
        point = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return str(b64urlencode(point))

    def check(self, subscription: PushSubscription) -> None:
        """Raises SubscriptionError for an address or keys that can't be used."""
        origin, host, _ = _parts(subscription.endpoint)
        known = origin == f"https://{host}" and any(f".{host}".endswith(f".{name}") for name in SERVICES)
        if not known and origin not in self._others:
            raise SubscriptionError("its push service is not one that we know")
        try:
            ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b64urldecode(subscription.p256dh.encode()))
            auth = b64urldecode(subscription.auth.encode())
        except ValueError:
            auth = b""
        if len(auth) != _AUTH_BYTES:
            raise SubscriptionError("its keys can't be read")

    def send(self, subscription: PushSubscription, message: dict[str, str], *, topic: str, ttl_s: int) -> None:
        """Hand over one message; a later one of the same topic takes its place. Raises PushLaterError.

        Raises SubscriptionError when it has ended (404, 410), or when the service refuses it for good.
        """
        self.check(subscription)  # the setting may have changed since it was stored
        origin, host, target = _parts(subscription.endpoint)
        body = http_ece.encrypt(
            json.dumps(message).encode(),
            private_key=ec.generate_private_key(ec.SECP256R1()),
            dh=b64urldecode(subscription.p256dh.encode()),
            auth_secret=b64urldecode(subscription.auth.encode()),
            version="aes128gcm",
        )
        headers = {"Content-Encoding": "aes128gcm", "TTL": str(ttl_s), "Topic": topic, "Urgency": "normal"}
        headers |= Vapid02(self._key).sign({"aud": origin, "sub": self._contact})
        try:
            with self._pool(origin, host) as pool:
                answer = pool.urlopen("POST", target, body, headers, retries=False, redirect=False, timeout=TIMEOUT_S)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise PushLaterError(f"{host} does not answer: {type(error).__name__}") from error
        if answer.status in _PASSING or answer.status >= 500:
            raise PushLaterError(f"{host} answered {answer.status}")
        if answer.status not in _TAKEN:
            raise SubscriptionError(f"{host} answered {answer.status}")

    def _pool(self, origin: str, host: str) -> urllib3.HTTPConnectionPool:
        if origin in self._others:
            return urllib3.connection_from_url(origin)
        pool = urllib3.HTTPSConnectionPool(host, ca_certs=certifi.where())
        pool.ConnectionCls = _PublicConnection
        return pool


class _PublicConnection(HTTPSConnection):
    """A TLS connection to a public network address."""

    def _new_conn(self) -> socket.socket:
        found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        addresses = [str(entry[4][0]) for entry in found]
        if not addresses or not all(map(is_public, addresses)):
            raise OSError("the host of a push service has an address that is not public")
        return urllib3.util.connection.create_connection((addresses[0], self.port), TIMEOUT_S)


def is_public(address: str) -> bool:
    """Whether a network address belongs to the public internet."""
    ip = ipaddress.ip_address(address)
    inner = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    return (inner or ip).is_global and not (inner or ip).is_multicast


def _parts(endpoint: str) -> tuple[str, str, str]:
    """The origin of an address, without a default port, its host, and its path. Raises SubscriptionError."""
    try:
        parts = urlsplit(endpoint)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        host = ""
    is_plain = endpoint.isascii() and endpoint.isprintable() and not set(" #\\") & set(endpoint)
    if not host or not is_plain or len(endpoint) > _LONGEST_ENDPOINT or "@" in parts.netloc:
        raise SubscriptionError("its address can't be read")
    is_default = port is None or (parts.scheme, port) == ("https", 443)
    return (
        f"{parts.scheme}://{host}" + ("" if is_default else f":{port}"),
        host,
        endpoint.partition(parts.netloc)[2] or "/",
    )
