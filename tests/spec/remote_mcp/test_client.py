"""Which client of ours an authorization server gets to know: one that stays."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest

from authplane.core import clock
from broker.models import UpstreamConfig
from broker.providers.services import patch_provider
from broker.remote import client, registration
from broker.remote.configuration import configured, configured_provider
from broker.remote.errors import DiscoveryFailed
from broker.remote.targets import of_server
from broker.upstream.registry import adapter_for_server
from broker.vault.sealing import open_members, open_text
from tests.support.remote import MANAGEMENT, SECRET, make_mcp_provider

pytestmark = pytest.mark.django_db

CALLBACK = "http://localhost:9000/api/oauth/callback"
PUBLIC = {"connect": {"redirect_base_url": "https://auth.example.com"}}
TABLE = "broker_upstreamconfig"


def found(server, **arguments) -> UpstreamConfig:
    return configured(server, now=clock.now(), **arguments)


def refused(server, **arguments) -> str:
    with pytest.raises(DiscoveryFailed) as failed:
        found(server, **arguments)
    return failed.value.code


class TestRegistration:
    def test_what_is_said_about_us(self, server, remote):
        found(server)
        assert remote.registered == [
            {
                "client_name": "Authplane",
                "client_uri": "http://localhost:9000",
                "redirect_uris": [CALLBACK],
                "grant_types": ["authorization_code", "refresh_token"],
                "response_types": ["code"],
                "token_endpoint_auth_method": "client_secret_basic",
                "application_type": "native",
                "scope": "read write",
            }
        ]

    def test_secrets_are_sealed_where_they_belong_and_logged_nowhere(self, server, remote, caplog):
        caplog.set_level(logging.DEBUG)
        row = found(server)
        place = {"table": TABLE, "row": server.pk}
        assert open_text(row.secret_sealed, **place, column="secret_sealed") == SECRET
        kept = open_members(row.registration_sealed, **place, column="registration_sealed")
        assert kept["token"] == MANAGEMENT
        assert SECRET not in caplog.text
        assert MANAGEMENT not in caplog.text
        in_clear = [value for value in vars(row).values() if isinstance(value, str)]
        assert not {SECRET, MANAGEMENT} & set(in_clear)

    @pytest.mark.parametrize(
        ("offered", "method"),
        [
            (["none"], "none"),
            (["client_secret_post", "none"], "client_secret_post"),
            (
                ["private_key_jwt", "client_secret_basic", "client_secret_post"],
                "client_secret_basic",
            ),
            (None, "client_secret_basic"),
        ],
    )
    def test_a_method_that_it_offers(self, server, remote, offered, method):
        remote.server_overrides = {"token_endpoint_auth_methods_supported": offered}
        remote.publish()
        row = found(server)
        assert remote.registered[0]["token_endpoint_auth_method"] == method
        assert row.token_endpoint_auth_method == method
        assert (row.secret_sealed is None) == (method == "none")

    def test_a_public_client_although_a_secret_was_asked_for(self, server, remote):
        remote.registration = {"client_secret": None, "token_endpoint_auth_method": None}
        assert found(server).token_endpoint_auth_method == "none"

    @pytest.mark.parametrize(
        "answer",
        [
            {"client_id": None}, {"client_id": 7}, {"client_id": "x" * 3000},
            {"client_id": "a\nb"}, {"client_secret": None},
            {"token_endpoint_auth_method": "private_key_jwt"},
            {"redirect_uris": ["https://evil.example/"]}, {"redirect_uris": 7},
        ],
    )  # fmt: skip
    def test_answers_that_cannot_be_used(self, server, remote, answer):
        remote.registration = answer
        assert refused(server) == "registration_failed"
        assert UpstreamConfig.objects.get().client_id == ""

    @pytest.mark.parametrize("status", [302, 400, 403, 500])
    def test_refusals(self, server, remote, status):
        remote.registration_status = status
        assert refused(server) == "registration_failed"

    def test_nowhere_to_register(self, server, remote):
        remote.server_overrides = {"registration_endpoint": None}
        remote.publish()
        assert refused(server) == "no_client"

    def test_a_secret_that_ends(self, server, remote, frozen_clock):
        ends = clock.now() + timedelta(days=1)
        remote.registration = {"client_secret_expires_at": int(ends.timestamp())}
        assert found(server).client_expires_at == ends
        frozen_clock.shift(86_100)
        assert found(server).client_id == "client-2"

    def test_our_callback_moved(self, server, remote, override_config):
        found(server)
        override_config(**PUBLIC)
        assert found(server).client_id == "client-2"
        assert remote.registered[1]["redirect_uris"] == [
            "https://auth.example.com/api/oauth/callback"
        ]
        assert remote.registered[1]["application_type"] == "web"

    def test_who_comes_second_gives_its_client_back(self, server, remote, monkeypatch):
        row, ask = found(server), registration.register
        client.forget(row)
        row.refresh_from_db()

        def slowly(*arguments, **members):
            made = ask(*arguments, **members)
            UpstreamConfig.objects.filter(pk=row.pk).update(
                client_id="winner", client_source="dcr", client_issuer=row.issuer
            )
            return made

        monkeypatch.setattr(registration, "register", slowly)
        kept = client.ensured(of_server(server), row, now=clock.now())
        assert kept.client_id == "winner"
        assert remote.unregistered == ["/register/client-2"]


class TestOurDocument:
    @pytest.fixture
    def taker(self, remote, override_config):
        override_config(**PUBLIC)
        remote.server_overrides = {"client_id_metadata_document_supported": True}
        remote.publish()
        return remote

    def test_it_is_the_client_where_documents_are_taken(self, server, taker):
        row = found(server)
        assert row.client_id == "https://auth.example.com/oauth/client-metadata.json"
        assert (row.client_source, row.token_endpoint_auth_method) == ("document", "none")
        assert not taker.registered

    def test_nobody_could_fetch_it_without_https(self, server, taker, override_config):
        override_config(connect={"redirect_base_url": ""})
        assert found(server).client_source == "dcr"

    def test_its_client_is_public(self, server, taker):
        taker.server_overrides["token_endpoint_auth_methods_supported"] = ["client_secret_basic"]
        taker.publish()
        assert found(server).client_source == "dcr"
        taker.server_overrides["registration_endpoint"] = None

    def test_the_document(self, client, override_config):
        override_config(**PUBLIC)
        answer = client.get("/oauth/client-metadata.json")
        assert answer.headers["Cache-Control"] == "public, max-age=3600"
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.json() == {
            "client_id": "https://auth.example.com/oauth/client-metadata.json",
            "client_name": "Authplane",
            "client_uri": "https://auth.example.com",
            "redirect_uris": ["https://auth.example.com/api/oauth/callback"],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
            "application_type": "web",
        }

    def test_the_document_of_a_provider(self, client, override_config):
        override_config(**PUBLIC)
        made = make_mcp_provider("https://mcp.example.com/mcp")
        path = "/oauth/client-metadata/tools.json"
        document = client.get(path).json()
        assert document["client_id"] == f"https://auth.example.com{path}"
        assert document["redirect_uris"] == ["https://auth.example.com/connect/tools/callback"]
        assert client.get("/oauth/client-metadata/other.json").status_code == 404
        assert client.post(path).status_code == 405
        patch_provider(made.pk, {"enabled": False})
        assert client.get(path).status_code == 404


class TestTheClientOfAnAdministrator:
    @pytest.fixture
    def secret(self, monkeypatch):
        monkeypatch.setenv("CONNECTOR_TOOLS", "configured-secret")

    def provider(self, remote, **config_data):
        members = {"client_id": "ours", "client_secret_ref": "CONNECTOR_TOOLS"} | config_data
        return make_mcp_provider(remote.mcp, **members)

    @pytest.mark.usefixtures("secret")
    def test_it_is_used_for_servers_of_users_too(self, server, remote):
        self.provider(remote)
        row = found(server)
        assert (row.client_id, row.client_source) == ("ours", "manual")
        assert row.secret_sealed is None
        adapter = adapter_for_server(row)
        assert adapter.secret == "configured-secret"
        assert adapter.settings.token_endpoint_auth_method == "client_secret_basic"
        assert not remote.registered

    @pytest.mark.usefixtures("secret")
    def test_it_takes_the_place_of_a_registered_one(self, server, remote):
        assert found(server).client_source == "dcr"
        self.provider(remote)
        row = found(server)
        assert (row.client_source, row.registration_sealed) == ("manual", None)

    @pytest.mark.usefixtures("secret")
    def test_it_is_not_shown_to_another_issuer(self, server, remote):
        made = self.provider(remote)
        before = found(server)
        remote.tenant = "/collector"
        remote.publish()
        assert refused(server, force=True) == "wrong_issuer"
        assert UpstreamConfig.objects.get(pk=server.pk).issuer == before.issuer
        patch_provider(made.pk, {"config_data": made.config_data | {"issuer": remote.issuer}})
        assert found(server, force=True).client_issuer == remote.issuer

    def test_the_issuer_can_be_named_beforehand(self, remote):
        make_mcp_provider(remote.mcp, issuer="https://as.example.com")
        from broker.providers.selectors import provider_by_slug

        with pytest.raises(DiscoveryFailed, match="wrong_issuer"):
            configured_provider(provider_by_slug("tools"), now=clock.now())
        assert not remote.registered

    def test_what_an_administrator_may_permit(self, server, remote):
        make_mcp_provider(remote.mcp, pkce=False)
        remote.server_overrides = {"code_challenge_methods_supported": None}
        remote.publish()
        assert not found(server).supports_pkce
