"""The console's navigation, grouped by what operators are after rather than by table or app."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.apps import apps
from django.contrib import admin
from django.contrib.admin.exceptions import NotRegistered
from django.urls import reverse

from authplane.core.console_lists import place_of
from authplane.core.console_pages import page_called

if TYPE_CHECKING:
    from django.http import HttpRequest


@dataclass(frozen=True, slots=True)
class Link:
    """One line of the navigation."""

    label: str
    url: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class Section:
    """Lines under one heading; the first section has none."""

    title: str
    links: tuple[Link, ...]


_MENU: Final[tuple[tuple[str, tuple[tuple[str, str], ...]], ...]] = (
    # A target with a dot is the list of that model, one without is the page of that name. What is
    # not installed, or not for the person who looks, is left out.
    ("", (("Overview", "index"),)),
    (
        "Directory",
        (
            ("Clients", "oauth.Client"),
            ("Waiting for approval", "approvals"),
            ("Users", "accounts.User"),
            ("Resources", "oauth.Resource"),
            ("Fronting", "oauth.FrontingLink"),
        ),
    ),
    (
        "Tokens & families",
        (
            ("Issued tokens", "oauth.AccessToken"),
            ("Families", "oauth.TokenFamily"),
            ("Consents", "oauth.ConsentGrant"),
            ("Lineage", "lineage"),
            ("Inspect a token", "inspect"),
        ),
    ),
    (
        "Connections & providers",
        (
            ("Connections", "broker.Connection"),
            ("Providers", "broker.BrokerProvider"),
        ),
    ),
    (
        "Gateways",
        (
            ("MCP servers", "broker.UpstreamServer"),
            ("OAuth proxies", "broker.OAuthProxy"),
            ("Proxy sessions", "broker.GatewaySession"),
            ("Proxy consents", "broker.ProxyConsent"),
            ("API keys", "broker.ApiKey"),
            ("Access groups", "broker.AccessGroup"),
        ),
    ),
    (
        "Trust",
        (
            ("Identity providers", "oauth.TrustedIdP"),
            ("Try an assertion", "rehearse"),
            ("XAA policies", "oauth.XAAPolicy"),
            ("Subject mappings", "oauth.SubjectMapping"),
            ("Workload issuers", "oauth.WorkloadIssuer"),
            ("Assertion audiences", "oauth.AssertionAudience"),
            ("Sign-in providers", "broker.IdentityProvider"),
            ("Linked identities", "broker.FederatedIdentity"),
        ),
    ),
    ("Keys", (("Signing keys", "oauth.SigningKey"), ("Rotate keys", "rotate-keys"))),
    ("Audit", (("Audit record", "record"),)),
    (
        "Settings",
        (
            ("Settings", "settings"),
            ("Operator keys", "admin_api.AdminApiKey"),
            ("Scheduled work", "core.ScheduledRun"),
        ),
    ),
)


def menu(request: HttpRequest) -> tuple[Section, ...]:
    """The navigation of the person who asks, with the line of the present page marked."""
    found = [
        (title, [(label, url) for label, target in lines if (url := _url(request, target))])
        for title, lines in _MENU
    ]
    current = max(
        (url for _, links in found for _, url in links if _leads_here(request, url)),
        key=len,
        default="",
    )
    return tuple(
        Section(title, tuple(Link(label, url, url == current) for label, url in links))
        for title, links in found
        if links
    )


def _leads_here(request: HttpRequest, url: str) -> bool:
    """Whether the page is this one or one below it; every page is below the overview."""
    return request.path == url or (url != reverse("admin:index") and request.path.startswith(url))


def _url(request: HttpRequest, target: str) -> str:
    """Where the line leads; empty when it is not for this person."""
    if target == "index":
        return reverse("admin:index")
    if "." not in target:
        page = page_called(target)
        return reverse(f"admin:{target}") if page and page.is_open_to(request) else ""
    try:
        model = apps.get_model(target)
        rows = admin.site.get_model_admin(model)
    except (LookupError, NotRegistered):
        return ""
    if not rows.has_view_permission(request):
        return ""
    return reverse(place_of(model, "changelist"))
