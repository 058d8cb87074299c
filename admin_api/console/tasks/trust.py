"""`/console/trust/`: identity providers whose assertions count, for what, and about whom."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from admin_api.console.tasks import trust_forms as forms
from admin_api.console.tasks.access import may, require
from admin_api.console.tasks.confirm import Action, confirm, offered
from admin_api.console.tasks.editing import Editor, edit
from admin_api.console.tasks.numbers import told
from admin_api.operations import Role
from authplane.core import clock
from authplane.core.config import config
from authplane.core.console_pages import console_page, shown
from oauth.models import SubjectMapping, TrustedIdP, XAAPolicy
from oauth.xaa import mappings, policies, providers
from oauth.xaa.rehearsal import rehearse

if TYPE_CHECKING:
    from django.http import HttpRequest

NEEDS: Final = ("oauth.view_trustedidp",)
SHOWN: Final = 50


@console_page("trust/idps/new/", name="idp-new", title="New identity provider", needs=NEEDS)
def new_provider(request: HttpRequest) -> HttpResponse:
    """A provider that is trusted from now on; what it may obtain is said by policies."""
    editor = Editor(
        title="New identity provider", role=Role.SECURITY, submit="Trust it",
        lead="Its assertions count for nothing until a policy says what they may obtain.",
        save=lambda given, actor: providers.create_provider(_present(given), actor=actor),
        done="It is trusted. Open it and add a policy: without one it can obtain nothing.",
        back=reverse("admin:oauth_trustedidp_changelist"),
    )  # fmt: skip
    return edit(request, editor, forms.NewProviderForm(request.POST or None))


@console_page("trust/idps/<uuid:key>/", name="idp", title="Identity provider", needs=NEEDS)
def page(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """The provider with its policies and subjects."""
    row = _row(TrustedIdP, key)
    rules = list(XAAPolicy.objects.filter(idp=row).order_by("pk")[:SHOWN])
    links = SubjectMapping.objects.filter(idp=row).select_related("local_user").order_by("-pk")
    context = {
        "title": row.name, "idp": row, "policies": rules, "mappings": list(links[:SHOWN]),
        "mapping_count": told(links, "subject"), "actions": offered(request, ACTIONS, row),
        "can_change": may(request, Role.SECURITY), "shown": SHOWN,
        "audience": row.audience or config().server.issuer,
        "is_strict": config().xaa.subject_mode == "strict",
    }  # fmt: skip
    return shown(request, "console/tasks/idp.html", context)


@console_page("trust/idps/<uuid:key>/change/", name="idp-change", title="Change", needs=NEEDS)
def change_provider(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """Another name, or switched on or off."""
    row = _row(TrustedIdP, key)
    editor = Editor(
        title=f"Change {row.name}", role=Role.SECURITY, done="Saved.", back=_page(row.pk),
        save=lambda given, actor: providers.change_provider(key, given, actor=actor),
    )  # fmt: skip
    form = forms.ProviderForm(request.POST or None, initial=forms.provider_answers(row))
    return edit(request, editor, form)


@console_page("trust/idps/<uuid:key>/policy/", name="policy-new", title="New policy", needs=NEEDS)
def new_policy(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """What assertions of the provider may obtain."""
    row = _row(TrustedIdP, key)
    editor = Editor(
        title=f"New policy for {row.name}", role=Role.SECURITY, back=_page(key),
        lead="An assertion is accepted when one enabled policy allows client, resource and scopes.",
        save=lambda given, actor: policies.create_policy(
            forms.policy_body(given) | {"idp_id": str(key)}, actor=actor
        ),
        done="The policy counts. Try it with an assertion: Try an assertion.",
    )  # fmt: skip
    return edit(request, editor, forms.PolicyForm(request.POST or None))


@console_page("trust/policies/<uuid:key>/", name="policy-change", title="Policy", needs=NEEDS)
def change_policy(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """The policy with other answers."""
    row = _row(XAAPolicy, key)
    editor = Editor(
        title=f"Change policy {row.name}", role=Role.SECURITY, done="Saved.",
        back=_page(row.idp_id),
        save=lambda given, actor: policies.change_policy(
            key, forms.policy_body(given), actor=actor
        ),
    )  # fmt: skip
    form = forms.PolicyForm(request.POST or None, initial=forms.policy_answers(row))
    return edit(request, editor, form)


@console_page(
    "trust/policies/<uuid:key>/delete/", name="policy-delete", title="Policy", needs=NEEDS
)
def delete_policy(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """What is refused without it, then its end."""
    row = _row(XAAPolicy, key)
    return confirm(
        request, actions={"delete": POLICY}, name="delete", thing=row, subject=row.name,
        back=_page(row.idp_id),
    )  # fmt: skip


@console_page("trust/idps/<uuid:key>/subject/", name="mapping-new", title="Link", needs=NEEDS)
def new_mapping(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """A subject of the provider is a user here."""
    row = _row(TrustedIdP, key)
    editor = Editor(
        title=f"Link a subject of {row.name}", role=Role.SECURITY, back=_page(key),
        save=lambda given, actor: mappings.create_mapping(
            _present({
                "idp_id": str(key), "idp_subject": given["idp_subject"],
                "local_user_id": given["user"],
            }), actor=actor,
        ),
        done="The subject is linked. Its next assertion is about this user.",
    )  # fmt: skip
    return edit(request, editor, forms.MappingForm(request.POST or None))


@console_page("trust/subjects/<uuid:key>/delete/", name="mapping-delete", title="Link", needs=NEEDS)
def delete_mapping(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """Who the subject is without it, then its end."""
    row = _row(SubjectMapping, key)
    return confirm(
        request, actions={"delete": MAPPING}, name="delete", thing=row, subject=row.idp_subject,
        back=_page(row.idp_id),
    )  # fmt: skip


@console_page("trust/idps/<uuid:key>/<slug:action>/", name="idp-do", title="Provider", needs=NEEDS)
def do(request: HttpRequest, key: uuid.UUID, action: str) -> HttpResponse:
    """What the action reaches, then the action."""
    row = _row(TrustedIdP, key)
    answer = confirm(
        request, actions=ACTIONS, name=action, thing=row, subject=row.name, back=_page(key)
    )
    if action == "delete" and isinstance(answer, HttpResponseRedirect):
        return HttpResponseRedirect(reverse("admin:oauth_trustedidp_changelist"))
    return answer


@console_page(
    "trust/rehearse/", name="rehearse", title="Try an assertion", needs=("oauth.change_client",)
)
def try_assertion(request: HttpRequest) -> HttpResponse:
    """Whether an assertion would be accepted, and every reason why not. Nothing is spent."""
    require(request, Role.OPERATOR)
    form = forms.RehearsalForm(request.POST or None)
    found = None
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        found = rehearse(
            given["assertion"], now=clock.now(), resource=given["resource"], scope=given["scope"]
        )
    answer = shown(request, "console/tasks/rehearse.html", {"form": form, "found": found})
    answer["Cache-Control"] = "no-store"
    return answer


def _delete_reaches(row: TrustedIdP) -> list[str]:
    rules = XAAPolicy.objects.filter(idp=row)
    links = SubjectMapping.objects.filter(idp=row)
    return [
        f"Every assertion of {row.issuer} is refused from now on.",
        f"It takes {told(rules, 'policy', 'policies')} and {told(links, 'linked subject')} along.",
        "Tokens that were issued for its assertions stay good until they expire.",
        "To stop it for a while, switch it off instead: Change.",
    ]


def _policy_reaches(row: XAAPolicy) -> list[str]:
    others = XAAPolicy.objects.filter(idp=row.idp_id, enabled=True).exclude(pk=row.pk)
    return [
        "Assertions that only this policy allows are refused from now on.",
        f"The provider keeps {told(others, 'other enabled policy', 'other enabled policies')}.",
        "Tokens that were issued stay good until they expire.",
    ]


def _mapping_reaches(row: SubjectMapping) -> list[str]:
    strict = config().xaa.subject_mode == "strict"
    then = (
        "is refused, as links are demanded (AUTHPLANE_XAA_SUBJECT_MODE is strict)"
        if strict
        else "is accepted under a name of its own, which is no user's"
    )
    return [
        f"The next assertion about {row.idp_subject} {then}.",
        "Tokens that were issued stay good until they expire.",
    ]


def _deleted(row: TrustedIdP, _: Mapping[str, Any], actor: str) -> str:
    providers.delete_provider(row.pk, actor=actor)
    return f"{row.name} is trusted no more."


def _refreshed(row: TrustedIdP, _: Mapping[str, Any], actor: str) -> str:
    keys = providers.refresh_keys(row.pk, actor=actor)
    return f"{keys} usable keys of {row.name} were fetched. Every process has them now."


def _policy_deleted(row: XAAPolicy, _: Mapping[str, Any], actor: str) -> str:
    policies.delete_policy(row.pk, actor=actor)
    return f"The policy {row.name} is gone."


def _mapping_deleted(row: SubjectMapping, _: Mapping[str, Any], actor: str) -> str:
    mappings.delete_mapping(row.pk, actor=actor)
    return f"{row.idp_subject} is linked no more."


ACTIONS: Final[Mapping[str, Action[TrustedIdP]]] = {
    action.name: action
    for action in (
        Action(
            name="refresh-keys", label="Fetch its keys now", title="Fetch the keys of",
            role=Role.SECURITY, is_danger=False, do=_refreshed,
            reaches=lambda row: [
                f"{row.jwks_uri} is asked now, instead of when the copy here is too old.",
                "Assertions signed with a key that it does not publish any more are refused then.",
            ],
        ),
        Action(
            name="delete", label="Trust it no more", title="Delete identity provider",
            role=Role.SECURITY, reaches=_delete_reaches, do=_deleted,
        ),
    )
}  # fmt: skip
POLICY: Final[Action[XAAPolicy]] = Action(
    name="delete", label="Delete the policy", title="Delete policy", role=Role.SECURITY,
    reaches=_policy_reaches, do=_policy_deleted,
)  # fmt: skip
MAPPING: Final[Action[SubjectMapping]] = Action(
    name="delete", label="Unlink the subject", title="Unlink", role=Role.SECURITY,
    reaches=_mapping_reaches, do=_mapping_deleted,
)  # fmt: skip


def _present(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value}


def _page(key: uuid.UUID) -> str:
    return reverse("admin:idp", args=[key])


def _row(model: Any, key: uuid.UUID) -> Any:
    """Raises: Http404."""
    row = model.objects.filter(pk=key).first()
    if row is None:
        raise Http404
    return row
