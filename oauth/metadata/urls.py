"""Well-known routes. Those with a tail are for issuers that have a path."""

from __future__ import annotations

from django.urls import URLPattern, path

from oauth.metadata.views import authorization_server, jwks, protected_resource

urlpatterns: list[URLPattern] = [
    path(".well-known/oauth-authorization-server", authorization_server),
    path(".well-known/oauth-authorization-server/<path:tail>", authorization_server),
    path(".well-known/openid-configuration", authorization_server),
    path(".well-known/openid-configuration/<path:tail>", authorization_server),
    path(".well-known/jwks.json", jwks),
    path(".well-known/oauth-protected-resource", protected_resource),
    path(".well-known/oauth-protected-resource/", protected_resource),
    path(".well-known/oauth-protected-resource/<path:reference>", protected_resource),
    path("<path:tail>/.well-known/openid-configuration", authorization_server),
    path("<path:tail>/.well-known/jwks.json", jwks),
]
