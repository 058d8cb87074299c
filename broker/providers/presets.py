"""What is known about the services people connect most: one table, so that nobody pastes URLs.

A preset fills what the operator leaves out. Places in braces are members the operator gives.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Preset:
    """Defaults of one service. `needs` are members that fill the places in its URLs."""

    title: str
    defaults: dict[str, Any]
    needs: tuple[str, ...] = ()
    sample_scopes: tuple[str, ...] = ()
    remarks: tuple[str, ...] = field(default=())


PRESETS: Final[dict[str, Preset]] = {
    "github": Preset(
        "GitHub",
        {
            "authorize_url": "https://github.com/login/oauth/authorize",
            "token_url": "https://github.com/login/oauth/access_token",
            "token_endpoint_auth_method": "client_secret_post",
            # Asked for with spaces, told with commas.
            "granted_scope_separator": ",",
            "refresh_tokens": "sometimes",
        },
        sample_scopes=("repo", "read:user", "read:org"),
        remarks=(
            "Tokens of an OAuth app neither expire nor come with a refresh token.",
            "Tokens of a GitHub App with expiring tokens do both.",
        ),
    ),
    "google": Preset(
        "Google",
        {
            "issuer": "https://accounts.google.com",
            "authorize_url": "https://accounts.google.com/o/oauth2/v2/auth",
            "token_url": "https://oauth2.googleapis.com/token",
            "revoke_url": "https://oauth2.googleapis.com/revoke",
            "token_endpoint_auth_method": "client_secret_post",
            # Without both of these Google gives a refresh token the first time at most.
            "extra_auth_params": {"access_type": "offline", "prompt": "consent"},
            "refresh_tokens": "always",
        },
        sample_scopes=("https://www.googleapis.com/auth/calendar.readonly",),
    ),
    "slack": Preset(
        "Slack",
        {
            "authorize_url": "https://slack.com/oauth/v2/authorize",
            "token_url": "https://slack.com/api/oauth.v2.access",
            # Slack advises against secrets in the body.
            "token_endpoint_auth_method": "client_secret_basic",
            "response_format": "slack",
            "scope_separator": ",",
            # `scope` would ask for a bot; what acts for a person is asked for here.
            "scope_parameter": "user_scope",
            "refresh_tokens": "sometimes",
        },
        sample_scopes=("chat:write", "channels:read"),
    ),
    "notion": Preset(
        "Notion",
        {
            "authorize_url": "https://api.notion.com/v1/oauth/authorize",
            "token_url": "https://api.notion.com/v1/oauth/token",
            "token_endpoint_auth_method": "client_secret_basic",
            "token_request_format": "json",
            "extra_auth_params": {"owner": "user"},
            "refresh_tokens": "sometimes",
            # Not documented there, and bodies with members it does not know are refused.
            "pkce": False,
        },
        remarks=(
            "Notion knows no scopes: users choose pages when they connect.",
            "Its revocation asks for a version header, so disconnecting is local.",
        ),
    ),
    "linear": Preset(
        "Linear",
        {
            "authorize_url": "https://linear.app/oauth/authorize",
            "token_url": "https://api.linear.app/oauth/token",
            "revoke_url": "https://api.linear.app/oauth/revoke",
            "token_endpoint_auth_method": "client_secret_post",
            # Asked for with commas, told with spaces.
            "scope_separator": ",",
            "granted_scope_separator": " ",
            "refresh_tokens": "always",
        },
        sample_scopes=("read", "write"),
    ),
    "atlassian": Preset(
        "Atlassian",
        {
            "authorize_url": "https://auth.atlassian.com/authorize",
            "token_url": "https://auth.atlassian.com/oauth/token",
            "token_endpoint_auth_method": "client_secret_post",
            "token_request_format": "json",
            "extra_auth_params": {"audience": "api.atlassian.com", "prompt": "consent"},
            "extra_scopes": ["offline_access"],
            "refresh_tokens": "always",
        },
        sample_scopes=("read:jira-work", "write:jira-work"),
    ),
    "azure_ad": Preset(
        "Microsoft Entra",
        {
            "issuer": "https://login.microsoftonline.com/{tenant}/v2.0",
            "authorize_url": "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/authorize",
            "token_url": "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token",
            "token_endpoint_auth_method": "client_secret_post",
            "extra_scopes": ["offline_access"],
            "refresh_tokens": "always",
        },
        needs=("tenant",),
        sample_scopes=("User.Read",),
    ),
    "okta": Preset(
        "Okta",
        {
            "issuer": "https://{domain}/oauth2/default",
            "authorize_url": "https://{domain}/oauth2/default/v1/authorize",
            "token_url": "https://{domain}/oauth2/default/v1/token",
            "revoke_url": "https://{domain}/oauth2/default/v1/revoke",
            "token_endpoint_auth_method": "client_secret_basic",
            "extra_scopes": ["offline_access"],
            "refresh_tokens": "always",
        },
        needs=("domain",),
        sample_scopes=("openid", "profile", "email"),
    ),
    "auth0": Preset(
        "Auth0",
        {
            "issuer": "https://{domain}/",
            "authorize_url": "https://{domain}/authorize",
            "token_url": "https://{domain}/oauth/token",
            "revoke_url": "https://{domain}/oauth/revoke",
            "token_endpoint_auth_method": "client_secret_post",
            "extra_scopes": ["offline_access"],
            "refresh_tokens": "always",
        },
        needs=("domain",),
        sample_scopes=("openid", "profile", "email"),
    ),
    "gitlab": Preset(
        "GitLab",
        {
            "issuer": "https://{domain}",
            "authorize_url": "https://{domain}/oauth/authorize",
            "token_url": "https://{domain}/oauth/token",
            "revoke_url": "https://{domain}/oauth/revoke",
            "token_endpoint_auth_method": "client_secret_post",
            "refresh_tokens": "always",
            "domain": "gitlab.com",
        },
        needs=("domain",),
        sample_scopes=("read_user", "read_api"),
    ),
    "oidc": Preset(
        "OpenID Connect",
        {"token_endpoint_auth_method": "client_secret_basic", "refresh_tokens": "sometimes"},
        sample_scopes=("openid", "profile", "email"),
        remarks=("Endpoints are read from the issuer's own metadata when they are left out.",),
    ),
}
"""Preset by name. `okta`, `google`, `github` and `azure_ad` are also the names of provider types in
other gateways' configurations, which are accepted as they are."""

ALIASES: Final = {"entra": "azure_ad", "microsoft": "azure_ad", "custom": "oidc"}


def preset_named(name: str) -> Preset | None:
    """The preset of this name or alias; None when there is none."""
    return PRESETS.get(ALIASES.get(name, name))


def complete(name: str, given: dict[str, Any]) -> dict[str, Any]:
    """What the operator gave, on top of the preset's defaults, with the places in URLs filled.

    Maps are merged member by member; a place that nothing fills stays, and fails as a URL.
    """
    preset = preset_named(name)
    if preset is None:
        return dict(given)
    merged = {**preset.defaults, **given}
    for member, default in preset.defaults.items():
        if isinstance(default, dict) and isinstance(given.get(member), dict):
            merged[member] = {**default, **given[member]}
    places = {need: merged[need] for need in preset.needs if isinstance(merged.get(need), str)}
    for member, value in merged.items():
        if member in given or not isinstance(value, str):
            continue
        for place, filling in places.items():
            merged[member] = merged[member].replace("{" + place + "}", filling)
    return merged
