"""What the console asks about identity providers, their policies and their subjects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django import forms

from admin_api.console.tasks.editing import Lines
from authplane.accounts.selectors import find_by_email, find_user
from oauth.models import TrustedIdP, XAAPolicy

ANY, SOME, NONE = "any", "some", "none"
LIMITS: Final = (
    (ANY, "Any that client, resource and assertion share"),
    (SOME, "These alone"),
    (NONE, "None: this policy allows nothing"),
)


class NewProviderForm(forms.Form):
    """An identity provider that is trusted from now on."""

    name = forms.CharField(label="Name", max_length=255, help_text="What operators call it.")
    issuer = forms.CharField(
        label="Issuer", max_length=512,
        help_text="Exactly as its assertions name it (iss). It cannot be changed later.",
    )  # fmt: skip
    jwks_uri = forms.CharField(
        label="Address of its keys", required=False, max_length=2048,
        help_text="Left empty, its metadata are asked for it.",
    )  # fmt: skip
    audience = forms.CharField(
        label="What it calls this server", required=False, max_length=2048,
        help_text="The aud of its assertions. Left empty: the address of this server.",
    )  # fmt: skip


class ProviderForm(forms.Form):
    """What can be changed about an identity provider."""

    name = forms.CharField(label="Name", max_length=255)
    enabled = forms.BooleanField(
        label="Its assertions are accepted", required=False,
        help_text="Switched off, every assertion of it is refused. Policies and links stay.",
    )  # fmt: skip


class PolicyForm(forms.Form):
    """What assertions of a provider may obtain."""

    name = forms.CharField(label="Name", max_length=255)
    client_ids = Lines(label="Clients", help_text="Ids, one in a line. Left empty: any client.")
    resources = Lines(label="Resources", help_text="URIs, one in a line. Left empty: any resource.")
    limit = forms.ChoiceField(
        label="Scopes", choices=LIMITS, initial=ANY, widget=forms.RadioSelect,
        help_text="A request for more than a policy allows is refused, never cut down.",
    )  # fmt: skip
    scopes = Lines(label="These scopes", help_text="One in a line, where they are limited.")
    enabled = forms.BooleanField(label="The policy counts", required=False, initial=True)

    def clean(self) -> dict[str, Any]:
        """A limit names something."""
        given = super().clean() or {}
        if given.get("limit") == SOME and not given.get("scopes"):
            self.add_error("scopes", "Name at least one, or choose None.")
        if given.get("limit") != SOME and given.get("scopes"):
            self.add_error("scopes", "These count only with: These alone.")
        return given


class MappingForm(forms.Form):
    """Who a subject of the provider is here."""

    idp_subject = forms.CharField(
        label="Subject at the provider", max_length=255,
        help_text="Exactly as its assertions name it (sub).",
    )  # fmt: skip
    user = forms.CharField(
        label="User here", required=False, max_length=254,
        help_text="E-mail address or id. Left empty: the subject is known and has no account.",
    )  # fmt: skip

    def clean_user(self) -> str:
        """The id of the user; empty for none."""
        text = self.cleaned_data["user"].strip().replace("\x00", "")
        if not text:
            return ""
        found = find_by_email(text) if "@" in text else find_user(text)
        if found is None:
            raise forms.ValidationError("Nobody here has this e-mail address or id.")
        return str(found.pk)


class RehearsalForm(forms.Form):
    """An assertion, and what would be asked for with it."""

    assertion = forms.CharField(
        label="Assertion", max_length=16_384, strip=True,
        widget=forms.Textarea({"rows": 5, "spellcheck": "false", "autocomplete": "off"}),
        help_text="The whole token. It is not spent, stored or logged.",
    )  # fmt: skip
    resource = forms.CharField(
        label="Resource asked for", required=False, max_length=2048,
        help_text="Its URI. Left empty: what the assertion names.",
    )  # fmt: skip
    scope = forms.CharField(
        label="Scopes asked for", required=False, max_length=2048,
        help_text="With spaces between them. Left empty: what the assertion holds.",
    )  # fmt: skip


def policy_body(given: Mapping[str, Any]) -> dict[str, Any]:
    """The members of a policy."""
    scopes = {ANY: None, NONE: [], SOME: given["scopes"]}[given["limit"]]
    names = ("name", "client_ids", "resources", "enabled")
    return {name: given[name] for name in names} | {"scopes": scopes}


def policy_answers(row: XAAPolicy) -> dict[str, Any]:
    """The policy as answers to the form."""
    limit = ANY if row.scopes is None else SOME if row.scopes else NONE
    return {
        "name": row.name, "client_ids": list(row.client_ids or ()), "enabled": row.enabled,
        "resources": list(row.resources or ()), "limit": limit, "scopes": list(row.scopes or ()),
    }  # fmt: skip


def provider_answers(row: TrustedIdP) -> dict[str, Any]:
    """The provider as answers to the form."""
    return {"name": row.name, "enabled": row.enabled}
