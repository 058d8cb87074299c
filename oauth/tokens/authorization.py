"""What a grant decided: everything a token needs to be made. Pure data."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from oauth.models import Client


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """A decision to issue. Whoever holds one has passed every check of its grant.

    `scope` is what the token carries; `subject` its `sub`; `resource` the one audience;
    `lifetime` is in seconds. `parent` is the id of the token it was exchanged from and
    `consent_client` the client whose consent it rests on, when that is another one. `dpop_jkt` and
    `certificate` are the thumbprints of the key and the certificate it is bound to; `proven_jkt` is
    the key that the client proved, to which its refresh tokens are bound even where the access
    token is not. `agent_chain` lists agents, oldest first. `projects` are the ids of those that it
    opens, None where nobody was asked for any. `decided_at` is the moment that
    `lifetime` counts from; without it that is when the token is made, which may be a second later.
    """

    kind: str
    client: Client
    subject: str
    resource: str
    scope: tuple[str, ...]
    lifetime: int
    user_id: uuid.UUID | None = None
    family_id: uuid.UUID | None = None
    parent: uuid.UUID | None = None
    consent_client: uuid.UUID | None = None
    dpop_jkt: str = ""
    certificate: str = ""
    proven_jkt: str = ""
    actors: dict[str, Any] | None = None
    agent_chain: tuple[str, ...] = ()
    client_name: str = ""
    auth_time: int | None = None
    acr: str = ""
    amr: tuple[str, ...] = ()
    projects: tuple[str, ...] | None = None
    decided_at: datetime | None = None

    @property
    def client_claim(self) -> str:
        """The `client_id` claim."""
        return self.client_name or self.client.client_id

    @property
    def confirmation(self) -> dict[str, str]:
        """The `cnf` claim: empty for a bearer token.

        Spec: RFC 9449 section 6.1 (`jkt`); RFC 8705 section 3.1 (`x5t#S256`).
        """
        bound = {"jkt": self.dpop_jkt, "x5t#S256": self.certificate}
        return {name: value for name, value in bound.items() if value}

    @property
    def scope_text(self) -> str:
        """The scopes as the wire spells them."""
        return " ".join(self.scope)
