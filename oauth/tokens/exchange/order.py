"""What an exchange asks for, read once: the beginning that all targets have in common.

The order of the checks is part of the interface: clients tell refusals apart by which comes first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from oauth.models import Client
from oauth.resources.scopes import parse_scope
from oauth.resources.view import ResourceView
from oauth.tokens.exchange import ceiling
from oauth.tokens.exchange.possession import require_possession
from oauth.tokens.exchange.presented import Presented, read_tokens, require_actor_types
from oauth.tokens.exchange.target import (
    BROKER,
    Fronting,
    find_target,
    fronting_of,
    source_of,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A request to exchange a live subject token, by a client that may hold it.

    `target` is None when no resource was named: then the new token is for what the subject token
    is for. `actor` is an actor token that was sent and is one of ours; whether it will do is asked
    when it is its turn. `requested` holds the scopes asked for, `shown` what the request proved to
    hold, by the names of the `cnf` claim.
    """

    client: Client
    parameters: Mapping[str, str]
    subject: Presented
    actor: Presented | None
    target: ResourceView | None
    source: ResourceView | None
    fronting: Fronting | None
    requested: tuple[str, ...]
    shown: Mapping[str, str]
    now: datetime

    @property
    def is_own(self) -> bool:
        """The client exchanges a token that it got itself."""
        return bool(self.subject.standing.application_id == self.client.pk)


def read_order(
    parameters: Mapping[str, str],
    *,
    resources: Sequence[str],
    client: Client,
    shown: Mapping[str, str],
    now: datetime,
) -> Order:
    """The request, as far as its target does not matter: parameters, subject token, possession.

    Spec: RFC 8693 section 2.1.
    Raises: OAuthError.
    """
    require_actor_types(parameters)
    subject, actor = read_tokens(parameters, now=now)
    require_possession(subject, client=client, shown=shown)
    requested = ceiling.without_offline(parse_scope(parameters.get("scope")))
    target = find_target(resources)
    source = source_of(subject, target=target) if target is not None else None
    fronting = fronting_of(source, target=target) if target is not None else None
    if target is not None and not (target.backend_kind == BROKER and fronting):
        ceiling.require_known(requested, target=target)
    return Order(
        client=client,
        parameters=parameters,
        subject=subject,
        actor=actor,
        target=target,
        source=source,
        fronting=fronting,
        requested=requested,
        shown=shown,
        now=now,
    )
