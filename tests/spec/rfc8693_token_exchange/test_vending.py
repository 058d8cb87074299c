"""Exchanges for tokens of an upstream service, from the request to the service and back."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from audit.models import AuditEvent
from authplane.core import clock
from broker.connections.services import revoke
from broker.models import BrokerProvider, Connection
from tests.support.upstream import (
    ALLOWED,
    LEAK,
    SECRET,
    make_connection,
    make_provider,
    rises,
    running_upstream,
)


@pytest.fixture
def upstream(override_config):
    override_config(broker=ALLOWED)
    with running_upstream() as world:
        yield world


@pytest.fixture
def provider(upstream, db):
    return make_provider(upstream)


@pytest.fixture
def linked(delegation, provider):
    """The front stands before a resource that the provider makes the tokens for."""
    delegation.link_to_upstream(provider)
    return delegation


@pytest.fixture
def connected(linked, provider):
    return make_connection(provider, linked.user, scopes=("read", "repo:write"))


def vend(delegation, **overrides):
    return delegation.gateway.exchange(
        delegation.subject_token(), **({"resource": "forge", "scope": "read"} | overrides)
    )


def assert_connect(answer, cause, provider):
    assert answer.status_code == 400, answer.text
    body = answer.json()
    assert ("consent_required", cause, provider.slug) == (
        body["error"], body["cause"], body["service_id"],
    )  # fmt: skip
    url = urlsplit(body["consent_url"])
    assert (
        f"http://localhost:9000/connect/{provider.slug}" == f"{url.scheme}://{url.netloc}{url.path}"
    )
    assert {"resource": ["forge"], "return_url": ["http://localhost:9000/connections"]} == parse_qs(
        url.query
    )


@pytest.mark.spec("Broker", "13.2", "MUST", "a connected user's token is given out")
@pytest.mark.shows("metric", "authserver_upstream_token_issued_total")
@pytest.mark.shows("metric", "authserver_upstream_token_issuance_duration_seconds")
@pytest.mark.shows("audit event", "upstream.token.issued")
def test_a_connected_user_s_token_is_given_out(linked, connected, upstream, provider):
    with (
        rises("authserver_upstream_token_issued_total", provider=provider.slug, resource="forge"),
        rises("authserver_upstream_token_issuance_duration_seconds_count", provider=provider.slug),
    ):
        answer = vend(linked, scope="read write")

    body = answer.json()
    assert answer.status_code == 200, answer.text
    assert body["access_token"] in upstream.given
    assert ("Bearer", "read write") == (body["token_type"], body["scope"])
    assert 3590 <= body["expires_in"] <= 3600
    assert "refresh_token" not in body
    assert answer.headers["cache-control"] == "no-store"
    connected.refresh_from_db()
    assert connected.last_used_by == linked.gateway.client_id
    event = AuditEvent.objects.get(action="upstream.token.issued")
    assert (str(linked.user.pk), linked.gateway.client_id) == (event.actor_id, event.client_id)
    assert event.detail == {
        "provider": provider.slug, "resource": "forge", "scopes": "read repo:write",
    }  # fmt: skip


def test_uses_are_noted_on_the_connection_once_a_minute(linked, connected, frozen_clock):
    """Each has its row in the ledger and in the record; the connection's says when about."""
    assert vend(linked).status_code == 200
    first = clock.now()
    frozen_clock.shift(59)
    assert vend(linked).status_code == 200
    connected.refresh_from_db()
    assert connected.last_used_at == first
    frozen_clock.shift(1)
    assert vend(linked).status_code == 200
    connected.refresh_from_db()
    assert connected.last_used_at == clock.now()
    assert AuditEvent.objects.filter(action="upstream.token.issued").count() == 3


@pytest.mark.spec("Broker", "13.5", "MUST", "a link to connect names resource and return URL")
@pytest.mark.spec("Broker", "13.2", "MUST", "a user who is not connected is sent to connect")
def test_without_a_connection_the_user_is_sent_to_make_one(linked, provider, upstream):
    assert_connect(vend(linked), "consent_missing", provider)
    assert upstream.asked == []


def test_what_was_not_granted_upstream_is_not_asked_for(linked, provider, upstream):
    make_connection(provider, linked.user, scopes=("read",))

    assert_connect(vend(linked, scope="write"), "scope_insufficient", provider)
    assert upstream.asked == []
    assert vend(linked, scope="read").status_code == 200


def test_what_the_service_took_back_is_not_given_out(linked, connected, provider, upstream):
    upstream.scope = "read"

    assert_connect(vend(linked, scope="write"), "scope_insufficient", provider)
    assert not AuditEvent.objects.filter(action="upstream.token.issued").exists()


def test_a_refusal_of_the_service_sends_the_user_to_connect_again(
    linked, connected, provider, upstream
):
    upstream.failures = [400]

    for _ in range(2):
        assert_connect(vend(linked), "consent_missing", provider)
    assert upstream.count("refresh_token") == 1


def test_an_outage_is_an_outage_and_no_question_of_consent(linked, connected, upstream):
    upstream.failures, upstream.error = [429], "slow_down"

    answer = vend(linked)

    assert (503, "temporarily_unavailable") == (answer.status_code, answer.json()["error"])
    assert int(answer.headers["retry-after"]) >= 1
    assert vend(linked).status_code == 200


def test_after_an_unknown_outcome_the_connection_ends(linked, connected, provider, upstream):
    upstream.drops = True
    assert vend(linked).status_code == 503
    upstream.drops = False
    assert vend(linked).status_code == 503
    Connection.objects.update(lease_until=clock.now() - timedelta(seconds=1))

    assert_connect(vend(linked), "consent_missing", provider)

    connected.refresh_from_db()
    assert connected.status == "revoked"
    assert upstream.count("refresh_token") == 1


def test_an_ended_connection_gives_out_nothing(linked, connected, provider, upstream):
    revoke(connected.pk, reason="user", now=clock.now())

    assert_connect(vend(linked), "consent_missing", provider)
    assert upstream.count("refresh_token") == 0


def test_nobody_gets_the_token_of_another_user(linked, provider, upstream):
    from tests.support.factories import make_user

    make_connection(provider, make_user(), scopes=("read",))

    assert_connect(vend(linked), "consent_missing", provider)


def test_a_provider_that_is_switched_off_is_no_target(linked, connected, provider, upstream):
    from broker.providers import selectors

    BrokerProvider.objects.update(enabled=False)
    selectors.drop()

    answer = vend(linked)

    assert (400, "invalid_target") == (answer.status_code, answer.json()["error"])
    assert upstream.asked == []


def test_a_secret_that_is_gone_is_for_the_operator_to_mend(
    linked, connected, provider, upstream, caplog
):
    from broker.providers import selectors

    BrokerProvider.objects.update(
        secret_sealed=None,
        config_data=provider.config_data | {"client_secret_ref": "CONNECTOR_GONE"},
    )
    selectors.drop()

    assert vend(linked).status_code == 503
    connected.refresh_from_db()
    assert ("active", None) == (connected.status, connected.refresh_used_at)
    assert "upstream service cannot be used" in caplog.text


def test_the_upstream_token_stands_in_the_answer_alone(linked, connected, upstream, caplog):
    caplog.set_level(logging.DEBUG)
    answer = vend(linked)
    upstream.failures, upstream.error = [401], LEAK
    refused = vend(linked)
    assert (200, 503) == (answer.status_code, refused.status_code)

    texts = [
        refused.text,
        str(dict(answer.headers)),
        *(f"{record.getMessage()} {record.__dict__}" for record in caplog.records),
        json.dumps(list(AuditEvent.objects.values_list("detail", flat=True))),
    ]
    for secret in (*upstream.tokens(), SECRET, LEAK):
        assert not [text for text in texts if secret in text]


def test_the_vend_is_a_row_of_the_ledger(linked, connected):
    from oauth.models import AccessToken

    answer = vend(linked)

    assert answer.status_code == 200
    row = AccessToken.objects.get(kind="vend")
    assert ("forge", linked.user.pk) == (row.resource, row.user_id)
    assert answer.json()["access_token"] not in str(row.__dict__)


def test_a_service_account_acts_for_the_user(linked, provider, upstream):
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    from broker.connections.services import store_secret
    from broker.providers import selectors
    from broker.providers.secrets import seal_secret

    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    provider.protocol = "service_account"
    provider.config_data = {
        "token_url": f"{upstream.url}/token", "sa_email": "sa@up.example", "algorithm": "ES256",
    }  # fmt: skip
    provider.secret_sealed = seal_secret(provider, pem.decode())
    provider.save()
    selectors.drop()
    store_secret(
        user_id=linked.user.pk, provider_id=provider.pk, now=clock.now(), scopes=("read",),
        members={"impersonate_sub": "person@up.example"},
    )  # fmt: skip

    answer = vend(linked)

    assert answer.status_code == 200, answer.text
    assert answer.json()["access_token"] in upstream.given
    import jwt

    (request,) = upstream.asked
    claims = jwt.decode(request["form"]["assertion"], options={"verify_signature": False})
    assert ("person@up.example", "read") == (claims["sub"], claims["scope"])
    assert_connect(vend(linked, scope="write"), "scope_insufficient", provider)


def test_a_pasted_key_is_given_out_without_a_lifetime(linked, provider, upstream):
    from broker.connections.services import store_secret
    from broker.providers import selectors

    provider.protocol, provider.config_data = "api_key", {"header_name": "X-Key"}
    provider.secret_sealed = None
    provider.save()
    selectors.drop()
    store_secret(
        user_id=linked.user.pk, provider_id=provider.pk, members={"api_key": "k"}, now=clock.now()
    )

    body = vend(linked).json()

    assert ("k", "read") == (body["access_token"], body["scope"])
    assert "expires_in" not in body
    assert upstream.asked == []
