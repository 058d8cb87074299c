"""Making, changing and removing providers. Each change is recorded in its own transaction."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import Any, Final

from django.db.models import Max

from audit import record
from audit.events import BrokerProviderCreated, BrokerProviderDeleted, BrokerProviderPatched
from authplane.core import clock
from authplane.core.crypto import CryptoError
from broker.errors import (
    BadProvider,
    NoSuchProvider,
    Problem,
    ProviderConflict,
    ProviderInUse,
)
from broker.models import BrokerProvider, Connection
from broker.providers import selectors
from broker.providers.configuration import PROTOCOLS, read_configuration, shown
from broker.providers.presets import ALIASES, PRESETS, preset_named
from broker.providers.private_keys import BadKey, read_key
from broker.providers.references import references_to
from broker.providers.secrets import seal_secret
from oauth.resources.locking import exclusive

SLUG: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
MEMBERS: Final = (
    "slug", "display_name", "protocol", "preset", "config_data", "secret", "enabled",
)  # fmt: skip
OAUTH: Final = BrokerProvider.Protocol.OAUTH.value
SERVICE_ACCOUNT: Final = BrokerProvider.Protocol.SERVICE_ACCOUNT.value
TAKEN: Final = "another provider has this slug"
NAMES: Final = ("slug", "display_name", "protocol")
MAX_NAME: Final = 255
MAX_SECRET: Final = 16 * 1024


def create_provider(body: Mapping[str, Any], *, actor: str = "system") -> BrokerProvider:
    """A new provider that can be used as it is: everything about it was judged.

    `slug`, `display_name` and `protocol` are required; a preset gives the latter two.

    Raises: BadProvider, ProviderConflict.
    """
    row = BrokerProvider()
    problems = _apply(row, body)
    if problems:
        raise BadProvider(problems)
    with exclusive():
        if BrokerProvider.objects.filter(slug=row.slug).exists():
            raise ProviderConflict(TAKEN)
        row.number = _next_number()
        row.save(force_insert=True)
        event = BrokerProviderCreated(
            actor_id=actor, id=str(row.pk), slug=row.slug, protocol=row.protocol
        )
        record.record(event)
    selectors.drop()
    return row


def patch_provider(
    key: uuid.UUID,
    body: Mapping[str, Any],
    *,
    actor: str = "system",
    version: int | None = None,
) -> BrokerProvider:
    """The provider with the members of ``body``; `config_data` is replaced as a whole.

    A body that changes nothing writes nothing. A `secret` of null takes the stored one away.

    Raises: BadProvider, NoSuchProvider; ProviderConflict, also when ``version`` is given and is
    no longer the provider's.
    """
    with exclusive():
        row = _locked(key)
        if version is not None and row.version != version:
            raise ProviderConflict("the provider was changed meanwhile; read it again")
        before = {name: getattr(row, name) for name in _COLUMNS}
        problems = _apply(row, body)
        if row.protocol != before["protocol"] and row.connections.exists():
            problems.append(Problem("protocol", "cannot be changed while users are connected"))
        if problems:
            raise BadProvider(problems)
        changed = [name for name in _COLUMNS if getattr(row, name) != before[name]]
        if not changed:
            return row
        if BrokerProvider.objects.filter(slug=row.slug).exclude(pk=key).exists():
            raise ProviderConflict(TAKEN)
        row.version += 1
        row.updated_at = clock.now()
        row.save(update_fields=[*changed, "version", "updated_at"])
        event = BrokerProviderPatched(
            actor_id=actor, id=str(key), slug=row.slug, fields=",".join(map(_told, changed))
        )
        record.record(event)
    selectors.drop()
    return row


def delete_provider(key: uuid.UUID, *, actor: str = "system") -> None:
    """The provider is gone.

    Raises: NoSuchProvider; ProviderInUse while a resource or a live connection refers to it.
    """
    with exclusive():
        row = _locked(key)
        found = references_to(row)
        if found:
            raise ProviderInUse(found)
        # What is left of them is revoked; the row lock keeps new ones from being made meanwhile.
        Connection.objects.filter(provider=row).delete()
        row.delete()
        record.record(BrokerProviderDeleted(actor_id=actor, id=str(key), slug=row.slug))
    selectors.drop()


_COLUMNS: Final = (
    "slug", "display_name", "protocol", "preset", "config_data", "secret_sealed", "enabled",
)  # fmt: skip


def _told(column: str) -> str:
    """A column as operators know it."""
    return "secret" if column == "secret_sealed" else column


def _next_number() -> int:
    """Never used before, unless the latest provider of all was deleted."""
    latest = BrokerProvider.objects.aggregate(latest=Max("number"))["latest"]
    return int(latest or 0) + 1


def _locked(key: uuid.UUID) -> BrokerProvider:
    """The row, which nobody else changes, nor connects users to, until the end."""
    row = BrokerProvider.objects.select_for_update().filter(pk=key).first()
    if row is None:
        raise NoSuchProvider
    return row


def _apply(row: BrokerProvider, body: Mapping[str, Any]) -> list[Problem]:
    """The members of the body are the row's; every problem of the result."""
    strangers = sorted(set(body) - set(MEMBERS))
    problems = [Problem(shown("", name), "is not a member of a provider") for name in strangers]
    _take_names(row, body, problems)
    _take_secret(row, body, problems)
    if "config_data" in body:
        row.config_data = {} if body["config_data"] is None else body["config_data"]
    if row.protocol in PROTOCOLS:
        _, found = read_configuration(
            row.protocol,
            row.config_data,
            preset=row.preset,
            has_secret=row.secret_sealed is not None,
        )
        problems += found
    return problems


def _take_names(row: BrokerProvider, body: Mapping[str, Any], problems: list[Problem]) -> None:
    _take_preset(row, body, problems)
    said = {name: body[name] for name in NAMES if body.get(name) is not None}
    slug, name = said.get("slug", row.slug), said.get("display_name", row.display_name)
    row.slug = slug.lower() if isinstance(slug, str) else ""
    row.protocol = said.get("protocol", row.protocol)
    if not SLUG.fullmatch(row.slug):
        problems.append(Problem("slug", "must be 1 to 64 of a-z, 0-9 and inner hyphens"))
    if isinstance(name, str) and name.strip() and len(name) <= MAX_NAME and name.isprintable():
        row.display_name = name
    else:
        problems.append(Problem("display_name", f"must be a text of 1 to {MAX_NAME} characters"))
    if row.protocol not in PROTOCOLS:
        problems.append(Problem("protocol", f"must be one of: {', '.join(PROTOCOLS)}"))
    elif row.preset and row.protocol != OAUTH:
        problems.append(Problem("preset", "is only for the protocol oauth"))
    if isinstance(enabled := body.get("enabled", row.enabled), bool):
        row.enabled = enabled
    else:
        problems.append(Problem("enabled", "must be true or false"))


def _take_preset(row: BrokerProvider, body: Mapping[str, Any], problems: list[Problem]) -> None:
    """The preset, by its own name; it gives what a new provider does not say itself."""
    if body.get("preset") is not None:
        name = body["preset"]
        row.preset = ALIASES.get(name, name) if isinstance(name, str) else "?"
    preset = preset_named(row.preset)
    if row.preset and preset is None:
        problems.append(Problem("preset", f"must be one of: {', '.join(PRESETS)}"))
        row.preset = ""
    if preset is not None:
        row.protocol = row.protocol or OAUTH
        row.display_name = row.display_name or preset.title


def _take_secret(row: BrokerProvider, body: Mapping[str, Any], problems: list[Problem]) -> None:
    if "secret" not in body:
        return
    secret = body["secret"]
    if secret is None:
        row.secret_sealed = None
    elif not isinstance(secret, str) or not 1 <= len(secret) <= MAX_SECRET:
        problems.append(Problem("secret", f"must be a text of 1 to {MAX_SECRET} characters"))
    else:
        try:
            if row.protocol == SERVICE_ACCOUNT or _signs(body.get("config_data", row.config_data)):
                read_key(secret)
            row.secret_sealed = seal_secret(row, secret)
        except BadKey as error:
            problems.append(Problem("secret", str(error)))
        except CryptoError as error:
            problems.append(Problem("secret", f"cannot be stored: {error}"))
        except UnicodeEncodeError:
            problems.append(Problem("secret", "must be valid text"))


def _signs(config_data: Any) -> bool:
    """Whether the secret is a private key: what it proves is signed, and it is never sent."""
    named = config_data.get("token_endpoint_auth_method") if isinstance(config_data, dict) else None
    return bool(named == "private_key_jwt")
