"""What every request passes: headers, ids, errors, the short way of machine routes."""

from __future__ import annotations

import logging
from urllib.parse import quote

import pytest
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import OperationalError
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.test import Client
from django.urls import get_resolver, path

from authplane.core.config import override_config
from authplane.core.forms import BadBody
from authplane.core.routes import machine_route
from authplane.urls import operator, public


def raising(error):
    def view(request):
        raise error

    return view


def look(request):
    seen = [name for name in ("session", "user", "_messages") if hasattr(request, name)]
    return HttpResponse(",".join(seen))


urlpatterns = [
    *public.urlpatterns,
    *operator.urlpatterns,
    path("fail", raising(RuntimeError("client_secret=s3cr3t"))),
    path("docs/fail", raising(RuntimeError("client_secret=s3cr3t"))),
    path("docs/suspicious", raising(SuspiciousOperation("x"))),
    path("docs/denied", raising(PermissionDenied("x"))),
    path("gone", raising(Http404)),
    path("denied", raising(PermissionDenied)),
    path("suspicious", raising(SuspiciousOperation("x"))),
    path("outage", raising(OperationalError("no connection"))),
    path("body", raising(BadBody(415, "wrong body"))),
    path("look", look),
    path("docs/look", look),
    path("item/<str:name>", lambda request, name: HttpResponse(name)),
    path("template", lambda request: TemplateResponse(request, "error.html", {"title": "Hello"})),
    path("stream", lambda request: StreamingHttpResponse(iter([b"a", b"b"]))),
]

handler400 = public.handler400
handler403 = public.handler403
handler404 = public.handler404
handler500 = public.handler500


@pytest.fixture(autouse=True)
def _urls(settings):
    settings.ROOT_URLCONF = __name__


@pytest.fixture
def http():
    return Client(raise_request_exception=False)


MACHINE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


@pytest.mark.parametrize("url", ["/livez", "/nothing", "/fail", "/metrics", "/body"])
def test_machine_answers_carry_the_hardening_headers(http, url):
    headers = http.get(url).headers

    assert MACHINE_HEADERS.items() <= dict(headers).items()
    assert headers["X-Request-Id"]
    assert "Set-Cookie" not in headers


def test_pages_are_hardened_without_hurting_forms(http):
    headers = http.get("/docs/look").headers

    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert http.get("/login").headers["Cache-Control"] == "no-store"


@pytest.mark.shows("setting", "session.secure")
@pytest.mark.parametrize("url", ["/livez", "/docs/look"])
def test_transport_security_is_demanded_only_with_secure_cookies(http, url):
    assert "Strict-Transport-Security" not in http.get(url).headers
    with override_config(session={"secure": True}):
        value = http.get(url).headers["Strict-Transport-Security"]
    assert value == "max-age=63072000; includeSubDomains"


def test_machine_routes_have_no_session_user_or_messages(http):
    assert http.get("/look").content == b""
    assert http.get("/docs/look").content == b"session,user,_messages"


@pytest.mark.parametrize(
    ("url", "status", "error"),
    [
        ("/nothing", 404, "not_found"),
        ("/gone", 404, "not_found"),
        ("/denied", 403, "access_denied"),
        ("/suspicious", 400, "invalid_request"),
        ("/body", 415, "invalid_request"),
        ("/outage", 503, "temporarily_unavailable"),
        ("/fail", 500, "server_error"),
        ("/item/", 404, "not_found"),
    ],
)
def test_whatever_a_machine_view_raises_is_our_error_body(http, url, status, error):
    answer = http.get(url)

    assert answer.status_code == status
    assert answer.json()["error"] == error
    assert answer.json()["status"] == status
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Length"] == str(len(answer.content))


def test_an_unexpected_failure_tells_the_log_and_not_the_caller(http, caplog):
    with caplog.at_level(logging.ERROR):
        answer = http.get("/fail")

    assert "s3cr3t" not in answer.content.decode()
    assert "RuntimeError" not in answer.content.decode()
    assert any("RuntimeError" in (record.exc_text or "") for record in caplog.records)


def test_an_outage_says_when_to_come_back(http):
    assert http.get("/outage").headers["Retry-After"] == "1"


@pytest.mark.parametrize(
    ("url", "status"),
    [("/docs/nothing", 404), ("/docs/fail", 500), ("/docs/suspicious", 400), ("/docs/denied", 403)],
)
def test_pages_fail_as_pages(http, url, status):
    answer = http.get(url)

    assert answer.status_code == status
    assert answer.headers["Content-Type"].startswith("text/html")
    assert b"s3cr3t" not in answer.content
    assert answer.headers["X-Request-Id"].encode() in answer.content


def test_a_foreign_host_gets_a_page_that_does_not_echo_it(http):
    answer = http.get("/docs/look", headers={"host": "evil.example"})

    assert answer.status_code == 400
    assert b"evil" not in answer.content


def test_a_person_who_mistypes_gets_a_page(http):
    answer = http.get("/nothing", headers={"accept": "text/html,*/*;q=0.8"})

    assert answer.status_code == 404
    assert answer.headers["Content-Type"].startswith("text/html")
    assert http.post("/nothing", headers={"accept": "text/html"}).json()["error"] == "not_found"


def test_templates_and_streams_of_machine_views_are_sent(http):
    assert b"Hello" in http.get("/template").content
    assert b"".join(http.get("/stream").streaming_content) == b"ab"


@pytest.mark.parametrize("url", ["/livez", "/docs/look", "/nothing"])
def test_head_has_the_headers_of_get_and_no_body(http, url):
    answer = http.head(url)

    assert answer.content == b""
    assert int(answer.headers["Content-Length"]) > 0


def test_routes_with_parameters_are_resolved_each_time(http):
    assert [http.get(f"/item/{name}").content for name in "abc"] == [b"a", b"b", b"c"]


@pytest.mark.parametrize(
    "path", ["%00", "%ff%fe", "%0d%0aX:1", "..%2f..%2fetc", "a" * 5000, quote("é/😀")]
)
def test_odd_paths_are_not_found_and_nothing_worse(http, path):
    assert http.get(f"/{path}").status_code == 404


def test_a_request_id_is_taken_from_a_trusted_proxy_only(http):
    given = {"X-Request-Id": "proxy-request-1"}
    assert http.get("/livez", headers=given).headers["X-Request-Id"] != "proxy-request-1"
    with override_config(server={"trusted_proxies": 1}):
        assert http.get("/livez", headers=given).headers["X-Request-Id"] == "proxy-request-1"
        for odd in ("short", "a" * 65, 'x"><script>', "line\nbreak-line"):
            assert http.get("/livez", headers={"X-Request-Id": odd}).headers["X-Request-Id"] != odd


def test_the_access_log_never_holds_a_query(http, caplog):
    with caplog.at_level(logging.DEBUG):
        http.get("/login?code=c0de&state=st4te&token=t0ken")
        http.get("/nothing?client_secret=s3cr3t")

    lines = [record for record in caplog.records if record.name == "authplane.access"]
    assert len(lines) == 2
    written = " ".join(str(record.__dict__) for record in lines)
    for secret in ("c0de", "st4te", "t0ken", "s3cr3t"):
        assert secret not in written


def test_successful_machine_requests_are_logged_at_debug_level_only(http, caplog):
    with caplog.at_level(logging.INFO):
        http.get("/livez")
        http.get("/nothing")

    assert [r.status for r in caplog.records if r.name == "authplane.access"] == [404]


def test_the_console_is_pages_and_the_protocol_is_machine_routes():
    def routes(patterns, prefix=""):
        for entry in patterns:
            if hasattr(entry, "url_patterns"):
                yield from routes(entry.url_patterns, prefix + str(entry.pattern))
            else:
                yield f"/{prefix}{entry.pattern}"

    listed = list(routes(get_resolver("authplane.urls.both").url_patterns))

    assert any(route.startswith("/console/") for route in listed)
    for route in listed:
        if route.startswith("/console/"):
            assert not machine_route(route)
        if route.startswith(("/.well-known/", "/oauth/")) and route != "/oauth/authorize":
            assert machine_route(route)
