"""Upstream tokens without a link: the user's consent speaks for the service, and the connection."""

from __future__ import annotations

import pytest

from tests.spec.rfc8693_token_exchange.test_vending import assert_connect
from tests.support.digests import nothing_changes
from tests.support.exchanging import row
from tests.support.factories import make_resource
from tests.support.refusals import Refusal, assert_refused
from tests.support.upstream import ALLOWED, make_connection, make_provider, running_upstream

DENIED = Refusal(403, "access_denied", "client is not authorized to exchange this token")


@pytest.fixture
def upstream(override_config):
    override_config(broker=ALLOWED)
    with running_upstream() as world:
        yield world


@pytest.fixture
def provider(upstream, db):
    return make_provider(upstream)


@pytest.fixture
def attested(delegation, provider):
    """The user allowed the agent `openid` at the resource that the gateway acts as."""
    from oauth.models import ConsentGrant
    from oauth.resources import selectors

    make_resource(
        slug="forge", uri="", backend_kind="broker", broker_provider=provider.pk,
        scopes=[{"name": "openid", "upstream": "repo:read"}],
    )  # fmt: skip
    delegation.front.scopes = [{"name": "openid"}]
    delegation.front.save()
    selectors.drop()
    ConsentGrant.objects.create(
        user=delegation.user, client=row(delegation.agent), resource=delegation.front,
        scopes=["openid"],
    )  # fmt: skip
    return delegation


def vend(delegation):
    """The gateway's exchange of a token for this server itself."""
    token = delegation.agent.tokens(delegation.scene.person, resource=None, scope="openid")
    return delegation.gateway.exchange(token["access_token"], resource="forge", scope="openid")


@pytest.mark.spec("Broker", "13.3", "MUST", "a connected user's token is given out")
def test_with_consent_and_a_connection(attested, provider, upstream):
    make_connection(provider, attested.user, scopes=("repo:read",))

    body = vend(attested).json()

    assert body["access_token"] in upstream.given
    assert ("Bearer", "openid") == (body["token_type"], body["scope"])


@pytest.mark.spec("Broker", "13.3", "MUST", "a user who is not connected is sent to connect")
def test_without_a_connection(attested, provider, upstream):
    assert_connect(vend(attested), "consent_missing", provider)
    assert upstream.asked == []


@pytest.mark.spec("Broker", "13.3", "MUST", "a narrower connection is sent to be widened")
def test_with_a_narrower_connection(attested, provider, upstream):
    make_connection(provider, attested.user, scopes=("user:email",))

    assert_connect(vend(attested), "scope_insufficient", provider)
    assert upstream.asked == []


@pytest.mark.spec("Broker", "13.3", "MUST", "a grant that the service ended is connected again")
def test_a_grant_that_the_service_ended(attested, provider, upstream):
    make_connection(provider, attested.user, scopes=("repo:read",))
    upstream.known.clear()

    for _ in range(2):
        assert_connect(vend(attested), "consent_missing", provider)
    assert upstream.count("refresh_token") == 1


@pytest.mark.spec("Broker", "13.3", "MUST", "a machine's token never leads to a service")
def test_the_token_of_a_machine(attested, provider, upstream):
    make_connection(provider, attested.user, scopes=("repo:read",))
    token = attested.scene.machine_token(resource=None, scope=None)

    with nothing_changes():
        assert_refused(attested.gateway.exchange(token, resource="forge"), DENIED)
    assert upstream.asked == []
