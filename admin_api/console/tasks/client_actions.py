"""What can be done to a client, and what each of it reaches."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from django import forms

from admin_api.console.tasks.client_wizard import made_page
from admin_api.console.tasks.confirm import Action
from admin_api.console.tasks.numbers import consents_to, families_in_force, tokens_in_force, told
from admin_api.operations import Role
from authplane.core import clock
from oauth.clients import services
from oauth.clients.policy import SECRET_METHODS
from oauth.models import Client

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

HOUR: Final = 3600
OVERLAPS: Final = (
    (0, "No longer: the old secret stops working at once"),
    (HOUR, "One hour"),
    (24 * HOUR, "One day"),
    (7 * 24 * HOUR, "Seven days"),
)


class OverlapForm(forms.Form):
    """How long the old secret stays good."""

    overlap = forms.TypedChoiceField(
        label="How long does the old secret go on working?", choices=OVERLAPS, coerce=int,
        initial=24 * HOUR, widget=forms.RadioSelect,
        help_text="Long enough to put the new one everywhere. At once, if the old one leaked.",
    )  # fmt: skip


class DeleteForm(forms.Form):
    """Deleting what is in use needs a word more."""

    force = forms.BooleanField(
        label="Yes, also if applications are using it at this moment", required=False
    )


def _held(client: Client) -> str:
    now = clock.now()
    tokens = told(tokens_in_force(now).filter(application=client.pk), "access token")
    families = told(families_in_force(now).filter(client=client.pk), "sign-in")
    return f"{tokens} in force and {families} of users that can still be refreshed"


def _suspend_reaches(client: Client) -> list[str]:
    return [
        f"{client} gets no tokens until it is reactivated.",
        f"It holds {_held(client)}. They read as inactive at every introspection from now on.",
        "Resource servers that check signatures alone notice when a token expires, not earlier.",
        "Nothing is lost: reactivating it makes what has not expired by then count again.",
    ]


def _reactivate_reaches(client: Client) -> list[str]:
    return [
        f"{client} gets tokens again.",
        f"It holds {_held(client)}. They count again.",
    ]


def _revoke_reaches(client: Client) -> list[str]:
    return [
        f"{client} gets no token ever again. To stop it for a while, suspend it instead.",
        f"It holds {_held(client)}. All of it ends at every introspection from now on.",
        f"{_capital(told(consents_to(client.pk), 'consent'))} of users lead nowhere any more.",
        "The row stays, so that the record and the ledger can still be read.",
    ]


def _delete_reaches(client: Client) -> list[str]:
    return [
        f"{client} is gone, and its id is unknown from now on. This cannot be undone.",
        f"It holds {_held(client)}. All of it ends.",
        f"{_capital(told(consents_to(client.pk), 'consent'))} of users are forgotten with it.",
        "The ledger and the audit record keep their rows.",
    ]


def _secret_reaches(client: Client) -> list[str]:
    lines = [
        f"{client} gets a new secret. It is shown once, on the next page.",
        "Tokens and sign-ins stay as they are: the secret only proves who asks for new ones.",
    ]
    if client.previous_secret and client.previous_secret_expires_at:
        lines.append(
            "An older secret still works until "
            f"{client.previous_secret_expires_at:%Y-%m-%d %H:%M} UTC; it stops at once."
        )
    return lines


def _moved(service: Callable[..., Client], text: str) -> Callable[..., str]:
    def do(client: Client, _: Mapping[str, Any], actor: str) -> str:
        return text.format(service(client.client_id, actor=actor))

    return do


def _delete(client: Client, answers: Mapping[str, Any], actor: str) -> str:
    services.delete_client(client.client_id, force=answers["force"], actor=actor)
    return f"{client} is deleted. The record shows by whom."


def _rotate(
    client: Client, answers: Mapping[str, Any], actor: str
) -> Callable[[HttpRequest], HttpResponse]:
    made = services.rotate_secret(client.client_id, overlap=answers["overlap"], actor=actor)
    return lambda request: made_page(request, made, title="New secret")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


ACTIONS: Final[Mapping[str, Action[Client]]] = {
    action.name: action
    for action in (
        Action(
            name="suspend", label="Suspend", title="Suspend client", role=Role.OPERATOR,
            reaches=_suspend_reaches,
            do=_moved(services.suspend_client, "{} is suspended. Reactivate it here later."),
            is_offered=lambda client: client.status == Client.Status.ACTIVE,
        ),
        Action(
            name="reactivate", label="Reactivate", title="Reactivate client", role=Role.OPERATOR,
            reaches=_reactivate_reaches, is_danger=False,
            do=_moved(services.reactivate_client, "{} works again."),
            is_offered=lambda client: client.status == Client.Status.SUSPENDED,
        ),
        Action(
            name="rotate-secret", label="Rotate the secret", title="Rotate the secret of",
            role=Role.SECURITY, reaches=_secret_reaches, do=_rotate, form=OverlapForm,
            is_danger=False,
            is_offered=lambda client: client.token_endpoint_auth_method in SECRET_METHODS
            and client.status != Client.Status.REVOKED,
        ),
        Action(
            name="revoke", label="Revoke for good", title="Revoke client", role=Role.OPERATOR,
            reaches=_revoke_reaches,
            do=_moved(services.revoke_client, "{} is revoked. Its developer needs a new client."),
            is_offered=lambda client: client.status != Client.Status.REVOKED,
        ),
        Action(
            name="delete", label="Delete", title="Delete client", role=Role.OPERATOR,
            reaches=_delete_reaches, do=_delete, form=DeleteForm,
        ),
    )
}  # fmt: skip
