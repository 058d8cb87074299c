"""Machine routes of the authorization server, with the root aliases of MCP 2025-03-26."""

from django.urls import URLPattern, path

from oauth.registration.views import register, registration
from oauth.views.introspect import introspection
from oauth.views.par import pushed_authorization
from oauth.views.revoke import revocation
from oauth.views.token import token
from oauth.views.userinfo import userinfo

urlpatterns: list[URLPattern] = [
    path("oauth/token", token),
    path("oauth/introspect", introspection),
    path("oauth/revoke", revocation),
    path("oauth/userinfo", userinfo),
    path("oauth/par", pushed_authorization),
    path("oauth/register", register),
    path("oauth/register/<str:client_id>", registration),
    path("token", token),
    path("introspect", introspection),
    path("revoke", revocation),
    path("userinfo", userinfo),
    path("register", register),
    path("register/<str:client_id>", registration),
]
