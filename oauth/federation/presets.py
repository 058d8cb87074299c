"""What is known about kinds of workload issuers: how their tokens look, and what a rule must fix.

The danger of every public issuer is a rule that is wider than meant: GitHub signs tokens for all of
its users, so that a pattern which leaves the owner open lets the whole world in.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from authplane.core.jose import ASYMMETRIC

PLAIN_TYPES: Final = ("", "JWT")
"""Types of tokens that say nothing about their purpose. A token made to be something else, such as
an access token, a DPoP proof or an identity assertion, is no workload's identity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """One kind of issuer.

    `fixed` must match the beginning of a subject pattern, up to its first wildcard, unless the
    rule demands one of the `tying` claims, which say the same; `hint` says so in words. `issuer`
    is the usual one. `bundle_use` is how key sets mark keys for these tokens besides `sig`.
    """

    algorithms: Collection[str] = ASYMMETRIC
    types: Collection[str] = PLAIN_TYPES
    needs_kid: bool = True
    issuer: str = ""
    fixed: re.Pattern[str] = re.compile(r"(?s).")
    tying: Collection[str] = ()
    hint: str = ""
    bundle_use: str = ""


GENERIC: Final = Preset(
    needs_kid=False,
    hint="must begin with something else than a wildcard, or the rule must name claims",
)
KUBERNETES: Final = Preset(
    algorithms=("RS256", "ES256", "ES384", "ES512"),
    fixed=re.compile(r"system:serviceaccount:[^:*]"),
    tying=("kubernetes.io/namespace",),
    hint=(
        "must begin with system:serviceaccount: and a namespace, or the rule must name the claim"
        " kubernetes.io/namespace"
    ),
)
GITHUB_ACTIONS: Final = Preset(
    algorithms=("RS256",),
    issuer="https://token.actions.githubusercontent.com",
    fixed=re.compile(r"repo:[^/:*]+/"),
    tying=(
        "repository", "repository_id", "repository_owner", "repository_owner_id",
        "enterprise", "enterprise_id",
    ),
    hint="must begin with repo: and an owner, or the rule must name the claim repository_owner",
)  # fmt: skip
SPIFFE: Final = Preset(
    # JWT-SVID section 2.1: no EdDSA. Section 2.3: the type is JWT, JOSE or absent. Verifiers in
    # use demand the key id, which trust bundles must give every key.
    algorithms=tuple(sorted(ASYMMETRIC - {"EdDSA"})),
    types=("", "JWT", "JOSE"),
    fixed=re.compile(r"spiffe://[^/:*]+/"),
    hint="must begin with spiffe:// and a trust domain",
    bundle_use="jwt-svid",
)

PRESETS: Final = {
    "generic": GENERIC,
    "kubernetes": KUBERNETES,
    "github_actions": GITHUB_ACTIONS,
    "spiffe": SPIFFE,
}


def preset_of(name: str) -> Preset:
    """The preset of this name; the generic one for a name that is not known."""
    return PRESETS.get(name, GENERIC)


def pins_down(preset: Preset, *, fixed_beginning: str, claims: Collection[str]) -> bool:
    """A rule with this beginning of its pattern and these claims is about somebody in particular.

    Without a list of tying claims any claim will do; SPIFFE has only the subject to go by.
    """
    if preset.fixed.match(fixed_beginning):
        return True
    if preset is SPIFFE:
        return False
    return bool(set(preset.tying) & set(claims)) if preset.tying else bool(claims)
