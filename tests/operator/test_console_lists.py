"""Lists of the console on large tables: so many statements and no more, whatever they hold."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audit.models import AuditEvent
from authplane.accounts.models import User
from authplane.core import clock, console_cells, console_lists
from authplane.core.console_lists import id_range
from authplane.core.models import ScheduledRun
from authplane.core.readonly import ReadOnlyAdmin
from broker import models as broker
from oauth.models import AccessToken, Client, ConsentGrant, FrontingLink, Resource, TokenFamily
from tests.support.factories import make_client, make_resource, make_user

STATEMENTS = 5
"""Session, user, the bounded count, the rows; and one of whoever lists something beside them."""


@pytest.fixture
def console(db):
    browser = Browser()
    browser.force_login(User.objects.create_superuser(email="operator@example.com"))
    return browser


def place(model):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def family():
    now = clock.now()
    return TokenFamily.objects.create(
        client=make_client(), user=make_user(), resource="r", auth_time=now, expires_at=now
    )


def token(**fields):
    values = {"kind": "vend", "subject": "s", "resource": "r", "expires": clock.now()}
    return AccessToken.objects.create(
        application=make_client(), user=make_user(), **values | fields
    )


def provider():
    number = broker.BrokerProvider.objects.count() + 1
    return broker.BrokerProvider.objects.create(
        number=number, slug=f"p{number}", display_name="P", protocol="oauth2"
    )


def proxy():
    number = broker.OAuthProxy.objects.count()
    return broker.OAuthProxy.objects.create(
        slug=f"x{number}", name="X", provider=provider(), target_url="https://x.example"
    )


def server():
    project = broker.Project.objects.create(user=make_user(), name="P")
    profile = broker.Profile.objects.create(project=project, name="P")
    return broker.UpstreamServer.objects.create(profile=profile, url="https://mcp.example")


def session():
    return broker.GatewaySession.objects.create(
        proxy=proxy(), user=make_user(), client=make_client(), family_id=uuid.uuid4(),
        expires_at=clock.now(),
        connection=broker.Connection.objects.create(user=make_user(), provider=provider()),
    )  # fmt: skip


def api_key():
    group = broker.AccessGroup.objects.create(name=f"g{broker.AccessGroup.objects.count()}")
    return broker.ApiKey.objects.create(
        name="K", prefix="ak_1", key_hash=uuid.uuid4().hex, user=make_user(), group=group
    )


def identity():
    number = broker.IdentityProvider.objects.count()
    row = broker.IdentityProvider.objects.create(
        slug=f"i{number}", display_name="I", issuer="https://i.example", client_id="c"
    )
    return broker.FederatedIdentity.objects.create(
        user=make_user(), provider=row, subject=f"s{number}"
    )


MADE = {
    AccessToken: token,
    AuditEvent: lambda: AuditEvent.objects.create(action="user.login"),
    Client: make_client,
    ConsentGrant: lambda: ConsentGrant.objects.create(
        user=make_user(), client=make_client(), resource=make_resource()
    ),
    FrontingLink: lambda: FrontingLink.objects.create(
        source=make_resource(), target=make_resource()
    ),
    Resource: make_resource,
    TokenFamily: family,
    User: make_user,
    ScheduledRun: lambda: ScheduledRun.objects.create(name=uuid.uuid4().hex),
    broker.ApiKey: api_key,
    broker.BrokerProvider: provider,
    broker.Connection: lambda: broker.Connection.objects.create(
        user=make_user(), provider=provider()
    ),
    broker.FederatedIdentity: identity,
    broker.GatewaySession: session,
    broker.OAuthProxy: proxy,
    broker.ProxyConsent: lambda: broker.ProxyConsent.objects.create(
        user=make_user(), client=make_client(), proxy=proxy()
    ),
    broker.UpstreamServer: server,
}  # fmt: skip


@pytest.mark.parametrize("model", MADE, ids=lambda model: model.__name__)
def test_a_list_takes_as_many_statements_for_many_rows_as_for_one(console, model):
    MADE[model]()
    console.get(place(model))

    def statements():
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert console.get(place(model)).status_code == 200
        return [query["sql"] for query in captured]

    few = statements()
    for _ in range(4):
        MADE[model]()
    many = statements()

    assert len(many) == len(few) <= STATEMENTS, many
    assert not [sql for sql in many if "COUNT(*)" in sql and "LIMIT" not in sql]


def test_every_list_of_ours_is_of_the_bounded_kind():
    others = [
        type(rows).__name__
        for model, rows in admin.site._registry.items()
        if not isinstance(rows, ReadOnlyAdmin)
    ]

    assert others == []


@pytest.fixture
def short_lists(monkeypatch):
    monkeypatch.setattr(console_lists, "MAX_COUNTED", 4)
    monkeypatch.setattr("oauth.admin.issued.AccessTokenAdmin.list_per_page", 2)


def test_beyond_its_first_rows_a_list_goes_on_from_the_last_one_seen(console, short_lists):
    made = [token() for _ in range(6)]
    url = place(AccessToken)

    first = console.get(url)
    last = console.get(url, {"p": 2})
    beyond = console.get(last.context["cl"].older_url.join([url, ""]))

    assert "there are more" in first.content.decode()
    assert first.context["cl"].older_url == ""
    assert f"id__lt={made[2].pk}" in last.context["cl"].older_url
    rows = [row.pk for row in beyond.context["cl"].result_list]
    assert rows == [made[1].pk, made[0].pk]
    assert beyond.context["cl"].older_url == ""


def test_a_place_to_go_on_from_that_is_no_id_is_refused(console):
    answer = console.get(place(AccessToken), {"id__lt": "x"})

    assert (answer.status_code, answer["Location"]) == (302, f"{place(AccessToken)}?e=1")


def test_a_filter_without_an_index_looks_at_the_newest_rows_only(console, monkeypatch):
    monkeypatch.setattr(console_cells, "FILTERED", 3)
    token(kind="assertion")
    for _ in range(3):
        token()
    new = token(kind="assertion")

    answer = console.get(place(AccessToken), {"kind": "assertion"})

    assert [row.pk for row in answer.context["cl"].result_list] == [new.pk]


def test_a_filter_takes_no_other_value(console):
    token()

    assert console.get(place(AccessToken), {"kind": "x' OR 1=1"}).context["cl"].result_count == 1


def test_rows_are_found_by_the_first_digits_of_their_id_and_those_beside_it(console):
    row = token(family_id=uuid.uuid4())
    token()

    for term in (row.pk, str(row.pk)[:28], row.pk.hex, row.user_id, row.family_id):
        found = console.get(place(AccessToken), {"q": str(term)}).context["cl"].result_list
        assert [one.pk for one in found] == [row.pk]


def test_what_could_be_no_id_finds_nothing_without_asking(console):
    token()

    with CaptureQueriesContext(connection) as captured:
        answer = console.get(place(AccessToken), {"q": "no such thing"})

    assert answer.context["cl"].result_count == 0
    assert not [query for query in captured if "oauth_accesstoken" in query["sql"]]


@pytest.mark.parametrize("term", ["", "abc", "zzzz", "%", "0" * 33, "----"])
def test_no_range_of_ids(term):
    assert id_range(term) is None


def test_a_range_of_ids_holds_exactly_those_that_begin_so():
    low, high = id_range("01A1-fd6")

    assert str(low) == "01a1fd60-0000-0000-0000-000000000000"
    assert str(high) == "01a1fd6f-ffff-ffff-ffff-ffffffffffff"


def test_nothing_is_sorted_by_what_has_no_index(console):
    with CaptureQueriesContext(connection) as captured:
        console.get(place(AccessToken), {"o": "3"})

    listed = next(
        query["sql"]
        for query in captured
        if "LIMIT 5" in query["sql"] or "ORDER BY" in query["sql"]
    )
    assert "ORDER BY" in listed
    assert not [q for q in captured if 'ORDER BY "accounts_user"' in q["sql"]]


def test_a_revoked_an_expired_and_another_token_look_different(console):
    now = clock.now()
    token(revoked_at=now, revoked_reason="reused")
    token(expires=now - timedelta(days=1))
    token(expires=now + timedelta(days=1))

    page = console.get(place(AccessToken)).content.decode()

    for word in ("revoked: reused", ">expired<", ">not revoked<"):
        assert word in page
