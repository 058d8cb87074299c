"""Settings of signing in at identity providers of others."""

from __future__ import annotations

from dataclasses import dataclass

from authplane.core.areas.declare import setting
from authplane.core.env import boolean, secret, text_list


@dataclass(frozen=True, slots=True)
class FederatedSignIn:
    """One OpenID provider that people sign in with, and whether passwords still count here.

    Further providers are rows: they come from the list below `identity_providers`, or operators
    register them.
    """

    enabled: bool = setting(
        "oidc.enabled",
        False,
        "Whether people may sign in with the OpenID provider that these settings describe. It is"
        " the identity provider with the slug oidc.",
        read=boolean,
    )
    issuer: str = setting(
        "oidc.issuer", "", "Its issuer, exactly as its discovery document spells it."
    )
    client_id: str = setting("oidc.client_id", "", "Our client id there.")
    client_secret: str = setting(
        "oidc.client_secret",
        "",
        "Our client secret there. It is read at each use and stored nowhere.",
        read=secret,
        secret=True,
    )
    client_secret_ref: str = setting(
        "oidc.client_secret_ref",
        "",
        "Name of the variable that holds the client secret: CONNECTOR_... or AUTHPLANE_VAULT_...",
        variable="",
    )
    redirect_uri: str = setting(
        "oidc.redirect_uri",
        "",
        "Where identity providers send people back to: a URL that ends in /oidc/callback. Other"
        " providers get their slug behind it. Empty: below the issuer.",
    )
    display_name: str = setting(
        "oidc.display_name", "", "Its name on the sign-in page. Default: the issuer's host."
    )
    scopes: tuple[str, ...] = setting(
        "oidc.scopes",
        ("openid", "email", "profile"),
        "The scopes that are asked for.",
        read=text_list,
    )
    connector_id: str = setting(
        "oidc.connector_id", "", "Which of its connectors Dex goes to without asking."
    )
    include_groups_scope: bool = setting(
        "oidc.include_groups_scope",
        True,
        "Whether the scope groups is asked for where the provider offers it.",
        read=boolean,
    )
    show_local_login: bool = setting(
        "oidc.show_local_login",
        True,
        "Whether people may sign in with a password. If not, the form is gone and a post of it is"
        " 404; the start is refused without an identity provider in its place.",
        read=boolean,
    )
