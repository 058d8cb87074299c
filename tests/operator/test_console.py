"""The console shows rows, no secrets, and changes nothing."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta

import pytest
from django.contrib import admin
from django.core.management import call_command
from django.test import Client as Browser
from django.urls import reverse

from audit.models import AuditEvent
from authplane.accounts.models import User
from authplane.core import clock
from oauth.models import (
    AccessToken,
    Client,
    ConsentGrant,
    FrontingLink,
    Resource,
    SigningKey,
    SubjectMapping,
    TokenFamily,
    TrustedIdP,
    XAAPolicy,
)
from tests.support.factories import make_client, make_confidential_client, make_resource, make_user

SHOWN = [
    AuditEvent, AccessToken, Client, ConsentGrant, FrontingLink, Resource, SigningKey, TokenFamily,
    SubjectMapping, TrustedIdP, XAAPolicy,
]  # fmt: skip


@pytest.fixture
def console(db):
    browser = Browser()
    browser.force_login(User.objects.create_superuser(email="operator@example.com"))
    return browser


@pytest.fixture
def rows(db):
    """One row of each kind, and the secrets that stand in them."""
    made, user, resource = make_confidential_client(), make_user(), make_resource()
    now = clock.now()
    call_command("rotate_keys", "--immediate", verbosity=0)
    family = TokenFamily.objects.create(
        client=made.row, user=user, resource=resource.uri, auth_time=now,
        expires_at=now + timedelta(days=1),
    )  # fmt: skip
    idp = TrustedIdP.objects.create(name="IdP", issuer="https://idp.example", jwks_uri="https://x")
    found = {
        AuditEvent: AuditEvent.objects.create(
            action="user.login", personal=json.dumps({"ip": "203.0.113.7", "salt": "grain-of-salt"})
        ),
        AccessToken: AccessToken.objects.create(
            id=uuid.uuid4(), kind="client_credentials", subject="s", resource=resource.uri,
            application=made.row, user=user, expires=now, family_id=family.pk,
        ),
        Client: made.row,
        ConsentGrant: ConsentGrant.objects.create(user=user, client=made.row, resource=resource),
        FrontingLink: FrontingLink.objects.create(
            source=resource, target=make_resource(), scope_map={"read": ["read"]}
        ),
        Resource: resource,
        SigningKey: SigningKey.objects.get(),
        TokenFamily: family,
        TrustedIdP: idp,
        XAAPolicy: XAAPolicy.objects.create(name="Policy", idp=idp, scopes=["read"]),
        SubjectMapping: SubjectMapping.objects.create(idp=idp, idp_subject="ann"),
    }  # fmt: skip
    return found, [made.row.client_secret, "grain-of-salt", user.password]


def place(model, view, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{view}", args=args)


@pytest.mark.parametrize("model", SHOWN)
def test_list_and_row_are_shown_without_secrets(console, rows, model):
    found, secrets = rows

    for url in (place(model, "changelist"), place(model, "change", found[model].pk)):
        answer = console.get(url)
        assert 200 == answer.status_code
        assert not [secret for secret in secrets if secret in answer.content.decode()]
        assert b'name="_save"' not in answer.content


@pytest.mark.parametrize("model", SHOWN)
def test_nothing_is_added_changed_or_deleted(console, rows, model):
    found, _ = rows
    key = found[model].pk

    answers = [
        console.get(place(model, "add")),
        console.post(place(model, "change", key), {"_save": "1"}),
        console.post(place(model, "delete", key), {"post": "yes"}),
    ]

    assert [403, 403, 403] == [answer.status_code for answer in answers]
    assert model.objects.filter(pk=key).exists()


def test_the_first_page_is_shown(console):
    assert 200 == console.get("/console/").status_code


def test_who_is_no_operator_sees_nothing(rows):
    browser = Browser()
    browser.force_login(make_user())

    for model in SHOWN:
        answer = browser.get(place(model, "changelist"))
        assert (302, True) == (answer.status_code, "/console/login/" in answer["Location"])


def test_tables_that_hold_credentials_have_no_page(db):
    registered = {model._meta.label for model in admin.site._registry}

    assert not registered & {
        "oauth.RefreshToken", "oauth.AuthorizationCode", "oauth.AuthorizationRequest",
        "oauth.IDToken", "oauth.DeviceGrant", "core.OneTimeValue", "sessions.Session",
        "core.OperatorSession",
    }  # fmt: skip


def test_a_list_of_many_rows_takes_as_many_statements_as_one_of_few(
    console, django_assert_max_num_queries
):
    def statements():
        with django_assert_max_num_queries(20) as captured:
            console.get(place(TokenFamily, "changelist"))
        return len(captured)

    def family():
        now = clock.now()
        TokenFamily.objects.create(
            client=make_client(), user=make_user(), resource="r", auth_time=now, expires_at=now
        )

    family()
    few = statements()
    for _ in range(5):
        family()

    assert few == statements()


def test_the_record_is_searched_by_whole_ids(console):
    AuditEvent.objects.create(action="user.login", actor_id="somebody")
    AuditEvent.objects.create(action="user.login", actor_id="somebody-else")

    answer = console.get(place(AuditEvent, "changelist"), {"q": "somebody"})

    assert 1 == answer.context["cl"].result_count
