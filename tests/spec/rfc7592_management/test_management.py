"""/oauth/register/{client_id}: only with the client's own registration token."""

from __future__ import annotations

import pytest

from audit.models import AuditEvent
from oauth.models import AccessToken, Client, ConsentGrant, RefreshToken, TokenFamily
from tests.support.factories import (
    driver_for,
    make_client,
    make_confidential_client,
    make_resource,
    make_user,
    person,
)
from tests.support.shared_state import empty_shared_state

pytestmark = pytest.mark.django_db

SERVER_MEMBERS = (
    "registration_access_token", "registration_client_uri", "client_secret_expires_at",
    "client_id_issued_at",
)  # fmt: skip


class Managed:
    """A registered client with its registration token."""

    def __init__(self, oauth, **members):
        self.oauth = oauth
        self.information = oauth.register(**members).json()
        self.client_id = self.information["client_id"]
        self.token = self.information["registration_access_token"]

    def call(self, method, *, token=None, client_id=None, **options):
        bearer = self.token if token is None else token
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        path = f"/oauth/register/{client_id or self.client_id}"
        return self.oauth.http.request(method, path, headers=headers, **options)

    def document(self, **members):
        hidden = (*SERVER_MEMBERS, "client_secret")
        kept = {n: v for n, v in self.information.items() if n not in hidden}
        return {n: v for n, v in (kept | members).items() if v is not None}

    def put(self, *, token=None, **members):
        return self.call("PUT", token=token, json=self.document(**members))


@pytest.fixture
def managed(oauth):
    return Managed(oauth, client_name="Before", software_id="s-1")


def row(managed):
    return Client.objects.get(client_id=managed.client_id)


def test_a_client_reads_its_own_registration(managed):
    answer = managed.call("GET")

    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json() == managed.information


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("token", ["", "wrong", "x" * 5000])
@pytest.mark.spec("RFC 7592", "2", "MUST", "management needs the registration access token")
def test_without_the_token_nothing_is_told_or_changed(managed, method, token):
    before = Client.objects.values().get()

    answer = managed.oauth.http.request(
        method,
        f"/oauth/register/{managed.client_id}",
        headers={"Authorization": f"Bearer {token}"} if token else {},
        json=managed.document(client_name="After"),
    )

    assert (401, "invalid_token") == (answer.status_code, answer.json()["error"])
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    assert Client.objects.values().get() == before


def test_unknown_foreign_and_other_clients_look_the_same(managed):
    other = Managed(managed.oauth, client_name="Other")
    administered = make_client()
    suspended = Managed(managed.oauth, client_name="Suspended")
    Client.objects.filter(client_id=suspended.client_id).update(status="suspended")

    answers = [
        managed.call("GET", client_id="nobody"),
        managed.call("GET", client_id=other.client_id),
        managed.call("GET", client_id=administered.client_id),
        managed.call("DELETE", client_id=administered.client_id),
        managed.call("GET", client_id="%00"),
        suspended.call("GET"),
        suspended.call("DELETE"),
    ]

    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1
    assert Client.objects.count() == 4


@pytest.mark.shows("audit event", "client.updated")
def test_an_update_replaces_everything_and_the_token(managed):
    answer = managed.put(
        client_name="After",
        software_id=None,
        application_type=None,
        redirect_uris=["https://n.example/"],
    )

    body = answer.json()
    assert answer.status_code == 200
    assert (body["client_name"], body["redirect_uris"]) == ("After", ["https://n.example/"])
    assert "software_id" not in body
    assert body["registration_access_token"] != managed.token
    assert managed.call("GET").status_code == 401
    assert managed.call("GET", token=body["registration_access_token"]).json() == body
    event = AuditEvent.objects.get(action="client.updated")
    assert event.detail["fields"] == "name,redirect_uris,software_id"


@pytest.mark.spec("RFC 7592", "2.2", "MUST", "an update names the client's own id")
@pytest.mark.parametrize("client_id", [None, "another", 7, ""])
def test_an_update_for_another_id_is_refused(managed, client_id):
    answer = managed.put(client_id=client_id, client_name="After")

    assert (400, "invalid_client_metadata") == (answer.status_code, answer.json()["error"])
    assert row(managed).name == "Before"
    assert managed.call("GET").status_code == 200


@pytest.mark.parametrize("member", SERVER_MEMBERS)
def test_an_update_cannot_set_what_the_server_decides(managed, member):
    answer = managed.put(**{member: "chosen"})

    assert answer.status_code == 400
    assert row(managed).version == 1


def test_a_secret_is_never_chosen_by_the_client(oauth):
    client = Managed(oauth, token_endpoint_auth_method="client_secret_basic")
    secret = client.information["client_secret"]
    digest = row(client).client_secret

    refused = client.put(client_secret="chosen-by-the-client")
    kept = client.put(client_secret=secret, client_name="After")

    assert refused.status_code == 400
    assert kept.status_code == 200
    assert "client_secret" not in kept.json()
    assert kept.json()["client_secret_expires_at"] == 0
    assert row(client).client_secret == digest


def test_the_secret_follows_the_method(oauth):
    client = Managed(oauth)

    confidential = client.put(token_endpoint_auth_method="client_secret_post").json()
    assert len(confidential["client_secret"]) == 43

    client.token = confidential["registration_access_token"]
    public = client.put(token_endpoint_auth_method="none").json()
    assert "client_secret" not in public
    assert row(client).client_secret == ""
    assert row(client).client_type == "public"


def test_the_agent_mark_is_not_editable(managed):
    body = managed.put(agent=True).json()

    assert "agent" not in body
    assert row(managed).is_agent is False


def test_an_operators_ceiling_is_not_shed_by_another_grant(oauth, override_config):
    override_config(oauth={"default_client_scope": "read"})
    client = Managed(oauth, token_endpoint_auth_method="client_secret_basic")

    body = client.put(grant_types=["authorization_code", "client_credentials"], scope=None).json()

    assert body["scope"] == "read"


def test_bad_updates_change_nothing(managed):
    before = Client.objects.values().get()

    for members in (
        {"redirect_uris": ["http://evil.example/"]},
        {"redirect_uris": []},
        {"grant_types": ["password"]},
        {"client_name": ""},
    ):
        assert managed.put(**members).status_code == 400
    assert managed.call("PUT", content=b"{").status_code == 400

    assert Client.objects.values().get() == before


def test_a_closed_server_takes_no_updates_but_lets_clients_leave(managed, override_config):
    override_config(dcr={"mode": "admin_only"})

    assert managed.put(client_name="After").status_code == 403
    assert row(managed).name == "Before"
    assert managed.call("GET").status_code == 200
    assert managed.call("DELETE").status_code == 204


def test_updates_obey_the_approved_redirects(managed, override_config):
    override_config(dcr={"mode": "approved_redirects", "approved_redirects": ()})

    answer = managed.put(redirect_uris=["https://new.example/"])

    assert (400, "invalid_redirect_uri") == (answer.status_code, answer.json()["error"])


def test_users_are_asked_again_after_the_client_became_another(managed):
    consent = ConsentGrant.objects.create(
        user=make_user(), client=row(managed), resource=make_resource(), scopes=["read"]
    )

    managed.token = managed.put(software_version="2").json()["registration_access_token"]
    consent.refresh_from_db()
    assert consent.scopes == ["read"]

    managed.put(redirect_uris=["https://elsewhere.example/"])
    consent.refresh_from_db()
    assert (consent.scopes, consent.revoked_at) == ([], None)


@pytest.mark.shows("audit event", "client.deleted")
@pytest.mark.spec("RFC 7592", "2.3", "MUST", "a deleted client can do nothing any more")
def test_a_deleted_client_takes_everything_with_it(managed, oauth):
    resource = make_resource()
    oauth.resource = resource.uri
    tokens = oauth.tokens(person(make_user()), scope="read")
    checker = make_confidential_client()
    resource.policy = {"runtime": {"client_ids": [checker.row.client_id]}}
    resource.save()
    watcher = driver_for(checker, base=oauth)
    assert watcher.introspect(tokens["access_token"]).json()["active"] is True

    answer = managed.call("DELETE")
    empty_shared_state()  # what the commit does, which this test never reaches

    assert (204, b"") == (answer.status_code, answer.content)
    assert not Client.objects.filter(client_id=managed.client_id).exists()
    assert TokenFamily.objects.count() == RefreshToken.objects.count() == 0
    assert AccessToken.objects.filter(revoked_at=None).count() == 0
    assert watcher.introspect(tokens["access_token"]).json() == {"active": False}
    assert oauth.refresh(tokens["refresh_token"]).status_code == 401
    assert oauth.start(resource=resource.uri).status_code == 400
    assert managed.call("GET").status_code == managed.call("DELETE").status_code == 401
    event = AuditEvent.objects.get(action="client.deleted")
    assert (event.client_id, event.detail) == (managed.client_id, {"cause": "client"})


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_other_methods_are_refused(managed, method):
    answer = managed.call(method, json={})

    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET, PUT, DELETE"


def test_the_root_alias_manages_too(managed):
    headers = {"Authorization": f"bearer {managed.token}"}

    assert (
        managed.oauth.http.get(f"/register/{managed.client_id}", headers=headers).json()
        == managed.information
    )
