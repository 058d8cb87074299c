"""Identity providers, policies and mappings that exist after the first start."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from authplane.accounts.models import User
from authplane.core.seeding import Section
from oauth.federation.errors import BadEntry, EntryError, Problem
from oauth.models import SubjectMapping, TrustedIdP, XAAPolicy
from oauth.xaa.mappings import create_mapping
from oauth.xaa.policies import create_policy
from oauth.xaa.providers import create_provider

Seed = Mapping[str, Any]


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


IDPS: Final = Section(
    noun="identity provider",
    name_of=lambda seed: str(seed.get("issuer") or ""),
    exists=lambda seed: TrustedIdP.objects.filter(issuer=str(seed.get("issuer") or "")).exists(),
    create=lambda seed, actor: create_provider(seed, actor=actor),
    refusals=(EntryError,),
)
"""Known by issuer. Say `jwks_uri`: a start should not depend on another host."""

XAA_POLICIES: Final = Section(
    noun="XAA policy",
    name_of=lambda seed: str(seed.get("name") or ""),
    exists=_policy_exists,
    create=lambda seed, actor: create_policy(resolved(seed), actor=actor),
    refusals=(EntryError,),
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
