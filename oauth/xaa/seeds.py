"""Identity providers, policies and mappings that exist after the first start."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from authplane.accounts.models import User
from authplane.core.seeding import Portable, Section, Written, spoken
from oauth.federation.errors import BadEntry, EntryError, Problem
from oauth.models import SubjectMapping, TrustedIdP, XAAPolicy
from oauth.xaa.mappings import create_mapping
from oauth.xaa.policies import change_policy, create_policy
from oauth.xaa.providers import FIXED, change_provider, create_provider

Seed = Mapping[str, Any]
IDP_DEFAULTS: Final[Mapping[str, Any]] = {"audience": "", "enabled": True}
POLICY_DEFAULTS: Final[Mapping[str, Any]] = {
    "client_ids": [], "scopes": None, "resources": [], "enabled": True,
}  # fmt: skip


def resolved(seed: Seed) -> dict[str, Any]:
    """The seed with ids in place of the names that people write.

    `idp` is a provider's issuer, `local_user` a user's e-mail address: ids are not known before
    the first start.

    Raises: BadEntry.
    """
    body = dict(seed)
    problems: list[Problem] = []
    if "idp" in body:
        idp = TrustedIdP.objects.filter(issuer=str(body.pop("idp"))).first()
        if idp is None:
            problems.append(Problem("idp", "names no identity provider by its issuer"))
        else:
            body["idp_id"] = str(idp.pk)
    if "local_user" in body:
        user = User.objects.filter(email__iexact=str(body.pop("local_user"))).first()
        if user is None:
            problems.append(Problem("local_user", "names no user by its address"))
        else:
            body["local_user_id"] = str(user.pk)
    if problems:
        raise BadEntry(problems)
    return body


def _policy_exists(seed: Seed) -> bool:
    return XAAPolicy.objects.filter(name=str(seed.get("name") or ""), idp__in=_idps(seed)).exists()


def _mapping_exists(seed: Seed) -> bool:
    return SubjectMapping.objects.filter(
        idp_subject=str(seed.get("idp_subject") or ""), idp__in=_idps(seed)
    ).exists()


def _idps(seed: Seed) -> list[TrustedIdP]:
    """The provider that the seed names; none when it names nothing we know."""
    by_issuer = TrustedIdP.objects.filter(issuer=str(seed.get("idp") or ""))
    return [*by_issuer] or [
        idp for idp in TrustedIdP.objects.all() if str(idp.pk) == str(seed.get("idp_id"))
    ]


def _written_idps() -> Iterator[Written]:
    for row in TrustedIdP.objects.order_by("issuer"):
        members = {name: getattr(row, name) for name in IDP_DEFAULTS}
        seed = {"issuer": row.issuer, "name": row.name, "jwks_uri": row.jwks_uri}
        yield Written(row.issuer, row.pk, seed | spoken(members, defaults=IDP_DEFAULTS))


def _change_idp(written: Written, seed: Seed, actor: str) -> None:
    """What cannot change is only named where it is another. Raises: EntryError."""
    present = {**IDP_DEFAULTS, **written.seed}
    body = {
        name: value
        for name, value in {**IDP_DEFAULTS, **seed}.items()
        if name not in FIXED or value != present[name]
    }
    change_provider(written.row, body, actor=actor)


def _written_policies() -> Iterator[Written]:
    rows = XAAPolicy.objects.select_related("idp")
    for row in rows.order_by("idp__issuer", "name", "pk"):
        members = {name: getattr(row, name) for name in POLICY_DEFAULTS}
        # NULL means any, like an empty list.
        members |= {name: members[name] or [] for name in ("client_ids", "resources")}
        seed = {"name": row.name, "idp": row.idp.issuer}
        seed |= spoken(members, defaults=POLICY_DEFAULTS)
        yield Written(_policy_name(seed), row.pk, seed)


def _change_policy(written: Written, seed: Seed, actor: str) -> None:
    """Raises: EntryError."""
    body = {name: value for name, value in seed.items() if name != "idp"}
    change_policy(written.row, {**POLICY_DEFAULTS, **body}, actor=actor)


def _policy_name(seed: Seed) -> str:
    """Names of policies may repeat from provider to provider."""
    return f"{seed.get('name') or ''} of {seed.get('idp') or ''}"


IDPS: Final = Section(
    noun="identity provider",
    name_of=lambda seed: str(seed.get("issuer") or ""),
    exists=lambda seed: TrustedIdP.objects.filter(issuer=str(seed.get("issuer") or "")).exists(),
    create=lambda seed, actor: create_provider(seed, actor=actor),
    refusals=(EntryError,),
    portable=Portable(
        written=_written_idps,
        change=_change_idp,
        asks=lambda seed: "" if seed.get("jwks_uri") else "jwks_uri is required here",
    ),
)
"""Known by issuer. Say `jwks_uri`: a start should not depend on another host."""

XAA_POLICIES: Final = Section(
    noun="XAA policy",
    name_of=lambda seed: str(seed.get("name") or ""),
    exists=_policy_exists,
    create=lambda seed, actor: create_policy(resolved(seed), actor=actor),
    refusals=(EntryError,),
    portable=Portable(written=_written_policies, change=_change_policy, name_of=_policy_name),
)
"""Known by provider and name."""

SUBJECT_MAPPINGS: Final = Section(
    noun="subject mapping",
    name_of=lambda seed: str(seed.get("idp_subject") or ""),
    exists=_mapping_exists,
    create=lambda seed, actor: create_mapping(resolved(seed), actor=actor),
    refusals=(EntryError,),
)
"""Known by provider and subject."""
