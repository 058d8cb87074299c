"""How many statements each request sends to the database: exactly, with warm caches.

Every statement is a round trip, BEGIN and COMMIT included. A number here goes down on purpose and
up only with a reason.
"""

from __future__ import annotations

import pytest
from django.db import connection

from oauth.resources import selectors
from tests.support import upstream
from tests.support.exchanging import make_delegation
from tests.support.idp import enterprise
from tests.support.lineage import chain, received
from tests.support.published import internet
from tests.support.pushed import push
from tests.support.queries import query_budget
from tests.support.scene import row_of

# Without a transaction around the test, so that what is counted is what a server sends.
pytestmark = pytest.mark.django_db(transaction=True)


def budget(*, postgresql: int, sqlite: int):
    return query_budget(postgresql if connection.vendor == "postgresql" else sqlite)


@pytest.fixture(autouse=True)
def _undisturbed(monkeypatch):
    """Announcements over Redis do not empty a cache between warming it and counting."""
    from authplane.core import cache

    monkeypatch.setattr(cache._Listener, "ensure_running", lambda listener: None)
    monkeypatch.setattr(cache._Listener, "_apply", lambda listener, data: None)


@pytest.fixture
def warm(scene):
    """Every cache knows every party."""
    scene.is_active(scene.machine_token())
    tokens = scene.tokens()
    scene.client.refresh(tokens["refresh_token"])
    return scene


def test_client_credentials(warm):
    with budget(postgresql=1, sqlite=4):
        answer = warm.machine.client_credentials()
    assert answer.status_code == 200


def test_client_credentials_with_a_proof(warm):
    """Using the proof up costs a statement only where there is no shared memory."""
    from authplane.core import shared
    from tests.support.dpop import DPoPKey

    warm.machine.dpop = DPoPKey()
    remembered = 0 if shared.is_configured() else 1
    with budget(postgresql=1 + remembered, sqlite=4 + remembered):
        answer = warm.machine.client_credentials()
    assert answer.json()["token_type"] == "DPoP"


def test_client_credentials_with_a_secret_in_the_body_or_at_the_root(warm):
    posting = warm.another_machine(token_endpoint_auth_method="client_secret_post", scope="read")
    posting.client_credentials()
    for path in ("/oauth/token", "/token"):
        with budget(postgresql=1, sqlite=4):
            answer = posting.token(path=path, grant_type="client_credentials")
        assert answer.status_code == 200


def test_code(warm):
    authorization = warm.authorize()
    with budget(postgresql=2, sqlite=8):
        answer = warm.client.redeem(authorization)
    assert answer.status_code == 200


def test_code_without_refresh_token(warm):
    client = warm.another_client(grant_types=["authorization_code"])
    client.tokens(warm.person)
    authorization = client.authorize(warm.person)
    with budget(postgresql=2, sqlite=7):
        answer = client.redeem(authorization)
    assert answer.status_code == 200


def test_refresh(warm):
    refresh_token = warm.tokens()["refresh_token"]
    with budget(postgresql=2, sqlite=7):
        answer = warm.client.refresh(refresh_token)
    assert answer.status_code == 200


def test_an_answer_that_was_lost_costs_one_read(warm):
    refresh_token = warm.tokens()["refresh_token"]
    warm.client.refresh(refresh_token)
    with budget(postgresql=1, sqlite=1):
        answer = warm.client.refresh(refresh_token)
    assert answer.status_code == 200


@pytest.fixture
def delegation(warm):
    """Every cache knows every party of an exchange."""
    made = make_delegation(warm)
    made.consent("read")
    made.exchanged()
    return made


def test_exchange(delegation):
    """The subject token, the consent, and one guarded statement for token, checks and record."""
    subject = delegation.subject_token()
    with budget(postgresql=3, sqlite=9):
        answer = delegation.exchange(subject)
    assert answer.status_code == 200


def test_exchange_over_a_link(delegation):
    delegation.link(read=["read"])
    delegation.exchanged()
    subject = delegation.subject_token()
    with budget(postgresql=2, sqlite=7):
        answer = delegation.exchange(subject)
    assert answer.status_code == 200


def test_exchange_with_an_actor_token_reads_both_tokens_at_once(delegation):
    subject, actor = delegation.subject_token(), delegation.scene.machine_token()
    with budget(postgresql=3, sqlite=9):
        answer = delegation.exchange(subject, actor_token=actor)
    assert answer.status_code == 200


def test_a_vend_of_a_kept_token(delegation, override_config):
    """The subject token, the connection, and one statement for the ledger and both records."""
    override_config(broker=upstream.ALLOWED | {"keep_access_tokens": True})
    with upstream.running_upstream() as world:
        provider = upstream.make_provider(world)
        delegation.link_to_upstream(provider)
        upstream.make_connection(provider, delegation.user, scopes=("read", "repo:write"))
        subject = delegation.subject_token()
        first = delegation.exchange(subject, resource="forge")
        with budget(postgresql=3, sqlite=7):
            answer = delegation.exchange(subject, resource="forge")
    assert answer.json()["access_token"] == first.json()["access_token"]


def test_a_refused_exchange_costs_its_two_reads_and_its_record(delegation):
    subject = delegation.subject_token()
    with budget(postgresql=3, sqlite=3):
        answer = delegation.exchange(subject, scope="write")
    assert answer.status_code == 400


def test_what_is_no_subject_token_costs_its_record(delegation):
    with budget(postgresql=1, sqlite=1):
        answer = delegation.exchange("x.y.z")
    assert answer.status_code == 400


def test_introspection_of_an_access_token(warm):
    token = warm.tokens()["access_token"]
    with budget(postgresql=1, sqlite=2):
        answer = warm.watcher.introspect(token)
    assert answer.json()["active"] is True


def test_introspection_of_a_refresh_token(warm):
    token = warm.machine.tokens(warm.person)["refresh_token"]
    with budget(postgresql=2, sqlite=2):
        answer = warm.machine.introspect(token)
    assert answer.json()["active"] is True


def test_introspection_of_a_token_with_ten_ancestors(warm):
    """Everything above the token is read in the statement that reads the token."""
    first = received(warm.tokens()["access_token"])
    last = chain(
        row_of(warm.machine),
        resource=warm.resource.uri,
        length=10,
        first=first,
        user_id=warm.user.pk,
    )
    with budget(postgresql=1, sqlite=2):
        answer = warm.watcher.introspect(last.token)
    assert answer.json()["active"] is True


def test_an_opaque_token_costs_what_a_jwt_does(warm):
    warm.resource.policy = warm.resource.policy | {"token_format": "opaque"}
    warm.resource.save()
    selectors.drop()
    warm.machine_token()
    with budget(postgresql=1, sqlite=4):
        token = warm.machine.client_credentials().json()["access_token"]
    with budget(postgresql=2, sqlite=2):
        answer = warm.watcher.introspect(token)
    assert answer.json()["active"] is True
    with budget(postgresql=5, sqlite=5):
        assert warm.machine.revoke(token).status_code == 200


def test_userinfo(warm):
    token = warm.tokens(resource=None, scope="openid")["access_token"]
    with budget(postgresql=1, sqlite=1):
        answer = warm.client.userinfo(token)
    assert answer.status_code == 200


def test_a_wrong_secret_costs_no_statement(warm):
    warm.machine.client_secret = "wrong"
    with budget(postgresql=0, sqlite=0):
        answer = warm.machine.client_credentials()
    assert answer.status_code == 401


def test_an_inactive_token_costs_what_an_active_one_does(warm):
    token = warm.machine_token()
    warm.machine.revoke(token)
    with budget(postgresql=2, sqlite=2):
        answer = warm.watcher.introspect(token)
    assert answer.json() == {"active": False}


def test_what_is_no_token_costs_its_look_up_and_its_record(warm):
    with budget(postgresql=2, sqlite=2):
        answer = warm.watcher.introspect("unknown")
    assert answer.json() == {"active": False}


def test_a_refused_code_costs_its_look_up_and_its_record(warm):
    authorization = warm.authorize()
    with budget(postgresql=2, sqlite=2):
        answer = warm.client.redeem(authorization, code_verifier="x" * 43)
    assert answer.status_code == 400


def test_a_refused_machine_costs_its_record(warm):
    with budget(postgresql=1, sqlite=1):
        answer = warm.machine.client_credentials(scope="unknown")
    assert answer.status_code == 400


def test_discovery_costs_no_statement(warm):
    warm.client.metadata()
    warm.client.jwks()
    with budget(postgresql=0, sqlite=0):
        warm.client.metadata()
        warm.client.jwks()


@pytest.mark.parametrize("single_use", [False, True])
def test_a_workload(warm, single_use):
    from tests.support.platforms import make_workload

    workload = make_workload(warm.client, resource=warm.resource.uri, single_use=single_use)
    workload.ask()
    with budget(postgresql=1, sqlite=5 if single_use else 4):
        answer = workload.ask()
    assert answer.status_code == 200


@pytest.mark.parametrize("kind", ["refresh_token", "access_token"])
def test_an_identity_assertion(warm, kind):
    from tests.support.assertions import make_enterprise

    enterprise = make_enterprise(warm)
    subject = enterprise.sign_in()[kind]
    enterprise.assertion(subject, kind=kind)
    with budget(postgresql=2, sqlite=6 if kind == "refresh_token" else 7):
        answer = enterprise.assertion(subject, kind=kind)
    assert answer.status_code == 200


def test_jwt_bearer_with_an_identity_assertion(warm, monkeypatch):
    """Who the subject is here, then one statement: id spent, ledger row, audit row."""
    with internet(monkeypatch) as world:
        ema = enterprise(warm, world)
        ema.link("bob", warm.user)
        ema.token()
        for subject in ("ann", "bob"):
            assertion = ema.assertion(sub=subject)
            with budget(postgresql=2, sqlite=6):
                answer = ema.redeem(assertion)
            assert answer.status_code == 200


def test_pushing(warm):
    for client in (warm.client, warm.machine):
        with budget(postgresql=1, sqlite=1):
            answer, _, _ = push(client)
        assert answer.status_code == 201
