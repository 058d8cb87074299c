"""Providers that exist after the first start."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from authplane.core.config import config
from authplane.core.hashing import constant_time_equals
from authplane.core.seeding import Portable, Section, Written, spoken
from broker.errors import BadProvider, ProviderConflict, SecretUnavailable
from broker.models import BrokerProvider
from broker.providers.secrets import open_secret
from broker.providers.services import create_provider, patch_provider

Seed = Mapping[str, Any]
NAME: Final = "broker_providers"
MEMBERS: Final = ("slug", "display_name", "protocol", "preset")
DEFAULTS: Final[Mapping[str, Any]] = {"preset": "", "config_data": {}, "enabled": True}
DETAILS: Final = (
    "client_id", "client_secret_ref", "authorize_url", "token_url", "response_format", "domain",
    "tenant",
)  # fmt: skip


def _slug(seed: Seed) -> str:
    """What a slug would be compared as; NUL, which PostgreSQL refuses to compare, is in none."""
    return str(seed.get("slug") or "").lower().replace("\0", "")


def configured_providers() -> list[Seed]:
    """The seeds of the configuration: its list, and the one provider of the environment.

    What the environment says about a slug of the list stands on top of what the list says.
    """
    rows: list[Seed] = list(config().seeds.broker_providers)
    single = config().broker_provider
    if not single.slug:
        return rows
    members = {name: getattr(single, name) for name in MEMBERS if getattr(single, name)}
    details = {name: getattr(single, name) for name in DETAILS if getattr(single, name)}
    for number, row in enumerate(rows):
        if _slug(row) == single.slug.lower():
            known = row.get("config_data")
            beside = known if isinstance(known, dict) else {}
            rows[number] = {**row, **members, "config_data": {**beside, **details}}
            return rows
    named = {"display_name": single.slug} | members
    if not single.preset:
        named.setdefault("protocol", BrokerProvider.Protocol.OAUTH.value)
    return [*rows, {**named, "config_data": details}]


def _written() -> Iterator[Written]:
    for row in BrokerProvider.objects.order_by("slug"):
        members = {name: getattr(row, name) for name in DEFAULTS}
        seed = {"slug": row.slug, "display_name": row.display_name, "protocol": row.protocol}
        seed |= spoken(members, defaults=DEFAULTS)
        yield Written(row.slug, row.pk, seed, sealed=stored(row.secret_sealed))


def _change(written: Written, seed: Seed, actor: str) -> None:
    """Raises: BadProvider, ProviderConflict."""
    body = {**DEFAULTS, **seed}
    if is_kept(written, body.get("secret")):
        del body["secret"]
    patch_provider(written.row, body, actor=actor)


def is_kept(written: Written, secret: object) -> bool:
    """Whether this very secret is stored: sealing it anew would look like a change."""
    if not isinstance(secret, str) or written.sealed is None:
        return False
    try:
        present = open_secret(written.row, written.sealed, reference="")
    except SecretUnavailable:
        return False
    return constant_time_equals(present, secret)


def stored(sealed: Any) -> bytes | None:
    """A sealed column as bytes, whatever the database hands out."""
    return None if sealed is None else bytes(sealed)


BROKER_PROVIDERS: Final = Section(
    noun="broker provider",
    name_of=_slug,
    exists=lambda seed: BrokerProvider.objects.filter(slug=_slug(seed)).exists(),
    create=lambda seed, actor: create_provider(seed, actor=actor),
    refusals=(BadProvider, ProviderConflict),
    portable=Portable(written=_written, change=_change),
)
"""Known by slug; planted before the resources that stand for them."""
