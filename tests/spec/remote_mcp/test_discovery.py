"""What is found out about a remote MCP server, and what is not believed."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest

from authplane.core import clock
from broker.models import UpstreamConfig
from broker.remote.configuration import configured
from broker.remote.errors import MEANINGS, DiscoveryFailed
from tests.support.servers import make_server

pytestmark = pytest.mark.django_db

AS, OIDC = "oauth-authorization-server", "openid-configuration"


def found(server, **arguments) -> UpstreamConfig:
    return configured(server, now=clock.now(), **arguments)


def refused(server, **arguments) -> str:
    with pytest.raises(DiscoveryFailed) as failed:
        found(server, **arguments)
    assert failed.value.code in MEANINGS
    assert not UpstreamConfig.objects.filter(pk=server.pk).exclude(client_id="").exists()
    return failed.value.code


def test_everything_fits_together(server, remote):
    row = found(server)
    assert row.resource_identifier == remote.mcp
    assert row.issuer == remote.issuer
    assert row.token_endpoint == f"{remote.url}/token"
    assert row.scopes == ["read", "write"]
    assert row.discovery_method == "www-authenticate"
    server.refresh_from_db()
    assert server.requires_auth is True


def test_scopes_of_the_challenge_come_first(server, remote):
    remote.challenge = 'Bearer realm="x", resource_metadata="{prm}", scope="admin openid"'
    remote.server_overrides = {"scopes_supported": ["admin", "offline_access"]}
    remote.publish()
    assert found(server).scopes == ["admin", "offline_access"]


@pytest.mark.parametrize("path", ["/mcp", "", "/"])
def test_without_a_challenge_the_well_known_places_are_asked(remote, user, path):
    remote.challenge, remote.path = "", path
    remote.publish()
    if path == "/":
        remote.documents["/.well-known/oauth-protected-resource"] = remote.documents.pop(
            "/.well-known/oauth-protected-resource/"
        )
    assert found(make_server(user, remote.mcp)).discovery_method == "rfc9728"


def test_the_root_document_may_be_about_all_of_the_host(server, remote):
    remote.challenge = ""
    remote.publish()
    document = remote.documents.pop("/.well-known/oauth-protected-resource/mcp")
    remote.documents["/.well-known/oauth-protected-resource"] = document | {"resource": remote.url}
    assert found(server).resource_identifier == remote.url


@pytest.mark.parametrize(
    "resource",
    ["https://evil.example/mcp", "{url}/mc", "{url}/mcp/below", "{url}/other", "{url}", 7, None],
)
def test_metadata_about_another_resource(server, remote, resource):
    value = resource.format(url=remote.url) if isinstance(resource, str) else resource
    remote.resource_overrides = {"resource": value}
    remote.publish()
    assert refused(server) == "wrong_resource"
    assert not remote.registered


@pytest.mark.parametrize(
    ("tenant", "place"),
    [
        ("", AS),
        ("", OIDC),
        ("/tenant", AS),
        ("/tenant", OIDC),
        ("/tenant", f"/tenant/.well-known/{OIDC}"),
        ("/tenant", f"/.well-known/{AS}"),
    ],
)
def test_each_place_of_the_metadata(server, remote, tenant, place):
    remote.tenant, remote.places = tenant, (place,)
    remote.publish()
    assert found(server).issuer == remote.issuer


def test_the_places_are_asked_in_the_order_of_the_specification(server, remote):
    remote.tenant, remote.places = "/tenant", ()
    remote.publish()
    assert refused(server) == "no_metadata"
    assert remote.fetched[-4:] == [
        f"/.well-known/{AS}/tenant",
        f"/.well-known/{OIDC}/tenant",
        f"/tenant/.well-known/{OIDC}",
        f"/.well-known/{AS}",
    ]


@pytest.mark.spec("Negative tests", "D8.6", "MUST", "an answer of another issuer is refused")
@pytest.mark.parametrize(
    "issuer", ["https://honest.example", "{url}/", "{url}/tenant/", "{url}/TENANT", "", 7, None]
)
def test_metadata_of_another_issuer(server, remote, issuer):
    value = issuer.format(url=remote.url) if isinstance(issuer, str) else issuer
    remote.tenant, remote.server_overrides = "/tenant", {"issuer": value}
    remote.publish()
    assert refused(server) == "wrong_issuer"
    assert not remote.registered


def test_the_slash_that_libraries_add_to_a_bare_host(server, remote):
    remote.resource_overrides = {"authorization_servers": [f"{remote.url}/"]}
    remote.publish()
    assert found(server).issuer == remote.url


@pytest.mark.spec("Negative tests", "D8.5", "MUST", "a server without S256 is refused")
@pytest.mark.parametrize("methods", [None, [], ["plain"], "S256"])
def test_without_s256_it_is_refused(server, remote, methods):
    remote.server_overrides = {"code_challenge_methods_supported": methods}
    remote.publish()
    assert refused(server) == "pkce_unsupported"
    assert not remote.registered


def test_users_are_not_sent_to_a_host_that_is_not_its_own(server, remote):
    remote.server_overrides = {"authorization_endpoint": "https://honest.example/authorize"}
    remote.publish()
    assert refused(server) == "foreign_endpoint"
    remote.server_overrides["authorization_response_iss_parameter_supported"] = True
    remote.publish()
    assert found(server).tells_issuer


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint"])
@pytest.mark.parametrize(
    "url", [None, "", "javascript:alert(1)", "http://10.0.0.1/x", "http://public.example/x", 7]
)
def test_endpoints_that_may_not_be_called(server, remote, name, url):
    remote.server_overrides = {name: url}
    remote.publish()
    assert refused(server) == "no_metadata"


def test_a_server_for_everybody_needs_no_account(server, remote):
    remote.status = 200
    assert refused(server) == "no_auth_required"
    server.refresh_from_db()
    assert server.requires_auth is False


def test_an_answer_that_never_ends_is_not_waited_for(server, remote):
    remote.status, remote.streams = 200, True
    began = time.monotonic()
    assert refused(server) == "no_auth_required"
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("status", [403, 404, 405])
def test_an_answer_that_does_not_say(server, remote, status):
    remote.status = status
    assert found(server).discovery_method == "rfc9728"
    remote.documents.clear()
    assert configured_code(server) == "no_metadata"


def configured_code(server) -> str:
    with pytest.raises(DiscoveryFailed) as failed:
        found(server, force=True)
    return failed.value.code


def test_a_server_in_trouble_is_not_taken_for_an_old_one(server, remote):
    remote.status = 503
    assert refused(server) == "unreachable"


class TestServersOfTheFirstSpecification:
    """MCP 2025-03-26: the server is its own authorization server, at the root of its host."""

    def test_metadata_at_the_root_of_the_host(self, server, remote):
        remote.challenge = "Bearer"
        remote.publish()
        del remote.documents["/.well-known/oauth-protected-resource/mcp"]
        row = found(server)
        assert (row.discovery_method, row.issuer) == ("origin", remote.url)
        assert row.resource_identifier == remote.mcp

    def test_default_endpoints(self, server, remote):
        remote.challenge, remote.documents = "", {}
        row = found(server)
        assert row.discovery_method == "defaults"
        assert row.authorization_endpoint == f"{remote.url}/authorize"
        assert row.token_endpoint == f"{remote.url}/token"
        assert len(remote.registered) == 1

    def test_a_server_that_names_metadata_must_have_them(self, server, remote):
        remote.documents = {}
        assert refused(server) == "no_metadata"
        assert not remote.registered


class TestFreshness:
    @pytest.mark.parametrize(
        ("cache", "seconds"),
        [
            ("max-age=5", 300), ("no-store", 300), ("max-age=1000", 1000),
            ("max-age=9999999", 86400), ("", 3600),
        ],
    )  # fmt: skip
    def test_headers_within_bounds(self, server, remote, frozen_clock, cache, seconds):
        remote.cache = cache
        row = found(server)
        assert row.fresh_until == clock.now() + timedelta(seconds=seconds)

    def test_asked_anew_when_stale(self, server, remote, frozen_clock):
        found(server)
        asked = len(remote.fetched)
        assert found(server).client_id == "client-1"
        assert len(remote.fetched) == asked
        frozen_clock.shift(3601)
        found(server)
        assert len(remote.fetched) > asked

    @pytest.mark.spec(
        "Negative tests", "D8.7", "MUST", "connecting again keeps the registered client"
    )
    def test_asking_anew_loses_nothing(self, server, remote):
        before = found(server)
        remote.server_overrides = {"token_endpoint": f"{remote.url}/token2"}
        remote.publish()
        after = found(server, force=True)
        assert after.token_endpoint.endswith("/token2")
        assert after.client_id == before.client_id
        assert bytes(after.secret_sealed) == bytes(before.secret_sealed)
        assert bytes(after.registration_sealed) == bytes(before.registration_sealed)
        assert len(remote.registered) == 1

    def test_a_failure_leaves_what_was_known(self, server, remote):
        before = found(server)
        remote.documents = {}
        assert configured_code(server) == "no_metadata"
        after = UpstreamConfig.objects.get(pk=server.pk)
        assert (after.client_id, after.issuer) == (before.client_id, before.issuer)

    def test_the_client_goes_with_its_issuer(self, server, remote):
        found(server)
        remote.tenant = "/other"
        remote.publish()
        row = found(server, force=True)
        assert (row.client_id, row.client_issuer) == ("client-2", remote.issuer)
