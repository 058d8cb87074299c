"""How one gets from a row to the page where something can be done about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.urls import reverse

from authplane.core.console_pages import add_row_tool


def to(name: str, column: str = "pk") -> Callable[[Any], str]:
    """The page called ``name`` about what the row's column names; nowhere when that is empty."""

    def url(row: Any) -> str:
        key = getattr(row, column)
        return reverse(f"admin:{name}", args=[key]) if key else ""

    return url


def unless_over(name: str) -> Callable[[Any], str]:
    """The same, for rows that were not revoked."""
    page = to(name)
    return lambda row: "" if row.revoked_at else page(row)


def _of_this_server(row: Any) -> str:
    """Clients of OAuth proxies are theirs to keep."""
    return "" if row.issuer else to("client-page")(row)


TOOLS: Final = (
    ("oauth.Client", "What it holds, and what to do", _of_this_server, "oauth.view_client"),
    ("accounts.User", "What the user holds, and what to do", to("person"), "accounts.view_user"),
    ("oauth.ConsentGrant", "Its user", to("person", "user_id"), "accounts.view_user"),
    ("oauth.ConsentGrant", "Revoke", unless_over("consent-revoke"), "oauth.change_consentgrant"),
    ("oauth.TokenFamily", "Its user", to("person", "user_id"), "accounts.view_user"),
    ("oauth.TokenFamily", "End it", unless_over("family-end"), "oauth.change_tokenfamily"),
    ("broker.Connection", "Its user", to("person", "user_id"), "accounts.view_user"),
    ("broker.Connection", "End it", unless_over("connection-end"), "broker.change_connection"),
    ("oauth.TrustedIdP", "Policies, subjects, and what to do", to("idp"), "oauth.view_trustedidp"),
    ("oauth.XAAPolicy", "Its provider", to("idp", "idp_id"), "oauth.view_trustedidp"),
    ("oauth.XAAPolicy", "Change", to("policy-change"), "oauth.change_xaapolicy"),
    ("oauth.SubjectMapping", "Its provider", to("idp", "idp_id"), "oauth.view_trustedidp"),
    ("oauth.FrontingLink", "Change", to("fronting-change"), "oauth.change_frontinglink"),
    ("oauth.FrontingLink", "Delete", to("fronting-delete"), "oauth.change_frontinglink"),
    ("audit.AuditEvent", "In words", to("record-row"), "audit.view_auditevent"),
)

for model, label, leads_to, needed in TOOLS:
    add_row_tool(model, label, leads_to, needs=(needed,))
