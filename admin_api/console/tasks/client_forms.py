"""What the console asks about a client. The registration rules themselves stay with the service."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from django import forms

from admin_api.console.tasks.kinds import ACTS_ALONE, ACTS_FOR_USERS, EXCHANGES, GRANTS_OF_WAY
from authplane.core.uris import check_redirect_uri
from oauth.clients.policy import KEY_METHOD, enabled_grants
from oauth.registration.values import scheme_of
from oauth.resources.selectors import directory

if TYPE_CHECKING:
    from collections.abc import Mapping

    from admin_api.console.tasks.kinds import Kind
    from oauth.models import Client
    from oauth.registration.schema import BadMetadata

LONGEST_TEXT: Final = 255
LONGEST_LIST: Final = 24_000
WAYS: Final = {
    ACTS_FOR_USERS: "People sign in, and it acts for them",
    EXCHANGES: "Other applications call it, and it exchanges the tokens they bring",
    ACTS_ALONE: "It acts on its own, with nobody signed in",
}
FIELD_OF_MEMBER: Final = {
    "client_name": "client_name", "redirect_uris": "redirect_uris", "jwks": "keys",
    "jwks_uri": "keys", "private_key_jwt": "keys", "scope": "scopes",
    "agent_description": "agent_description", "grant_types": "ways",
    "token_endpoint_auth_method": "method",
}  # fmt: skip


class RedirectLines(forms.CharField):
    """Redirect URIs, one in a line; each is checked by the rules of registration."""

    def __init__(self, *, example: str, is_required: bool) -> None:
        super().__init__(
            label="Redirect URIs",
            required=is_required,
            max_length=LONGEST_LIST,
            widget=forms.Textarea({"rows": 3, "placeholder": example, "spellcheck": "false"}),
            help_text=(
                "Where people come back to after signing in, one address in a line, exactly as the "
                "application sends it. https, or http on 127.0.0.1, [::1] or localhost, where any "
                "port is accepted."
            ),
        )

    def to_python(self, value: Any) -> list[str]:  # type: ignore[override]
        """The lines that hold something."""
        return [line.strip() for line in str(value or "").splitlines() if line.strip()]

    def validate(self, value: Any) -> None:
        """Raises: ValidationError with one message for each line that cannot be registered."""
        super().validate(value)
        wrong = [
            f"{uri[:200]}: {problem}"
            for uri in value
            if (problem := check_redirect_uri(uri, private_schemes=(scheme_of(uri),)))
        ]
        if wrong:
            raise forms.ValidationError(wrong)

    def run_validators(self, value: Any) -> None:
        """The list has been checked; Django's validators know only text."""

    def prepare_value(self, value: Any) -> Any:
        """A list, as lines."""
        return "\n".join(value) if isinstance(value, list) else value


class ScopeField(forms.MultipleChoiceField):
    """Scopes, shown by the resource that knows them."""

    def __init__(self, *, help_text: str, is_required: bool = False) -> None:
        super().__init__(
            label="Scopes", required=is_required, choices=scope_choices, help_text=help_text,
            widget=forms.CheckboxSelectMultiple,
            error_messages={"required": "Tick at least one: without a scope it gets no token."},
        )  # fmt: skip


def scope_choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """Every resource with its scopes, by name."""
    return [
        (
            one.display_name or one.slug,
            [(scope.name, scope.description) for scope in one.scopes],
        )
        for one in sorted(directory().resources, key=lambda one: one.display_name.lower())
        if one.scopes
    ]


class NewClientForm(forms.Form):
    """A new client of one kind."""

    client_name = forms.CharField(
        label="Name",
        max_length=LONGEST_TEXT,
        help_text="People see it when they are asked to allow the application.",
    )
    once = forms.CharField(widget=forms.HiddenInput, max_length=64)

    def __init__(self, kind: Kind, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.kind = kind
        if kind.is_agent:
            self.fields["agent_description"] = forms.CharField(
                label="What it does", max_length=LONGEST_TEXT, required=False,
                help_text="One sentence for operators, and for the list of agents if you have one.",
            )  # fmt: skip
            self.fields["ways"] = forms.MultipleChoiceField(
                label="How it comes by tokens", choices=_ways(kind), initial=[ACTS_FOR_USERS],
                widget=forms.CheckboxSelectMultiple,
            )  # fmt: skip
        if ACTS_FOR_USERS in kind.ways:
            self.fields["redirect_uris"] = RedirectLines(
                example=kind.redirect_example, is_required=not kind.is_agent
            )
        if len(kind.methods) > 1:
            self.fields["method"] = forms.ChoiceField(
                label="How it proves who it is", choices=kind.methods, initial=kind.methods[0][0],
                widget=forms.RadioSelect,
            )  # fmt: skip
            self.fields["keys"] = forms.CharField(
                label="Its public keys", required=False, max_length=LONGEST_LIST,
                widget=forms.Textarea({"rows": 3, "spellcheck": "false"}),
                help_text="Only with its own key pair: the https address of its key set, or the "
                "set itself (JSON with a member keys). Never a private key.",
            )  # fmt: skip
        self.fields["scopes"] = ScopeField(
            is_required=kind.ways == (ACTS_ALONE,),
            help_text=(
                "What it can ever have. It gets nothing that is not ticked here."
                if ACTS_FOR_USERS not in kind.ways
                else "What it can ever ask people for. With none ticked it may ask for any scope, "
                "and people decide."
            ),
        )
        self.fields["bound"] = forms.BooleanField(
            label="Its tokens work only with its own key (DPoP)", required=False,
            help_text="A stolen token is then worth nothing. The application must support it.",
        )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        """Answers that do not fit each other are told beside the one to change."""
        given = super().clean() or {}
        ways = given.get("ways", self.kind.ways)
        if self.kind.is_agent and "ways" in given:
            if ACTS_FOR_USERS in ways and not given.get("redirect_uris", True):
                self.add_error("redirect_uris", "An agent that acts for people needs one.")
            if ACTS_ALONE in ways and not given.get("scopes", True):
                self.add_error("scopes", "Without one it gets no token when it acts on its own.")
            if given.get("method") == "none" and set(ways) != {ACTS_FOR_USERS}:
                self.add_error("method", "An agent that nobody signs in to has to prove who it is.")
        if given.get("method") == KEY_METHOD and not given.get("keys"):
            self.add_error("keys", "Say where its public keys are, or paste them.")
        return given

    def clean_keys(self) -> Any:
        """An address, or the parsed key set."""
        return read_keys(self.cleaned_data["keys"])

    def document(self) -> dict[str, Any]:
        """The members of the client (RFC 7591), as the service reads them."""
        given, kind = self.cleaned_data, self.kind
        ways = [way for way in kind.ways if way in given.get("ways", kind.ways)]
        method = given.get("method") or kind.methods[0][0]
        members = {
            "client_name": given["client_name"],
            "redirect_uris": given.get("redirect_uris") or None,
            "grant_types": [grant for way in ways for grant in GRANTS_OF_WAY[way]],
            "token_endpoint_auth_method": method,
            "application_type": kind.application_type,
            "scope": " ".join(dict.fromkeys(given["scopes"])),
            "agent": kind.is_agent,
            "agent_description": given.get("agent_description", ""),
            "dpop_bound_access_tokens": given["bound"],
        }
        if method == KEY_METHOD:
            members["jwks_uri" if isinstance(given["keys"], str) else "jwks"] = given["keys"]
        return {name: value for name, value in members.items() if value not in (None, "", False)}


class ChangedClientForm(forms.Form):
    """What can be changed about a client; how it proves itself is fixed."""

    client_name = forms.CharField(label="Name", max_length=LONGEST_TEXT)
    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, client: Client, *args: Any, **options: Any) -> None:
        options["initial"] = {
            "client_name": client.name,
            "redirect_uris": client.redirect_uri_list,
            "scopes": client.scope.split(),
            "version": client.version,
        }
        super().__init__(*args, **options)
        if client.allows_grant_type("authorization_code"):
            self.fields["redirect_uris"] = RedirectLines(example="", is_required=True)
        self.fields["scopes"] = ScopeField(
            help_text="What it can ever have. With none ticked it may ask people for any scope; on "
            "its own it then gets nothing."
        )
        known = {scope for _, scopes in scope_choices() for scope, _ in scopes}
        if others := sorted(client.scope_ceiling - known):
            # Of resources that are gone, or not there yet: a change of the name must not lose them.
            both = [*scope_choices(), ("Known to no resource", [(one, "") for one in others])]
            self.fields["scopes"].choices = both  # type: ignore[attr-defined]

    def changes(self) -> dict[str, Any]:
        """The members that the form has."""
        given = self.cleaned_data
        members = {
            "client_name": given["client_name"],
            "scope": " ".join(dict.fromkeys(given["scopes"])),
        }
        if "redirect_uris" in given:
            members["redirect_uris"] = given["redirect_uris"]
        return members


def read_keys(text: str) -> Any:
    """Raises: ValidationError for what is neither an address nor JSON."""
    text = text.strip()
    if not text or text.startswith(("https://", "http://")):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise forms.ValidationError("This is neither an address nor a key set in JSON.") from None


def tell(form: forms.Form, refusal: BadMetadata) -> None:
    """What the service found stands beside the answers it is about."""
    for problem in refusal.problems:
        first = "redirect_uris" if problem.about_redirect else problem.text.partition(" ")[0]
        field = FIELD_OF_MEMBER.get(first)
        text = problem.text[:1].upper() + problem.text[1:]
        form.add_error(field if field in form.fields else None, text)


def _ways(kind: Kind) -> list[tuple[str, str]]:
    """Those that this server answers at present."""
    known = enabled_grants()
    return [(way, WAYS[way]) for way in kind.ways if known.issuperset(GRANTS_OF_WAY[way])]


def scope_rows(form: forms.Form) -> Mapping[str, list[dict[str, Any]]]:
    """The scopes as the page shows them: by resource, each with what is ticked."""
    chosen = set(form["scopes"].value() or ())
    field: Any = form.fields["scopes"]
    rows: dict[str, list[dict[str, Any]]] = {}
    for resource, scopes in field.choices:
        rows[resource] = [
            {"name": name, "text": text, "is_chosen": name in chosen} for name, text in scopes
        ]
    return rows
