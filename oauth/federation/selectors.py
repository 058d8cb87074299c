"""Workload issuers as requests see them. Kept per process for a few seconds."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from authplane.core.cache import TimedCache, drop_on_commit
from oauth.federation.keys import KeySource
from oauth.federation.presets import Preset, preset_of
from oauth.federation.rules import Rule
from oauth.models import WorkloadIssuer

SECONDS_UNTIL_SEEN: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedIssuer:
    """A workload issuer. `audience` is empty where its tokens name our own issuer.

    `jwks` holds its keys where it cannot be reached; else they are at `jwks_uri`.
    """

    id: uuid.UUID
    name: str
    kind: str
    issuer: str
    jwks_uri: str
    jwks: Mapping[str, Any] | None
    audience: str
    rules: tuple[Rule, ...]
    is_enabled: bool

    @property
    def preset(self) -> Preset:
        """What is known about its kind."""
        return preset_of(self.kind)

    @property
    def keys(self) -> KeySource:
        """Where its keys are."""
        return KeySource(
            issuer=self.issuer,
            jwks_uri=self.jwks_uri,
            inline=self.jwks,
            marked=self.preset.bundle_use,
        )


def find_issuer(unverified_issuer: str) -> TrustedIssuer | None:
    """The registered issuer of this name, compared byte for byte; None when there is none.

    All of them are kept together: a name that nobody registered costs no statement.
    """
    return _issuers.get("").get(unverified_issuer)


def drop() -> None:
    """Every process reads the issuers anew once the present transaction is committed."""
    _issuers.forget()
    drop_on_commit(_issuers)


def view_of(row: WorkloadIssuer) -> TrustedIssuer:
    """The row as requests see it."""
    return TrustedIssuer(
        id=row.pk,
        name=row.name,
        kind=row.preset,
        issuer=row.issuer,
        jwks_uri=row.jwks_uri,
        jwks=row.jwks,
        audience=row.audience,
        rules=tuple(map(Rule.of, row.rules)),
        is_enabled=row.enabled,
    )


def _load(_: str) -> dict[str, TrustedIssuer]:
    return {row.issuer: view_of(row) for row in WorkloadIssuer.objects.order_by("id")}


_issuers: TimedCache[str, dict[str, TrustedIssuer]] = TimedCache(
    "workload_issuers", ttl=SECONDS_UNTIL_SEEN, load=_load
)
