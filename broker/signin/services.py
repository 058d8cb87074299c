"""Making, changing and removing identity providers, each change recorded in its transaction."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, Final

from django.db import IntegrityError, transaction

from audit import record
from audit.events import (
    IdentityProviderCreated,
    IdentityProviderDeleted,
    IdentityProviderPatched,
)
from authplane.core import clock
from authplane.core.config import config
from broker.errors import Problem
from broker.models import IdentityProvider
from broker.signin import providers
from broker.signin.body import apply_body
from broker.signin.errors import BadProvider, NoSuchProvider, ProviderConflict, ProviderInUse
from broker.signin.secrets import CONFIGURED

TAKEN: Final = "another identity provider has this slug"
IN_USE: Final = "people sign in with this provider; disable it, or unlink them first"
GOVERNED: Final = (
    "slug", "display_name", "issuer", "client_id", "secret", "secret_ref", "scopes",
    "include_groups_scope", "connector_id",
)  # fmt: skip
"""What the settings say about the configured provider, and nobody else."""

_COLUMNS: Final = (
    "slug", "display_name", "issuer", "client_id", "secret_sealed", "secret_ref",
    "token_endpoint_auth_method", "scopes", "include_groups_scope", "connector_id",
    "allowed_domains", "groups_claim", "role_map", "enabled",
)  # fmt: skip


def create_provider(body: Mapping[str, Any], *, actor: str = "system") -> IdentityProvider:
    """A new provider, judged. It is asked when somebody first signs in.

    Raises: BadProvider, ProviderConflict.
    """
    return _create(body, actor=actor, is_configured=False)


def patch_provider(
    key: uuid.UUID, body: Mapping[str, Any], *, actor: str = "system", version: int | None = None
) -> IdentityProvider:
    """The provider with the members of ``body``; lists and maps are replaced as a whole.

    A body that changes nothing writes nothing. Its issuer and slug stay once people sign in with
    it: a subject means something at one issuer only, so those of another would be let in as them.

    Raises: BadProvider, NoSuchProvider; ProviderConflict, also when ``version`` is given and is
    no longer the provider's.
    """
    with transaction.atomic():
        row = _locked(key)
        if version is not None and row.version != version:
            raise ProviderConflict("the provider was changed meanwhile; read it again")
        if row.slug == CONFIGURED and config().oidc.enabled:
            problems = [
                Problem(name, "is said by AUTHPLANE_OIDC_...; change it there")
                for name in GOVERNED
                if name in body
            ]
            if problems:
                raise BadProvider(problems)
        return _patch(row, body, actor=actor)


def delete_provider(key: uuid.UUID, *, actor: str = "system") -> None:
    """The provider is gone.

    Raises: NoSuchProvider; ProviderInUse while people sign in with it.
    """
    with transaction.atomic():
        row = _locked(key)
        if row.identities.exists():
            raise ProviderInUse(IN_USE)
        row.delete()
        record.record(IdentityProviderDeleted(actor_id=actor, id=str(key), slug=row.slug))
        providers.drop()


def put_configured(body: Mapping[str, Any], *, actor: str = "system") -> IdentityProvider:
    """The configured provider is what the settings say; what they cannot say stays.

    Raises: BadProvider; ProviderConflict.
    """
    with transaction.atomic():
        row = IdentityProvider.objects.select_for_update().filter(slug=CONFIGURED).first()
        if row is None:
            return _create(body, actor=actor, is_configured=True)
        said = {name: value for name, value in body.items() if name in GOVERNED}
        return _patch(row, said, actor=actor)


def _create(body: Mapping[str, Any], *, actor: str, is_configured: bool) -> IdentityProvider:
    row = IdentityProvider()
    problems = apply_body(row, body)
    if row.slug == CONFIGURED and not is_configured:
        problems.append(Problem("slug", "is kept for the provider of AUTHPLANE_OIDC_..."))
    if problems:
        raise BadProvider(problems)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
            event = IdentityProviderCreated(
                actor_id=actor, id=str(row.pk), slug=row.slug, issuer=row.issuer
            )
            record.record(event)
    except IntegrityError:
        raise ProviderConflict(TAKEN) from None
    providers.drop()
    return row


def _patch(row: IdentityProvider, body: Mapping[str, Any], *, actor: str) -> IdentityProvider:
    before = {name: getattr(row, name) for name in _COLUMNS}
    problems = apply_body(row, body)
    changed = [name for name in _COLUMNS if getattr(row, name) != before[name]]
    if {"issuer", "slug"} & set(changed) and row.identities.exists():
        problems.append(
            Problem("issuer", "and slug cannot be changed while people sign in with it")
        )
    if row.slug == CONFIGURED and before["slug"] != CONFIGURED:
        problems.append(Problem("slug", "is kept for the provider of AUTHPLANE_OIDC_..."))
    if problems:
        raise BadProvider(problems)
    if not changed:
        return row
    row.version += 1
    row.updated_at = clock.now()
    try:
        with transaction.atomic():
            row.save(update_fields=[*changed, "version", "updated_at"])
    except IntegrityError:
        raise ProviderConflict(TAKEN) from None
    told = ",".join("secret" if name == "secret_sealed" else name for name in changed)
    event = IdentityProviderPatched(actor_id=actor, id=str(row.pk), slug=row.slug, fields=told)
    record.record(event)
    providers.drop()
    return row


def _locked(key: uuid.UUID) -> IdentityProvider:
    row = IdentityProvider.objects.select_for_update().filter(pk=key).first()
    if row is None:
        raise NoSuchProvider
    return row
