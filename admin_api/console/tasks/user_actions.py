"""What can be done to a user, and what each of it ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django import forms
from django.db.models import QuerySet

from admin_api.console.tasks.confirm import Action
from admin_api.console.tasks.numbers import families_in_force, tokens_in_force, told
from admin_api.operations import Role
from authplane.accounts import services
from authplane.accounts.models import User
from authplane.core import clock
from broker.connections.selectors import connections_of
from oauth.account.administration import delete_user, force_logout
from oauth.consent.selectors import consents_of
from oauth.models import AccessToken
from oauth.tokens.administration import Ended


class DeleteForm(forms.Form):
    """Deleting somebody who is at work needs a word more."""

    force = forms.BooleanField(
        label="Yes, also while tokens of this user are in force", required=False
    )


def held_tokens(user: User) -> QuerySet[AccessToken]:
    """Access tokens that act for the user, at any client, exchanged ones too."""
    rows = tokens_in_force(clock.now()).filter(user=user.pk)
    return rows.exclude(kind=AccessToken.Kind.VEND)


def _tokens(user: User) -> str:
    families = told(families_in_force(clock.now()).filter(user=user.pk), "application sign-in")
    return f"{families} and {told(held_tokens(user), 'access token')} in force"


def _logout_reaches(user: User) -> list[str]:
    return [
        f"{user} has to sign in again, in every browser and in every application.",
        f"It ends {_tokens(user)}, exchanged ones too.",
        "Consents and connected accounts stay: nobody is asked again for what was allowed.",
        "Resource servers that check signatures alone notice when a token expires, not earlier.",
    ]


def _disable_reaches(user: User) -> list[str]:
    return [
        f"{user} cannot sign in any more, neither here nor in the console.",
        f"{_capital(_tokens(user))} read as inactive from now on.",
        (
            f"It ends {told(connections_of(user.pk), 'connected account')}, and tells the services "
            "so. They have to be connected anew after the user is enabled again."
        ),
        "The account, its consents and its name stay.",
    ]


def _enable_reaches(user: User) -> list[str]:
    return [
        f"{user} can sign in again.",
        "What was revoked stays revoked, and connected accounts have to be connected anew.",
    ]


def _delete_reaches(user: User) -> list[str]:
    return [
        f"{user} is gone. This cannot be undone, and nobody is ever given the id {user.pk} again.",
        f"It ends {_tokens(user)}.",
        f"It ends {told(connections_of(user.pk), 'connected account')}, and tells the services so.",
        f"It forgets {told(consents_of(user), 'consent')}.",
        "The ledger and the audit record keep their rows. They know the user by id alone.",
    ]


def _logout(user: User, _: Mapping[str, Any], actor: str) -> str:
    ended = force_logout(user.pk, now=clock.now(), actor=actor)
    return f"{user} is signed out everywhere. {_ended(ended)}"


def _disable(user: User, _: Mapping[str, Any], actor: str) -> str:
    services.disable_user(user_id=user.pk, actor=actor)
    return f"{user} is disabled. Enable the account here when the person may come back."


def _enable(user: User, _: Mapping[str, Any], actor: str) -> str:
    services.enable_user(user_id=user.pk, actor=actor)
    return f"{user} can sign in again."


def _delete(user: User, answers: Mapping[str, Any], actor: str) -> str:
    delete_user(user.pk, force=answers["force"], now=clock.now(), actor=actor)
    return f"{user} is deleted. The record shows by whom."


def _ended(ended: Ended) -> str:
    return f"{ended.families} sign-ins and {ended.issuances} access tokens were ended."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


ACTIONS: Final[Mapping[str, Action[User]]] = {
    action.name: action
    for action in (
        Action(
            name="sign-out", label="Sign out everywhere", title="Sign out", role=Role.OPERATOR,
            reaches=_logout_reaches, do=_logout,
        ),
        Action(
            name="disable", label="Disable", title="Disable", role=Role.OPERATOR,
            reaches=_disable_reaches, do=_disable,
            is_offered=lambda user: user.status == User.Status.ACTIVE,
        ),
        Action(
            name="enable", label="Enable", title="Enable", role=Role.OPERATOR,
            reaches=_enable_reaches, do=_enable, is_danger=False,
            is_offered=lambda user: user.status == User.Status.DISABLED,
        ),
        Action(
            name="delete", label="Delete", title="Delete", role=Role.OPERATOR,
            reaches=_delete_reaches, do=_delete, form=DeleteForm,
        ),
    )
}  # fmt: skip
