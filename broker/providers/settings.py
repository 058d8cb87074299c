"""How a provider is talked to: its configuration after it was judged. Pure data."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthSettings:
    """An OAuth 2.0 registration at an upstream service.

    `secret_ref` names an environment variable or a file; it is empty when the secret is stored
    with the provider, and for public clients. `scope_separator` is what scopes are asked for
    with, `granted_scope_separator` what they are told with. `extra_scopes` are asked for besides
    those of the resource. `refresh_tokens`: always, sometimes, never.
    """

    client_id: str
    authorize_url: str
    token_url: str
    secret_ref: str = ""
    issuer: str = ""
    revoke_url: str = ""
    token_endpoint_auth_method: str = "client_secret_post"  # noqa: S105 - a method
    token_request_format: str = "form"  # noqa: S105 - a format
    response_format: str = "standard"
    scope_parameter: str = "scope"
    scope_separator: str = " "
    granted_scope_separator: str = " "
    extra_scopes: tuple[str, ...] = ()
    extra_auth_params: dict[str, str] = field(default_factory=dict)
    refresh_tokens: str = "sometimes"
    pkce: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeySettings:
    """Keys that users paste. The header is what their agents send it in."""

    header_name: str
    header_prefix: str = ""
    issuance_instructions_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceAccountSettings:
    """A service account that asserts which user it acts for (RFC 7523).

    `token_ttl_seconds` is how long the assertion is good, 30 to 3600. `key_ref` names where the
    private key is found; empty when it is stored with the provider.
    """

    token_url: str
    sa_email: str
    key_ref: str = ""
    algorithm: str = "RS256"
    token_ttl_seconds: int = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class McpSettings:
    """A remote MCP server: everything else is discovered from its URL.

    With `client_id` that client is used, else one is registered there. `issuer` is the only one
    that is then accepted; where it is empty, the first one found is. `scopes` are asked for in
    place of those that the server advertises. `pkce` off accepts authorization servers that do
    not say that they support S256.
    """

    url: str
    client_id: str = ""
    secret_ref: str = ""
    issuer: str = ""
    scopes: tuple[str, ...] = ()
    pkce: bool = True


Settings = OAuthSettings | ApiKeySettings | ServiceAccountSettings | McpSettings
