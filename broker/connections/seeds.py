"""Connections that exist after the first start. A key is never in the seed, only where it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from authplane.core.crypto import CryptoError
from authplane.core.seeding import Section
from broker.connections import provisioning
from broker.connections.errors import BadConnection, ConnectionConflict
from broker.models import Connection
from oauth.resources.errors import Problem

Seed = Mapping[str, Any]
NAME: Final = "connections"


def _name(seed: Seed) -> str:
    return f"{seed.get(provisioning.USER, '')} at {seed.get(provisioning.PROVIDER, '')}"


def _exists(seed: Seed) -> bool:
    """Whether there ever was such a connection: one that somebody ended stays ended."""
    user = provisioning.named_user(seed.get(provisioning.USER))
    provider = provisioning.named_provider(seed.get(provisioning.PROVIDER))
    return Connection.objects.filter(user=user, provider=provider).exists() if user else False


def _create(seed: Seed, actor: str) -> object:
    if provisioning.KEY in seed:
        text = f"must not stand in a seed; say {provisioning.KEY_REF}"
        raise BadConnection([Problem(provisioning.KEY, text)])
    return provisioning.create_connection(seed, actor=actor)


CONNECTIONS: Final = Section(
    noun="connection",
    name_of=_name,
    exists=_exists,
    create=_create,
    refusals=(BadConnection, ConnectionConflict, CryptoError),
)
"""Known by user and provider. The user has to be there: seeds make none."""
