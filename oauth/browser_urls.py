"""Routes that people's browsers open. `/authorize` is where clients of MCP 2025-03-26 look."""

from django.urls import URLPattern, path

from oauth.account.views import account, home, remove_access
from oauth.consent.grant_page import grant
from oauth.consent.views import consent
from oauth.sessions.views import login, logout
from oauth.views.authorize import authorize

urlpatterns: list[URLPattern] = [
    path("", home, name="home"),
    path("oauth/authorize", authorize, name="authorize"),
    path("authorize", authorize, name="authorize-alias"),
    path("login", login, name="login"),
    path("logout", logout, name="logout"),
    path("consent", consent, name="consent"),
    path("consent/grant", grant, name="consent-grant"),
    path("account", account, name="account"),
    path("account/remove-access", remove_access, name="account-remove-access"),
]
