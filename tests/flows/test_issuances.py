"""One ledger row for each token of each grant, and it says what the token says."""

from __future__ import annotations

import uuid

import jwt
import pytest

from tests.support.assertions import make_enterprise
from tests.support.dpop import DPoPKey
from tests.support.exchanging import make_delegation
from tests.support.idp import enterprise
from tests.support.platforms import make_workload
from tests.support.published import internet


@pytest.fixture
def world(monkeypatch):
    with internet(monkeypatch) as reachable:
        yield reachable


def rows():
    from oauth.models import AccessToken

    return AccessToken.objects.order_by("id")


def by_code(scene, **_):
    return scene.tokens()["access_token"], None


def by_refresh(scene, **_):
    return scene.client.refresh(scene.tokens()["refresh_token"]).json()["access_token"], None


def by_client_credentials(scene, **_):
    return scene.machine_token(), None


def by_client_credentials_with_a_key(scene, **_):
    scene.machine.dpop = DPoPKey()
    return scene.machine_token(), None


def by_exchange(scene, **_):
    delegation = make_delegation(scene)
    delegation.consent("read")
    subject = delegation.subject_token()
    return delegation.exchanged(subject, scope="read")["access_token"], subject


def by_fronted_exchange(scene, **_):
    delegation = make_delegation(scene)
    delegation.link(read=["read"])
    subject = delegation.subject_token()
    return delegation.exchanged(subject, scope="read")["access_token"], subject


def by_self_exchange(scene, override_config, **_):
    override_config(exchange={"allow_self_exchange": True})
    delegation = make_delegation(scene)
    machine = delegation.another_exchanger(scope="read")
    delegation.policy(delegation.back)
    subject = machine.client_credentials(resource=delegation.back.uri).json()["access_token"]
    return machine.exchange(subject, resource=delegation.back.uri).json()["access_token"], subject


def by_identity_assertion(scene, world, **_):
    return enterprise(scene, world, is_agent=True).token(), None


def by_workload(scene, **_):
    workload = make_workload(scene.client, resource=scene.resource.uri)
    return workload.ask(scope="read").json()["access_token"], None


WAYS = {
    "authorization_code": by_code,
    "refresh_token": by_refresh,
    "client_credentials": by_client_credentials,
    "client_credentials with a key": by_client_credentials_with_a_key,
    "token_exchange": by_exchange,
    "token_exchange over a link": by_fronted_exchange,
    "token_exchange of its own": by_self_exchange,
    "jwt_bearer": by_identity_assertion,
    "workload": by_workload,
}


@pytest.mark.parametrize("way", WAYS)
def test_the_row_says_what_the_token_says(scene, world, override_config, way):
    token, subject = WAYS[way](scene=scene, world=world, override_config=override_config)

    claims = scene.client.claims(token)
    row = rows().last()
    assert str(row.pk) == claims["jti"]
    assert row.kind == way.split()[0]
    assert row.application.client_id == claims["client_id"]
    assert row.subject == claims["sub"]
    assert (str(row.user_id) if row.user_id else None) == (
        claims["sub"] if is_uuid(claims["sub"]) else None
    )
    assert [row.resource] == claims["aud"]
    assert row.scope == claims["scope"]
    assert row.actors == claims.get("act")
    assert row.dpop_jkt == claims.get("cnf", {}).get("jkt", "")
    assert bool(row.dpop_jkt) == way.endswith("key")
    assert int(row.created.timestamp()) == claims["iat"]
    assert int(row.expires.timestamp()) == claims["exp"]
    assert row.issuer == ""
    assert row.parent == (uuid.UUID(scene.client.claims(subject)["jti"]) if subject else None)
    assert row.revoked_at is None
    assert (row.family_id is not None) == (way in {"authorization_code", "refresh_token"})


def test_the_consent_an_exchange_rests_on_is_in_its_row(scene):
    delegation = make_delegation(scene)
    delegation.consent("read")
    delegation.exchanged(scope="read")

    row = rows().last()
    assert row.consent_client == rows().first().application_id
    assert row.consent_client != row.application_id


def test_a_token_over_a_link_rests_on_no_consent_at_its_target(scene):
    by_fronted_exchange(scene)
    assert rows().last().consent_client is None


def test_an_assertion_for_another_server_has_its_row_too(scene):
    company = make_enterprise(scene)
    answer = company.assertion()
    assert answer.status_code == 200, answer.text

    claims = jwt.decode(answer.json()["access_token"], options={"verify_signature": False})
    row = rows().last()
    assert row.kind == "assertion"
    assert row.resource == claims["aud"]
    assert row.application.client_id == company.client.client_id
    assert row.family_id == rows().first().family_id
    assert row.user_id == scene.user.pk


def is_uuid(text):
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True
