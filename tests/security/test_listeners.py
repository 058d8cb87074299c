"""A session of the public listener means nothing to the console, whatever the cookie is called."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as PublicStore
from django.test import Client

from audit.models import AuditEvent
from authplane.core.operator_sessions import SessionStore as OperatorStore
from tests.support.factories import PASSWORD, make_user

ROOT = Path(__file__).resolve().parents[2]

NAMES = (
    "SESSION_COOKIE_NAME", "SESSION_ENGINE", "CSRF_COOKIE_NAME", "ROOT_URLCONF",
    "SESSION_COOKIE_AGE", "SESSION_COOKIE_SAMESITE", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE",
    "SECRET_KEY", "SECRET_KEY_FALLBACKS", "SESSION_COOKIE_PATH",
    "APPEND_SLASH", "LOGIN_URL", "ALLOWED_HOSTS",
)  # fmt: skip


def settings_of(listener, **variables):
    """The settings that a process of this listener really runs with."""
    code = (
        "import json, sys; from django.conf import settings;"
        f"json.dump({{n: getattr(settings, n) for n in {NAMES!r}}}, sys.stdout)"
    )
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("AUTHPLANE_")
    } | {
        "AUTHPLANE_LISTENER": listener,
        "DJANGO_SETTINGS_MODULE": "authplane.settings.dev",
        "PYTHONPATH": str(ROOT),
        **variables,
    }
    command = [sys.executable, "-c", code]
    output = subprocess.run(
        command, env=environment, check=True, capture_output=True, text=True, cwd=ROOT
    ).stdout
    return json.loads(output)


@pytest.mark.shows("setting", "server.listener", "server.data_dir")
def test_the_listeners_share_no_cookie_and_no_store(tmp_path):
    data = {"AUTHPLANE_DATA_DIR": str(tmp_path)}
    public, operator = settings_of("public", **data), settings_of("operator", **data)

    for name in NAMES[:4]:
        assert public[name] != operator[name]
    assert public["SESSION_COOKIE_NAME"] == "authserver_session"
    assert public["APPEND_SLASH"] is False
    assert operator["LOGIN_URL"] == "/console/login/"
    assert operator["SESSION_COOKIE_PATH"] == "/console/"


@pytest.mark.shows("setting", "session.cookie_name", "server.allowed_hosts", "admin.allowed_hosts")
def test_names_of_cookie_and_hosts_can_be_chosen(tmp_path):
    chosen = settings_of(
        "operator",
        AUTHPLANE_DATA_DIR=str(tmp_path),
        AUTHPLANE_ADMIN_ALLOWED_HOSTS="ops.internal",
        AUTHPLANE_SERVER_ALLOWED_HOSTS="www.example.com",
    )
    public = settings_of(
        "public",
        AUTHPLANE_DATA_DIR=str(tmp_path),
        AUTHPLANE_SESSION_COOKIE_NAME="mine",
        AUTHPLANE_SERVER_ALLOWED_HOSTS="www.example.com",
    )

    assert "ops.internal" in chosen["ALLOWED_HOSTS"]
    assert "www.example.com" not in chosen["ALLOWED_HOSTS"]
    assert public["SESSION_COOKIE_NAME"] == "mine"
    assert "www.example.com" in public["ALLOWED_HOSTS"]


@pytest.fixture
def operator_listener(settings):
    settings.ROOT_URLCONF = "authplane.urls.operator"
    settings.SESSION_ENGINE = "authplane.core.operator_sessions"
    settings.SESSION_COOKIE_NAME = "authserver_console"
    settings.CSRF_COOKIE_NAME = "authserver_console_csrf"
    settings.LOGIN_URL = "/console/login/"


def session_of(user, store):
    session = store()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = django_settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return session.session_key


@pytest.mark.django_db
def test_a_public_session_never_opens_the_console(operator_listener):
    staff = make_user(is_staff=True, is_superuser=True)
    http = Client()
    http.cookies["authserver_session"] = session_of(staff, PublicStore)
    http.cookies["authserver_console"] = session_of(staff, PublicStore)

    answer = http.get("/console/")

    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/console/login/")


@pytest.mark.django_db
def test_a_console_session_opens_the_console(operator_listener):
    staff = make_user(is_staff=True, is_superuser=True)
    http = Client()
    http.cookies["authserver_console"] = session_of(staff, OperatorStore)

    assert http.get("/console/").status_code == 200


@pytest.mark.django_db
def test_the_console_has_a_sign_in_of_its_own_for_staff_only(operator_listener):
    http = Client()
    person, staff = make_user(), make_user(is_staff=True)

    def sign_in(user):
        form = {"username": user.email, "password": PASSWORD, "next": "/console/"}
        return http.post("/console/login/", form)

    assert sign_in(person).status_code == 200
    signed_in = sign_in(staff)
    assert signed_in.status_code == 302
    assert set(signed_in.cookies) == {"authserver_console", "authserver_console_csrf"}
    assert signed_in.cookies["authserver_console"]["httponly"]


@pytest.mark.django_db
def test_a_disabled_operator_is_out_at_once(operator_listener):
    staff = make_user(is_staff=True, is_superuser=True)
    http = Client()
    http.cookies["authserver_console"] = session_of(staff, OperatorStore)
    type(staff).objects.filter(pk=staff.pk).update(status="disabled")

    assert http.get("/console/").status_code == 302


@pytest.mark.django_db
def test_the_console_checks_the_csrf_token(operator_listener):
    staff = make_user(is_staff=True)
    http = Client(enforce_csrf_checks=True)
    form = {"username": staff.email, "password": PASSWORD}

    answer = http.post("/console/login/", form)

    assert answer.status_code == 403
    assert "authserver_console" not in answer.cookies


@pytest.mark.shows("setting", "session.max_age", "session.same_site")
def test_life_and_reach_of_the_session_cookie_can_be_chosen(tmp_path):
    chosen = settings_of(
        "public",
        AUTHPLANE_DATA_DIR=str(tmp_path),
        AUTHPLANE_SESSION_MAX_AGE="2h",
        AUTHPLANE_SESSION_SAME_SITE="strict",
        AUTHPLANE_SESSION_SECURE="true",
    )

    assert chosen["SESSION_COOKIE_AGE"] == 7200
    assert chosen["SESSION_COOKIE_SAMESITE"] == "Strict"
    assert chosen["SESSION_COOKIE_SECURE"] is True
    assert chosen["CSRF_COOKIE_SECURE"] is True


@pytest.mark.shows("setting", "session.secret", "session.secret_old")
@pytest.mark.django_db
def test_a_session_survives_the_rotation_of_its_secret(tmp_path, settings):
    keys = settings_of(
        "public",
        AUTHPLANE_DATA_DIR=str(tmp_path),
        AUTHPLANE_SESSION_SECRET="the-new-session-secret-1",
        AUTHPLANE_SESSION_SECRET_OLD="the-old-session-secret-2",
    )
    settings.SECRET_KEY = "the-old-session-secret-2"
    key = session_of(make_user(), PublicStore)

    settings.SECRET_KEY = keys["SECRET_KEY"]
    settings.SECRET_KEY_FALLBACKS = keys["SECRET_KEY_FALLBACKS"]
    assert SESSION_KEY in PublicStore(key)
    settings.SECRET_KEY_FALLBACKS = []
    assert SESSION_KEY not in PublicStore(key)


@pytest.mark.shows("audit event", "console.login", "console.login_failed")
@pytest.mark.django_db
def test_guessing_an_operators_password_locks_the_console(operator_listener, override_config):
    override_config(rate_limit={"auth_fail_max": 3})
    staff, http = make_user(is_staff=True), Client()

    def sign_in(password, *, address="192.0.2.1", user=staff):
        form = {"username": user.email, "password": password}
        return http.post("/console/login/", form, REMOTE_ADDR=address)

    assert [sign_in("wrong").status_code for _ in range(3)] == [200] * 3
    locked = sign_in(PASSWORD)
    assert locked.status_code == 200
    assert b"Too many attempts" in locked.content
    assert sign_in(PASSWORD, address="192.0.2.2").status_code == 302
    actions = list(AuditEvent.objects.order_by("id").values_list("action", "actor_id"))
    assert actions == [("console.login_failed", str(staff.pk))] * 3 + [
        ("console.login", str(staff.pk))
    ]


@pytest.mark.django_db
def test_the_console_says_the_same_whatever_was_wrong(operator_listener):
    staff, person, http = make_user(is_staff=True), make_user(), Client()
    gone = make_user(is_staff=True, status="disabled")

    def answer(email, password):
        response = http.post("/console/login/", {"username": email, "password": password})
        return response.status_code, response.context["form"].non_field_errors()

    wrong = answer(staff.email, "wrong")
    assert answer(person.email, PASSWORD) == wrong
    assert answer(gone.email, PASSWORD) == wrong
    assert answer("nobody@example.com", PASSWORD) == wrong


@pytest.mark.shows("setting", "rate_limit.auth_fail_max", "rate_limit.auth_fail_window")
@pytest.mark.shows("setting", "rate_limit.auth_lockout")
@pytest.mark.django_db
def test_how_many_guesses_in_which_time_lock_for_how_long(
    operator_listener, override_config, frozen_clock
):
    override_config(
        rate_limit={"auth_fail_max": 2, "auth_fail_window": 60, "auth_lockout": 120},
        session={"max_age": 86400},
    )
    staff, http = make_user(is_staff=True), Client()

    def opens(password):
        form = {"username": staff.email, "password": password}
        return http.post("/console/login/", form).status_code == 302

    assert not opens("wrong")
    frozen_clock.shift(61)
    assert not opens("wrong")
    assert opens(PASSWORD)

    assert [opens("wrong") for _ in range(2)] == [False, False]
    assert not opens(PASSWORD)
    frozen_clock.shift(119)
    assert not opens(PASSWORD)
    frozen_clock.shift(2)
    assert opens(PASSWORD)


@pytest.mark.django_db
def test_lockout_can_be_switched_off(operator_listener, override_config):
    override_config(rate_limit={"auth_fail_max": 0})
    staff, http = make_user(is_staff=True), Client()
    for _ in range(15):
        http.post("/console/login/", {"username": staff.email, "password": "wrong"})

    right = http.post("/console/login/", {"username": staff.email, "password": PASSWORD})
    assert right.status_code == 302
