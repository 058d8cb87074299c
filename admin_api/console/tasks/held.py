"""Single things that somebody holds, and what revoking each of them reaches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from admin_api.console.tasks.confirm import Action
from admin_api.console.tasks.numbers import families_in_force, tokens_in_force, told
from admin_api.operations import Role
from authplane.core import clock
from broker.connections.provisioning import end_connection
from broker.models import Connection
from oauth.consent.revocation import revoke_consent_of_anybody
from oauth.models import ConsentGrant, TokenFamily
from oauth.resources.selectors import directory, view_of
from oauth.tokens.administration import end_token


def consent_reaches(row: ConsentGrant) -> list[str]:
    """A consent, and what hangs on it."""
    now, audience = clock.now(), view_of(row.resource).uri
    families = families_in_force(now).filter(
        user=row.user_id, client=row.client_id, resource=audience
    )
    tokens = tokens_in_force(now).filter(
        user=row.user_id, application=row.client_id, resource=audience
    )
    return [
        (
            f"{row.client} can do nothing more at {row.resource.display_name or row.resource.slug} "
            f"for {row.user}."
        ),
        (
            f"It ends {told(families, 'sign-in')} that could be refreshed and "
            f"{told(tokens, 'access token')} in force, and what others exchanged them for."
        ),
        "The next time, the application asks the user again.",
    ]


def family_reaches(row: TokenFamily) -> list[str]:
    """An authorization, and its tokens."""
    tokens = tokens_in_force(clock.now()).filter(family_id=row.pk)
    return [
        (
            f"{row.user} is signed out of {row.client} here: its refresh token and "
            f"{told(tokens, 'access token')} in force end."
        ),
        "Other sign-ins of the same user at the same application stay.",
        "The consent stays: signing in again asks nothing.",
    ]


def connection_reaches(row: Connection) -> list[str]:
    """A connected account, and the resources that live on it."""
    resources = reached_by(row)
    lines = [
        (
            f"Nobody reaches {name_of(row)} for {row.user} any more. The service is told to forget "
            "the tokens, where it can be told."
        )
    ]
    if resources:
        lines.append(f"It stands behind: {', '.join(resources)}.")
    return [
        *lines,
        "Tokens of the service that applications hold already work until the service ends them.",
        "The user can connect the account again.",
    ]


def reached_by(row: Connection) -> list[str]:
    """The resources that applications reach through this account."""
    if row.provider_id is None:
        return []
    stood_for = [one for one in directory().resources if one.broker_provider == row.provider_id]
    return [one.display_name or one.slug for one in stood_for]


def name_of(row: Connection) -> str:
    """What people call the service."""
    if row.provider is not None:
        return row.provider.display_name or row.provider.slug
    return str(row.server) if row.server is not None else "the service"


def _revoke_consent(row: ConsentGrant, _: Mapping[str, Any], actor: str) -> str:
    revoked = revoke_consent_of_anybody(consent_id=row.pk, now=clock.now(), actor=actor)
    done = "was revoked" if revoked else "had been revoked before"
    return f"The consent to {row.client} {done}. The application asks the user again next time."


def _end_family(row: TokenFamily, _: Mapping[str, Any], actor: str) -> str:
    end_token(row.pk, now=clock.now(), actor=actor)
    return f"The sign-in at {row.client} is ended. The user can sign in there again."


def _end_connection(row: Connection, _: Mapping[str, Any], actor: str) -> str:
    end_connection(row.pk, actor=actor)
    return f"The connection to {name_of(row)} is ended. The user can connect it again."


CONSENT: Final[Action[ConsentGrant]] = Action(
    name="revoke", label="Revoke the consent", title="Revoke consent", role=Role.OPERATOR,
    reaches=consent_reaches, do=_revoke_consent,
)  # fmt: skip
FAMILY: Final[Action[TokenFamily]] = Action(
    name="end", label="End the sign-in", title="End sign-in", role=Role.OPERATOR,
    reaches=family_reaches, do=_end_family,
)  # fmt: skip
CONNECTION: Final[Action[Connection]] = Action(
    name="end", label="End the connection", title="End connection", role=Role.OPERATOR,
    reaches=connection_reaches, do=_end_connection,
)  # fmt: skip
