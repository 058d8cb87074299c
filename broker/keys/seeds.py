"""Access groups and API keys that exist after the first start."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from authplane.accounts.selectors import find_by_email
from authplane.core.seeding import Portable, Section, Written, spoken
from broker.errors import SecretUnavailable
from broker.keys import groups, services
from broker.keys.errors import BadEntry, EntryConflict, Problem
from broker.keys.texts import stranger_problems
from broker.models import AccessGroup, ApiKey
from broker.providers.secrets import referred_secret

Seed = Mapping[str, Any]
GROUP_DEFAULTS: Final[Mapping[str, Any]] = {"enabled": True, "proxy_access": []}
GROUPS, KEYS = "access_groups", "api_keys"
MEMBERS: Final = ("name", "description", "user", "group", "key_ref", "expires_in_days")


def _name(seed: Seed) -> str:
    """NUL, which PostgreSQL refuses to compare, is in no name."""
    return str(seed.get("name") or "").replace("\0", "")


def create_seeded_key(seed: Seed, actor: str) -> ApiKey:
    """A key whose user and group are named, and which itself stands in the environment.

    Raises: BadEntry, EntryConflict, SecretUnavailable.
    """
    problems = stranger_problems(seed, known=MEMBERS, noun="an API key's seed")
    user = find_by_email(str(seed.get("user") or "").replace("\0", ""))
    group = AccessGroup.objects.filter(name=str(seed.get("group") or "").replace("\0", "")).first()
    if user is None:
        problems.append(Problem("user", "must be the e-mail address of a user"))
    if group is None:
        problems.append(Problem("group", "must be the name of an access group"))
    if not isinstance(reference := seed.get("key_ref"), str):
        problems.append(Problem("key_ref", "must name the variable that holds the key"))
    if problems or user is None or group is None:
        raise BadEntry(problems)
    body = {name: seed[name] for name in ("name", "description", "expires_in_days") if name in seed}
    body |= {"user_id": str(user.pk), "user_group_id": str(group.pk)}
    row, _ = services.create_key(body, actor=actor, key=referred_secret(str(reference)))
    return row


def _written_groups() -> Iterator[Written]:
    for row in AccessGroup.objects.order_by("name"):
        access = row.access.order_by("proxy__slug").values("proxy__slug", "requests_per_minute")
        members = {
            "enabled": row.enabled,
            "proxy_access": [
                {"proxy": one["proxy__slug"]}
                | ({"requests_per_minute": limit} if (limit := one["requests_per_minute"]) else {})
                for one in access
            ],
        }
        yield Written(
            row.name, row.pk, {"name": row.name} | spoken(members, defaults=GROUP_DEFAULTS)
        )


def _change_group(written: Written, seed: Seed, actor: str) -> None:
    """Raises: BadEntry, EntryConflict."""
    groups.patch_group(written.row, {**GROUP_DEFAULTS, **seed}, actor=actor)


ACCESS_GROUPS: Final = Section(
    noun="access group",
    name_of=_name,
    exists=lambda seed: AccessGroup.objects.filter(name=_name(seed)).exists(),
    create=lambda seed, actor: groups.create_group(seed, actor=actor),
    refusals=(BadEntry, EntryConflict),
    portable=Portable(written=_written_groups, change=_change_group),
)
"""Known by name; planted after the proxies that they give access to."""

API_KEYS: Final = Section(
    noun="API key",
    name_of=_name,
    exists=lambda seed: ApiKey.objects.filter(name=_name(seed)).exists(),
    create=create_seeded_key,
    refusals=(BadEntry, EntryConflict, SecretUnavailable),
)
"""Known by name. The key comes from the environment and has the form of ours, never from YAML."""
