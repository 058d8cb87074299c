"""Tokens bound to a client certificate."""

from __future__ import annotations

import pytest

from tests.support.certificates import issue
from tests.support.digests import nothing_changes
from tests.support.pushed import push
from tests.support.refusals import Refusal, assert_refused
from tests.support.scene import change_client

pytestmark = pytest.mark.django_db

FIRST, SECOND = issue("first"), issue("second")
REQUIRED = Refusal(400, "invalid_request", "present the TLS client certificate")


def shown(certificate):
    return {"X-SSL-Client-Cert": certificate.escaped, "X-SSL-Client-Verify": "NONE"}


@pytest.fixture
def bound(scene, override_config):
    """A machine with a secret whose tokens are bound."""
    override_config(certificates={"trusted_proxies": ("127.0.0.1",)})
    change_client(scene.machine, tls_client_certificate_bound_access_tokens=True)
    return scene.machine


def ask(client, headers, **form):
    sent = {"grant_type": "client_credentials", "scope": "read", "resource": client.resource}
    return client.token(**(sent | form), headers=headers)


@pytest.mark.spec("RFC 8705", "3.1", "MUST", "a bound token names its certificate as x5t#S256")
def test_the_token_names_the_certificate(scene, bound):
    token = ask(bound, shown(FIRST)).json()

    assert token["token_type"] == "Bearer"
    assert bound.claims(token["access_token"])["cnf"] == {"x5t#S256": FIRST.x5t}


@pytest.mark.spec("RFC 8705", "3.2", "MUST", "introspection tells the certificate")
def test_introspection_tells_the_certificate(scene, bound):
    token = ask(bound, shown(FIRST)).json()["access_token"]

    answer = scene.watcher.introspect(token).json()
    assert answer["cnf"] == {"x5t#S256": FIRST.x5t}
    assert answer["token_type"] == "Bearer"


def test_without_a_certificate_there_is_no_token(scene, bound):
    with nothing_changes():
        assert_refused(ask(bound, {}), REQUIRED)


def test_a_code_is_not_spent_without_the_certificate(scene, bound):
    authorization = bound.authorize(scene.person)

    with nothing_changes():
        assert_refused(bound.redeem(authorization), REQUIRED)
    answer = bound.redeem(authorization, headers=shown(FIRST))
    assert bound.claims(answer.json()["access_token"])["cnf"] == {"x5t#S256": FIRST.x5t}

    refresh = answer.json()["refresh_token"]
    with nothing_changes():
        assert_refused(bound.refresh(refresh), REQUIRED)
    again = bound.refresh(refresh, headers=shown(SECOND)).json()
    assert bound.claims(again["access_token"])["cnf"] == {"x5t#S256": SECOND.x5t}


def test_a_client_that_did_not_ask_gets_bearer_tokens(scene, override_config):
    override_config(certificates={"trusted_proxies": ("127.0.0.1",)})
    token = ask(scene.machine, shown(FIRST)).json()["access_token"]

    assert "cnf" not in scene.machine.claims(token)


def test_a_forged_header_binds_nothing(scene, override_config):
    override_config(certificates={"trusted_proxies": ("10.0.0.1",)})
    change_client(scene.machine, tls_client_certificate_bound_access_tokens=True)

    with nothing_changes():
        assert_refused(ask(scene.machine, shown(FIRST)), REQUIRED)


def test_pushing_needs_no_certificate(scene, bound):
    assert push(bound)[0].status_code == 201


@pytest.mark.spec("RFC 8705", "3", "MUST", "a bound token is accepted over its certificate only")
def test_userinfo_takes_a_bound_token_over_its_certificate_only(scene, bound):
    change_client(bound, scope="")
    authorization = bound.authorize(scene.person, resource=bound.issuer, scope="openid email")
    token = bound.redeem(authorization, headers=shown(FIRST)).json()["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}

    assert bound.http.get("/oauth/userinfo", headers=bearer | shown(FIRST)).status_code == 200
    for headers in (bearer, bearer | shown(SECOND)):
        answer = bound.http.get("/oauth/userinfo", headers=headers)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")


@pytest.mark.spec("RFC 8705", "3.4", "MAY", "a client registers that its tokens are bound")
def test_registration(scene, override_config):
    override_config(certificates={"trusted_proxies": ("127.0.0.1",)})
    client = scene.client.sibling()
    answer = client.register(
        token_endpoint_auth_method="client_secret_basic",
        tls_client_certificate_bound_access_tokens=True,
    )

    assert answer.json()["tls_client_certificate_bound_access_tokens"] is True


def test_registration_that_cannot_work_is_refused(scene, override_config):
    asked = {"tls_client_certificate_bound_access_tokens": True}
    off = scene.client.sibling().register(**asked, token_endpoint_auth_method="client_secret_post")
    override_config(certificates={"trusted_proxies": ("127.0.0.1",)})
    public = scene.client.sibling().register(**asked)

    for answer in (off, public):
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")
