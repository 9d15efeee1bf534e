"""What the wire may carry and WSGI programs don't expect."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_PRINTABLE = "".join(chr(code) for code in range(0x21, 0x7F))


class AsciiQuery:
    """Queries as RFC 3986 has them: ASCII, everything else percent-encoded.

    Werkzeug decodes a query as UTF-8 without mercy: one stray byte would be our fault (500) and not the sender's. gunicorn
    refuses raw bytes by itself; WSGI doesn't ask that of a server.
    """

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        query = environ.get("QUERY_STRING", "")
        if not query.isascii():
            environ["QUERY_STRING"] = quote(query.encode("latin-1"), safe=_PRINTABLE)
        return self._app(environ, start_response)
