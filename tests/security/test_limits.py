"""Budgets per caller, sizes of bodies, and what a refusal looks like."""

from __future__ import annotations

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import path

from authplane.core import ratelimit
from authplane.core.config import override_config
from authplane.urls import operator, public

urlpatterns = [
    *public.urlpatterns,
    *operator.urlpatterns,
    path("probe", lambda request: HttpResponse("ok", content_type="text/plain")),
    path("big/register", lambda request: HttpResponse(str(len(request.body)))),
]

TIGHT = {"enabled": True, "rps": 1, "burst": 3}


@pytest.fixture(autouse=True)
def _fresh(settings):
    settings.ROOT_URLCONF = __name__
    ratelimit.forget_local()


@pytest.fixture
def limited():
    with override_config(rate_limit=TIGHT):
        yield


def ask(url="/probe", *, address="192.0.2.1", **headers):
    return Client(raise_request_exception=False).get(url, REMOTE_ADDR=address, headers=headers)


def statuses(count, *args, **options):
    return [ask(*args, **options).status_code for _ in range(count)]


@pytest.mark.shows("setting", "rate_limit.requests_per_second", "rate_limit.burst")
def test_the_burst_is_answered_and_the_next_request_refused(limited):
    assert statuses(4) == [200, 200, 200, 429]


def test_a_refusal_says_when_to_come_back(limited):
    statuses(3)
    refused = ask()

    assert refused.status_code == 429
    assert refused.json()["error"] == "rate_limit_exceeded"
    assert refused.headers["Retry-After"] == "1"
    assert refused.headers["X-RateLimit-Limit"] == "3"
    assert refused.headers["X-RateLimit-Remaining"] == "0"
    assert refused.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("url", ["/oauth/token", "/token"])
def test_the_token_endpoint_says_slow_down(limited, url):
    statuses(3)

    assert ask(url).json()["error"] == "slow_down"


def test_a_page_is_refused_as_a_page(limited):
    statuses(3)
    refused = ask("/login")

    assert refused.status_code == 429
    assert refused.headers["Content-Type"].startswith("text/html")
    assert refused.headers["Retry-After"] == "1"


def test_every_public_path_counts_into_one_budget(limited):
    assert [ask(url).status_code for url in ("/nothing", "/login", "/probe")][-1] == 200
    assert ask("/health").status_code == 429
    assert ask("/.well-known/anything").status_code == 429


def test_liveness_is_answered_whatever_the_budget(limited):
    assert set(statuses(10, "/livez")) == {200}


def test_addresses_have_budgets_of_their_own(limited):
    statuses(4)

    assert ask(address="192.0.2.2").status_code == 200


def test_an_ipv6_network_is_one_caller(limited):
    answers = [ask(address=f"2001:db8:1:2::{number}").status_code for number in range(4)]

    assert answers[-1] == 429
    assert ask(address="2001:db8:1:3::1").status_code == 200


def test_a_forged_forwarded_header_buys_nothing(limited):
    answers = [
        ask(**{"X-Forwarded-For": f"198.51.100.{number}"}).status_code for number in range(4)
    ]

    assert answers[-1] == 429


@pytest.mark.shows("setting", "server.trusted_proxies")
def test_behind_a_trusted_proxy_callers_are_told_apart(limited):
    with override_config(server={"trusted_proxies": 1}):
        answers = [
            ask(**{"X-Forwarded-For": f"203.0.113.66, 198.51.100.{number}"}).status_code
            for number in range(4)
        ]
        repeated = statuses(4, **{"X-Forwarded-For": "198.51.100.77"})

    assert answers == [200] * 4
    assert repeated[-1] == 429


@pytest.mark.shows("setting", "rate_limit.enabled")
def test_limits_can_be_switched_off():
    with override_config(rate_limit=TIGHT | {"enabled": False}):
        assert set(statuses(10)) == {200}


@pytest.mark.shows("setting", "admin.requests_per_second", "admin.burst")
def test_the_operator_listener_has_a_budget_of_its_own(limited):
    statuses(4)
    assert ask("/metrics").status_code == 401
    with override_config(admin={"rps": 1, "burst": 1}):
        assert [ask("/metrics").status_code for _ in range(2)] == [401, 429]
        assert ask("/metrics").json()["error"] == "slow_down"


@pytest.mark.shows("setting", "storage.redis_url")
@pytest.mark.redis
def test_processes_share_the_budget(limited):
    statuses(2)
    ratelimit.forget_local()

    assert statuses(2) == [200, 429]


def post(url, body, **options):
    client = Client(raise_request_exception=False)
    return client.generic("POST", url, body, "application/x-www-form-urlencoded", **options)


@pytest.mark.parametrize("url", ["/probe", "/oauth/token", "/nothing"])
def test_an_overlong_body_is_refused_unread(url):
    refused = post(url, b"a" * 65537)

    assert refused.status_code == 413
    assert refused.json()["error"] == "invalid_request"


def test_an_overlong_form_of_a_page_is_refused_as_a_page():
    refused = post("/login", b"a" * 65537)

    assert refused.status_code == 413
    assert refused.headers["Content-Type"].startswith("text/html")


@pytest.mark.django_db
def test_registration_may_be_larger():
    assert post("/register", b"a" * 200_000).status_code == 400
    assert post("/oauth/register", b"a" * (1024 * 1024 + 1)).status_code == 413


@pytest.mark.parametrize("length", ["-1", "abc", "1e3", "٣"])
def test_a_length_that_is_no_number_is_refused(length):
    assert post("/probe", b"", CONTENT_LENGTH=length).status_code == 400


@pytest.mark.parametrize("url", ["/probe", "/login"])
def test_a_body_without_a_length_is_refused(url):
    refused = post(url, b"", HTTP_TRANSFER_ENCODING="chunked", CONTENT_LENGTH="")

    assert refused.status_code == 411


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "FOO", "BREW"])
def test_unknown_methods_are_refused_and_not_counted_by_name(method):
    refused = Client().generic(method, "/probe")

    assert refused.status_code == 405
    assert "GET" in refused.headers["Allow"]
    assert Client().generic(method, "/login").status_code == 405
