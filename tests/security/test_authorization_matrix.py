"""Every route of the operator API, with every role and with none: right status, nothing changed.

Generated from the router, so that a new route is in it as soon as it exists. The bodies are empty:
whoever may call is told what is wrong with that, or that there is no such thing, and whoever may
not learns neither.
"""

from __future__ import annotations

import json
import re

import pytest
from django.apps import apps
from django.core import serializers
from django.test import Client

from admin_api.administrators import keys
from admin_api.models import AdminApiKey
from admin_api.operations import Role, described, routed
from admin_api.permissions import needed_role
from audit.models import AuditEvent
from authplane.core import clock
from authplane.core.models import LoginFailure

SHARED = "operator-key-of-the-test-suite-06"
UNKNOWN = f"aak_{'A' * 43}"
HTTP = Client()
ROUTES = [route for route in routed() if route[0] != "HEAD"]
WRITTEN_BY_REFUSALS = {"audit.auditevent", "core.loginfailure", "core.ratebucket"}

READ_BY_ALL = {
    "users", "clients", "resources", "fronting", "connections", "broker-providers", "mcp-servers",
}  # fmt: skip
"""Nouns that even a viewer sees: what they hold is no secret to those who operate the server."""

NOT_AN_OPERATORS = {
    "admin-keys": Role.OWNER,
    "staff": Role.OWNER,
    "approvals": Role.SECURITY,
    "keys": Role.SECURITY,
    "api-keys": Role.SECURITY,
    "identity-providers": Role.SECURITY,
    "idps": Role.SECURITY,
    "xaa": Role.SECURITY,
    "workload-issuers": Role.SECURITY,
}
"""Writes that decide whom this server believes, or who administers it: the least role for them."""


def url_of(path):
    """An address that the pattern matches, of something that does not exist."""
    return re.sub(r"<(?:\w+:)?\w+>", "01890000-0000-7000-8000-000000000000", path)


def call(method, path, key=None):
    headers = {} if key is None else {"authorization": f"Bearer {key}"}
    return HTTP.generic(
        method, url_of(path), "{}", content_type="application/json", headers=headers
    )


def state():
    """Every row of ours, but for those that refusals themselves leave behind."""
    rows = []
    for label in ("accounts", "oauth", "broker", "core", "admin_api"):
        for model in apps.get_app_config(label).get_models():
            if model._meta.label_lower not in WRITTEN_BY_REFUSALS:
                rows += serializers.serialize("python", model.objects.order_by("pk"))
    return json.dumps(rows, default=str)


@pytest.fixture
def of_role(db):
    return {role: keys.create_key(name=f"a-{role}", role=role, actor="cli")[1] for role in Role}


@pytest.fixture
def ended(db):
    """A key of an owner that expired, and one that was revoked."""
    expired = keys.create_key(name="expired", role="owner", expires_in_days=1)[1]
    AdminApiKey.objects.filter(name="expired").update(expires_at=clock.now())
    revoked = keys.create_key(name="revoked", role="owner")[1]
    keys.revoke_key("revoked")
    return {"expired": expired, "revoked": revoked}


def needed_for(method, view, action):
    return needed_role(getattr(view, action), method=method)


@pytest.mark.parametrize("role", list(Role))
def test_who_lacks_the_role_is_refused_and_changes_nothing(of_role, role):
    key = of_role[role]
    refused = [
        (method, path, needed)
        for method, path, view, action in ROUTES
        if not role.may(needed := needed_for(method, view, action))
    ]
    assert bool(refused) == (role is not Role.OWNER)
    call("GET", "/admin/users", key)
    before = state()

    wrong = []
    for method, path, needed in refused:
        answer = call(method, path, key)
        body = answer.json()
        if (403, "access_denied", needed) != (
            answer.status_code, body["error"], body.get("needed_role"),
        ):  # fmt: skip
            wrong.append(f"{method} {path}: {answer.status_code} {body['detail']}")

    assert [] == wrong
    assert before == state()
    assert {"admin.access_denied"} >= set(
        AuditEvent.objects.exclude(action="admin_key.created").values_list("action", flat=True)
    )


@pytest.mark.parametrize("role", list(Role))
def test_who_has_the_role_is_let_in(of_role, role):
    """The same answer as the shared key gets, which may do everything."""
    wrong = []
    for method, path, view, action in ROUTES:
        if needed_for(method, view, action) is not role:
            continue
        answer = call(method, path, of_role[role])
        if answer.status_code in {401, 403, 429, 500}:
            wrong.append(f"{method} {path}: {answer.status_code} {answer.content[:200]}")

    assert [] == wrong


@pytest.mark.parametrize("kind", ["none", "unknown", "wrong", "expired", "revoked"])
def test_without_a_key_that_counts_nobody_gets_in(ended, kind):
    key = {"none": None, "unknown": UNKNOWN, "wrong": f"{SHARED}x", **ended}[kind]
    text = "missing API key" if kind == "none" else "invalid API key"
    before = state()

    wrong = []
    for method, path, _, _ in ROUTES:
        LoginFailure.objects.all().delete()
        answer = call(method, path, key)
        body = answer.json()
        if (401, "unauthorized", text, 'Bearer realm="admin"') != (
            answer.status_code, body["error"], body["detail"], answer["WWW-Authenticate"],
        ):  # fmt: skip
            wrong.append(f"{method} {path}: {answer.status_code}")

    assert [] == wrong
    assert before == state()
    failures = AuditEvent.objects.filter(action="admin.auth_failed").count()
    assert failures == (0 if kind == "none" else len(ROUTES))


def test_methods_that_nobody_offers_are_no_way_in(of_role):
    offered = {}
    for method, path, _, _ in ROUTES:
        offered.setdefault(path, set()).add(method)

    for path, methods in offered.items():
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - methods:
            answer = call(method, path, of_role[Role.OWNER])
            assert answer.status_code == 405, f"{method} {path}: {answer.status_code}"


# --- The roles themselves ---------------------------------------------------------------------


def noun(path):
    return path.removeprefix("/admin/").partition("/")[0]


VIEWERS_TOO = {"/admin/auth/verify"}
"""What is recorded and changes nothing."""


def test_no_write_is_a_viewers():
    lax = [
        f"{method} {path}"
        for method, path, view, action in ROUTES
        if method != "GET" and needed_for(method, view, action) is Role.VIEWER
        and described(getattr(view, action)).events and path not in VIEWERS_TOO
    ]  # fmt: skip

    assert [] == lax


def test_what_decides_about_trust_is_not_an_operators():
    lax = [
        f"{method} {path}"
        for method, path, view, action in ROUTES
        if method != "GET" and described(getattr(view, action)).events
        and not needed_for(method, view, action).may(NOT_AN_OPERATORS.get(noun(path), Role.VIEWER))
    ]  # fmt: skip

    assert [] == lax


def test_a_viewer_sees_what_there_is():
    closed = [
        f"{method} {path}"
        for method, path, view, action in ROUTES
        if method == "GET" and noun(path) in READ_BY_ALL
        and needed_for(method, view, action) is not Role.VIEWER
    ]  # fmt: skip

    assert [] == closed
