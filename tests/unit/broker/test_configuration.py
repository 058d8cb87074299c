"""What a provider's configuration may say, judged before anybody uses it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.providers.configuration import PROTOCOLS, RESERVED, SECRET_NAME, read_configuration
from broker.providers.presets import ALIASES, PRESETS, complete, preset_named

OAUTH = {
    "client_id": "c",
    "client_secret_ref": "CONNECTOR_X",
    "authorize_url": "https://up.example/authorize",
    "token_url": "https://up.example/token",
}
KEY = {"header_name": "Authorization"}
ACCOUNT = {
    "token_url": "https://up.example/token",
    "sa_email": "robot@up.example",
    "sa_key_env": "CONNECTOR_KEY",
}
MCP = {"url": "https://mcp.example/mcp"}


def problems(protocol, config, **options):
    return [str(problem) for problem in read_configuration(protocol, config, **options)[1]]


def settings(protocol, config, **options):
    found, wrong = read_configuration(protocol, config, **options)
    assert wrong == []
    return found


@pytest.mark.parametrize(
    ("protocol", "config"),
    [("oauth", OAUTH), ("api_key", KEY), ("service_account", ACCOUNT), ("mcp", MCP)],
)
def test_the_least_that_works(protocol, config):
    assert settings(protocol, config) is not None


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("config", [[], None, "x", 7, True])
def test_a_configuration_is_an_object(protocol, config):
    assert problems(protocol, config) == ["config_data must be a JSON object"]


def test_unknown_protocols_are_told():
    assert problems("saml", {})[0].startswith("protocol must be one of")


@pytest.mark.parametrize("name", ["client_secret", "Client_SECRET", "db_password", "x_Secret"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_secrets_in_clear_are_refused_and_not_repeated(protocol, name):
    found = problems(protocol, {name: "hush-hush"})
    assert len(found) == 1
    assert "is a secret in clear" in found[0]
    assert "hush-hush" not in found[0]


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"client_id": None}, "client_id"),
        ({"client_id": "x" * 257}, "client_id"),
        ({"client_id": "a\nb"}, "client_id"),
        ({"client_id": 7}, "client_id"),
        ({"authorize_url": ""}, "authorize_url is required"),
        ({"token_url": "http://up.example/token"}, "token_url must be an https URL"),
        ({"token_url": "https://user:pw@up.example/token"}, "token_url"),
        ({"token_url": "https://up.example/token#x"}, "token_url"),
        ({"token_url": "https://up.example/a b"}, "token_url"),
        ({"token_url": "https://up.example\\@evil.example/"}, "token_url"),
        ({"token_url": "https://up.example:x/"}, "token_url"),
        ({"token_url": "https://[up.example/"}, "token_url"),
        ({"token_url": "ftp://up.example/"}, "token_url"),
        ({"token_url": "https://ü.example/"}, "token_url"),
        ({"token_url": "https://up.example/" + "a" * 2048}, "token_url"),
        ({"response_format": "xml"}, "response_format"),
        ({"response_format": ["form"]}, "response_format"),
        ({"token_request_format": "multipart"}, "token_request_format"),
        ({"token_endpoint_auth_method": "client_secret_jwt"}, "token_endpoint_auth_method"),
        ({"scope_separator": ";"}, "scope_separator"),
        ({"granted_scope_separator": ""}, "granted_scope_separator"),
        ({"scope_parameter": "scopes"}, "scope_parameter"),
        ({"refresh_tokens": True}, "refresh_tokens"),
        ({"pkce": "false"}, "pkce"),
        ({"extra_scopes": "offline_access"}, "extra_scopes"),
        ({"extra_scopes": ["a b"]}, "extra_scopes"),
        ({"extra_scopes": ["a"] * 51}, "extra_scopes"),
        ({"client_secret_ref": "PATH"}, "client_secret_ref"),
        ({"client_secret_ref": "CONNECTOR_x"}, "client_secret_ref"),
        ({"client_secret_ref": "AUTHPLANE_VAULT_TOKEN"}, "client_secret_ref"),
        ({"client_secret_ref": "AUTHPLANE_VAULT_APPROLE_SECRET_ID"}, "client_secret_ref"),
        ({"client_secret_ref": "AUTHPLANE_ADMIN_API_KEY"}, "client_secret_ref"),
        ({"client_secret_env": "CONNECTOR_OTHER"}, "client_secret_env contradicts"),
        ({"client_secret_ref": ""}, "client_secret_ref is required"),
        ({"token_endpoint_auth_method": "none"}, "there is a secret"),
        ({"unheard_of": 1}, "unheard_of is not a member"),
        ({"tenant": "x"}, "tenant is not a member"),
        ({"\x00": 1}, "(other) is not a member"),
    ],
)
def test_what_an_oauth_provider_may_not_say(change, place):
    config = {name: value for name, value in {**OAUTH, **change}.items() if value is not None}
    found = problems("oauth", config)
    assert any(place in problem for problem in found), found


def test_both_spellings_of_the_reference():
    for name in ("client_secret_ref", "client_secret_env"):
        config = {**OAUTH, name: "AUTHPLANE_VAULT_GITHUB"}
        if name == "client_secret_env":
            del config["client_secret_ref"]
        assert settings("oauth", config).secret_ref == "AUTHPLANE_VAULT_GITHUB"


def test_loopback_needs_no_tls():
    for host in ("localhost:8080", "127.0.0.1", "[::1]:1"):
        config = {**OAUTH, "token_url": f"http://{host}/token"}
        assert settings("oauth", config).token_url == config["token_url"]


def test_a_public_client_needs_pkce():
    public = {**OAUTH, "token_endpoint_auth_method": "none"}
    del public["client_secret_ref"]
    assert settings("oauth", public).secret_ref == ""
    assert any("pkce" in text for text in problems("oauth", {**public, "pkce": False}))
    assert problems("oauth", public, has_secret=True)


def test_endpoints_may_be_left_to_discovery():
    config = {"client_id": "c", "issuer": "https://idp.example"}
    assert settings("oauth", config, has_secret=True).issuer == "https://idp.example"


def test_a_granted_scope_is_told_as_it_is_asked_for_unless_said():
    assert settings("oauth", {**OAUTH, "scope_separator": ","}).granted_scope_separator == ","


class TestExtraParameters:
    """Contract: at most 20, names and values of at most 256 characters, none of ours."""

    @pytest.mark.parametrize("name", sorted(RESERVED))
    def test_ours_cannot_be_set(self, name):
        found = problems("oauth", {**OAUTH, "extra_auth_params": {name: "x"}})
        assert any("is set by this server" in text for text in found)

    @pytest.mark.parametrize(
        "extra",
        [
            {"": "x"},
            {"a" * 257: "x"},
            {"a": "x" * 257},
            {"a": 1},
            {"a\x00": "x"},
            {"a": "x\r\ny"},
            {str(number): "x" for number in range(21)},
            ["a"],
        ],
    )
    def test_limits(self, extra):
        assert problems("oauth", {**OAUTH, "extra_auth_params": extra})

    def test_what_may_be_set(self):
        extra = {str(number): "x" * 256 for number in range(20)}
        assert settings("oauth", {**OAUTH, "extra_auth_params": extra}).extra_auth_params == extra


@pytest.mark.parametrize(
    "change",
    [
        {"header_name": ""},
        {"header_name": "X Key"},
        {"header_name": "X-Key:"},
        {"header_name": "Host"},
        {"header_name": "transfer-encoding"},
        {"header_prefix": "Bärer"},
        {"header_prefix": "a\r\nb"},
        {"issuance_instructions_url": "javascript:alert(1)"},
    ],
)
def test_what_an_api_key_provider_may_not_say(change):
    assert problems("api_key", {**KEY, **change})


def test_an_api_key_provider_has_no_secret_of_its_own():
    assert problems("api_key", KEY, has_secret=True)


@pytest.mark.parametrize(
    "change",
    [
        {"token_url": ""},
        {"sa_email": ""},
        {"sa_key_env": ""},
        {"sa_key_env": "HOME"},
        {"algorithm": "HS256"},
        {"token_ttl_seconds": 29},
        {"token_ttl_seconds": 3601},
        {"token_ttl_seconds": "60"},
        {"token_ttl_seconds": True},
    ],
)
def test_what_a_service_account_may_not_say(change):
    assert problems("service_account", {**ACCOUNT, **change})


@pytest.mark.parametrize("seconds", [30, 3600])
def test_the_ends_of_a_service_account_s_lifetime(seconds):
    config = {**ACCOUNT, "token_ttl_seconds": seconds}
    assert settings("service_account", config).token_ttl_seconds == seconds


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)
NAMES = st.sampled_from([*OAUTH, *KEY, *ACCOUNT, *MCP, "extra_auth_params", "extra_scopes", "pkce"])


@given(
    protocol=st.sampled_from(PROTOCOLS),
    preset=st.sampled_from(["", *PRESETS]),
    config=st.dictionaries(NAMES | st.text(max_size=12), JSON, max_size=6),
    has_secret=st.booleans(),
)
def test_whatever_is_written_is_judged(protocol, preset, config, has_secret):
    found, wrong = read_configuration(protocol, config, preset=preset, has_secret=has_secret)
    assert (found is None) == bool(wrong)
    for problem in wrong:
        str(problem).encode()
    if not wrong:
        assert "\\u0000" not in json.dumps(config)


@given(st.from_regex(SECRET_NAME, fullmatch=True))
def test_references_name_upstream_secrets_alone(name):
    assert name.startswith(("CONNECTOR_", "AUTHPLANE_VAULT_"))
    assert not name.startswith(("AUTHPLANE_VAULT_TOKEN", "AUTHPLANE_VAULT_APPROLE_"))


def given_to(name):
    """What an operator has to give beside the secret."""
    places = {place: f"{place}.example.com" for place in PRESETS[name].needs}
    extra = {"issuer": "https://idp.example.com"} if name == "oidc" else {}
    return {"client_id": "c", **places, **extra}


class TestPresets:
    @pytest.mark.parametrize("name", PRESETS)
    def test_each_is_complete_with_a_client_and_a_secret(self, name):
        found = settings("oauth", given_to(name), preset=name, has_secret=True)
        assert found.token_url or found.issuer
        assert "{" not in found.token_url + found.authorize_url + found.revoke_url + found.issuer

    @pytest.mark.parametrize("name", [name for name in PRESETS if PRESETS[name].needs])
    @pytest.mark.parametrize(
        "value", [None, "", "a/b", "a?b", "a#b", "user@host", "-a", "a b", "{x}", 7, ["a"]]
    )
    def test_places_take_hosts_alone(self, name, value):
        config = given_to(name) | dict.fromkeys(PRESETS[name].needs, value)
        assert problems("oauth", config, preset=name, has_secret=True)

    @pytest.mark.parametrize("name", PRESETS)
    def test_what_is_said_counts_before_what_is_known(self, name):
        said = {**given_to(name), "token_url": "https://own.example/token", "pkce": True}
        found = settings("oauth", said, preset=name, has_secret=True)
        assert (found.token_url, found.pkce) == ("https://own.example/token", True)

    def test_maps_are_merged(self):
        found = complete("google", {"extra_auth_params": {"prompt": "select_account", "hd": "x"}})
        assert found["extra_auth_params"] == {
            "access_type": "offline", "prompt": "select_account", "hd": "x",
        }  # fmt: skip

    def test_merging_changes_no_preset(self):
        before = json.dumps({name: preset.defaults for name, preset in PRESETS.items()})
        for name in PRESETS:
            complete(name, {"extra_auth_params": {"x": "y"}, "domain": "d", "tenant": "t"})
        assert before == json.dumps({name: preset.defaults for name, preset in PRESETS.items()})

    def test_aliases_are_the_names_of_others(self):
        assert {alias: preset_named(alias).title for alias in ALIASES} == {
            "entra": "Microsoft Entra", "microsoft": "Microsoft Entra", "custom": "OpenID Connect",
        }  # fmt: skip
        assert {"okta", "google", "github", "azure_ad"} <= set(PRESETS)
        assert preset_named("nobody") is None

    @pytest.mark.parametrize(
        ("name", "facts"),
        [
            ("github", {"granted_scope_separator": ",", "scope_separator": " "}),
            ("google", {"extra_auth_params": {"access_type": "offline", "prompt": "consent"}}),
            ("slack", {
                "response_format": "slack", "scope_separator": ",", "scope_parameter": "user_scope",
                "granted_scope_separator": ",", "token_endpoint_auth_method": "client_secret_basic",
            }),
            ("notion", {
                "token_request_format": "json", "token_endpoint_auth_method": "client_secret_basic",
                "pkce": False,
            }),
            ("linear", {"scope_separator": ",", "granted_scope_separator": " "}),
            ("atlassian", {
                "token_request_format": "json", "extra_scopes": ("offline_access",),
                "extra_auth_params": {"audience": "api.atlassian.com", "prompt": "consent"},
            }),
            ("azure_ad", {
                "extra_scopes": ("offline_access",),
                "token_url": "https://login.microsoftonline.com/tenant.example.com/oauth2/v2.0/token",
            }),
            ("okta", {"token_endpoint_auth_method": "client_secret_basic"}),
            ("auth0", {"issuer": "https://domain.example.com/"}),
            ("gitlab", {"token_url": "https://domain.example.com/oauth/token"}),
        ],
    )  # fmt: skip
    def test_what_the_services_document(self, name, facts):
        found = settings("oauth", given_to(name), preset=name, has_secret=True)
        assert facts == {fact: getattr(found, fact) for fact in facts}

    def test_gitlab_is_gitlab_com_unless_said(self):
        found = settings("oauth", {"client_id": "c"}, preset="gitlab", has_secret=True)
        assert found.token_url == "https://gitlab.com/oauth/token"
