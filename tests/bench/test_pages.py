"""What a page costs on the wire, counted as a browser would: every file once, and on the next page what it must ask for."""

from __future__ import annotations

import gzip

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from bench.pages import Page, _weigh

STYLE = b"body { background: url('/paper.png') }" + b" " * 4000


@pytest.fixture
def site(httpserver: HTTPServer) -> HTTPServer:
    """A page with a stylesheet that may be kept and names a picture, and a script that must be asked for."""
    page = """<link rel="stylesheet" href="/style.css?v=1"><link rel="canonical" href="/elsewhere">
    <script src="/play.js"></script><script src="/play.js"></script><img src="data:image/png;base64,AA=="><a href="/home">"""

    def script(request: Request) -> Response:
        if request.headers.get("If-None-Match") == '"1"':
            return Response(status=304)
        return Response(b"x" * 3000, headers={"ETag": '"1"', "Cache-Control": "no-cache"})

    kept = {"Cache-Control": "public, max-age=86400"}
    httpserver.expect_request("/").respond_with_data(page, content_type="text/html")
    httpserver.expect_request("/style.css").respond_with_data(
        gzip.compress(STYLE), content_type="text/css", headers={"Content-Encoding": "gzip", **kept}
    )
    httpserver.expect_request("/paper.png").respond_with_data(b"p" * 500, content_type="image/png", headers=kept)
    httpserver.expect_request("/play.js").respond_with_handler(script)
    return httpserver


def _weighed(site: HTTPServer, path: str = "/") -> Page:
    page = Page("a page", path)
    _weigh(f"127.0.0.1:{site.port}", page, "adductor=signed")
    return page


def test_every_file_counts_once_also_those_that_a_stylesheet_names(site: HTTPServer) -> None:
    page = _weighed(site)

    assert sorted(page.files) == ["/paper.png", "/play.js", "/style.css?v=1"]
    assert page.first_bytes == page.html_bytes + sum(sent.bytes for sent in page.files.values())


def test_bytes_are_those_that_were_sent_and_not_the_unpacked_ones(site: HTTPServer) -> None:
    style = _weighed(site).files["/style.css?v=1"]

    assert style.bytes < len(STYLE)
    assert style.text == STYLE.decode()


def test_once_more_costs_the_page_and_the_question_about_what_may_not_be_kept(site: HTTPServer) -> None:
    page = _weighed(site)

    asked = page.again_bytes - page.html_bytes
    assert 0 < asked < 500
    assert [request.path for request, _ in site.log].count("/play.js") == 2
    assert [request.path for request, _ in site.log].count("/style.css") == 1


def test_what_is_no_page_is_an_error_and_no_figure(site: HTTPServer) -> None:
    site.expect_request("/gone").respond_with_data("no", status=302, headers={"Location": "/"})

    with pytest.raises(RuntimeError, match="/gone answered 302"):
        _weighed(site, "/gone")
