"""The operator API opens to the key, to nothing else, and only on its own listener."""

from __future__ import annotations

import pytest
from django.test import override_settings

from audit.models import AuditEvent
from authplane.core.metrics import counter
from tests.operator.conftest import KEY

WRONG = "operator-key-of-somebody-else"


def denied():
    return counter("authserver_auth_denied_total").labels(reason="admin_key")._value.get()


def rows():
    return AuditEvent.objects.filter(action="admin.auth_failed")


@pytest.mark.shows("setting", "admin.api_key")
def test_the_key_opens_it(operator):
    assert 200 == operator.get("/admin/users").status_code


@pytest.mark.parametrize(
    ("header", "text"),
    [
        (None, "missing API key"),
        ("", "missing API key"),
        (f"bearer {KEY}", "missing API key"),
        (f"Basic {KEY}", "missing API key"),
        (KEY, "missing API key"),
        ("Bearer ", "invalid API key"),
        (f"Bearer {WRONG}", "invalid API key"),
        (f"Bearer {KEY}x", "invalid API key"),
        (f"Bearer {KEY[:-1]}", "invalid API key"),
        (f"Bearer  {KEY}", "invalid API key"),
        ("Bearer sch\u00f6n", "invalid API key"),
    ],
)
def test_anything_else_is_unauthorized(operator, header, text):
    headers = {} if header is None else {"authorization": header}

    answer = operator.get("/admin/users", key=None, **headers)

    body = answer.json()
    assert (401, "unauthorized", text) == (answer.status_code, body["error"], body["detail"])
    assert 'Bearer realm="admin"' == answer["WWW-Authenticate"]
    assert ("application/problem+json", "no-store") == (
        answer["Content-Type"],
        answer["Cache-Control"],
    )
    assert body["type"].endswith("/docs/errors#unauthorized")


def test_without_a_configured_key_nobody_is_let_in(operator, override_config):
    override_config(admin={"api_key": ""})

    for key in ("", KEY):
        answer = operator.get("/admin/users", key=key)
        assert (401, "admin API key not configured") == (
            answer.status_code,
            answer.json()["detail"],
        )


def test_the_media_type_follows_the_caller(operator):
    answer = operator.get("/admin/users", key=WRONG, accept="application/json")

    assert "application/json" == answer["Content-Type"]


@pytest.mark.shows("audit event", "admin.auth_failed")
@pytest.mark.shows("metric", "authserver_auth_denied_total")
def test_a_wrong_key_is_recorded_and_counted_without_the_key(operator):
    before = denied()

    operator.get("/admin/users", key=WRONG)

    row = rows().get()
    assert {"reason": "wrong_key"} == row.detail
    assert "127.0.0.1" in row.personal
    assert WRONG not in f"{row.detail}{row.personal}{row.actor_id}"
    assert before + 1 == denied()


def test_a_missing_key_is_not_recorded(operator):
    operator.get("/admin/users", key=None)

    assert not rows().exists()


def test_ten_wrong_keys_lock_the_address_for_a_minute(operator, frozen_clock):
    for _ in range(10):
        assert 401 == operator.get("/admin/users", key=WRONG).status_code

    refused = [operator.get("/admin/users", key=key) for key in (WRONG, KEY)]

    assert [429, 429] == [answer.status_code for answer in refused]
    assert {"slow_down"} == {answer.json()["error"] for answer in refused}
    assert 1 <= int(refused[0]["Retry-After"]) <= 61
    assert 10 == rows().count()
    frozen_clock.shift(62)
    assert 200 == operator.get("/admin/users").status_code


def test_another_address_is_not_locked(operator, override_config, frozen_clock):
    override_config(server={"trusted_proxies": 1})
    for _ in range(11):
        operator.get("/admin/users", key=WRONG, x_forwarded_for="198.51.100.1")

    assert 200 == operator.get("/admin/users", x_forwarded_for="198.51.100.2").status_code


@pytest.mark.parametrize(
    "path", ["/admin/users", "/admin/clients", "/admin/resources", "/admin/resources/x/policy"]
)
def test_the_public_listener_has_no_such_routes(operator, path):
    with override_settings(ROOT_URLCONF="authplane.urls.public"):
        answer = operator.http.get(path, headers={"authorization": f"Bearer {KEY}"})

    assert (404, "not_found") == (answer.status_code, answer.json()["error"])


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS"])
def test_methods_that_are_not_offered(operator, method):
    answer = operator.call(method, "/admin/users")

    assert (405, "invalid_request") == (answer.status_code, answer.json()["error"])
    assert {"GET", "POST"} <= set(answer["Allow"].split(", "))


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        ("{", 400),
        ("[]", 400),
        ('"text"', 400),
        ('{"email": "a@example.com", "email": "b@example.com"}', 400),
        (b"\xff\xfe", 400),
        ('{"email": NaN}', 400),
        ("[" * 100_000, 400),
        (" " * (1024 * 1024 + 1), 413),
    ],
)
def test_bodies_that_are_no_object_change_nothing(operator, raw, status):
    from authplane.accounts.models import User

    answer = operator.post("/admin/users", raw=raw)

    assert (status, "invalid_request") == (answer.status_code, answer.json()["error"])
    assert not User.objects.exists()


def test_other_media_types_are_refused(operator):
    answer = operator.post(
        "/admin/users", raw="email=a", content_type="application/x-www-form-urlencoded"
    )

    assert (400, "invalid_request") == (answer.status_code, answer.json()["error"])


def test_an_operator_answer_is_never_stored(operator):
    assert "no-store" == operator.get("/admin/users")["Cache-Control"]
