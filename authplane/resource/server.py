"""The whole check of a request, in its order, for threads and for event loops."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from .config import Protection, Spend
from .errors import BEARER, DPOP, Refused, insufficient_scope, invalid_proof, invalid_token
from .introspection import Introspector
from .issuer import Issuer
from .proof import Proof, checked_proof
from .replay import MemoryReplay
from .request import Incoming, Presented, presented_token
from .signatures import COMPACT, digest
from .token import Token
from .tokens import read_signed
from .work import Driver, Steps, spend_once

_NOTHING: Final[tuple[str, ...]] = ()


@dataclass(slots=True)
class ResourceServer:
    """Verifies requests to one protected resource. One object serves the whole process."""

    protection: Protection
    _issuer: Issuer = field(init=False)
    _introspector: Introspector | None = field(init=False)
    _driver: Driver = field(init=False)

    def __post_init__(self) -> None:
        settings = self.protection.introspection
        spend: Spend = self.protection.spend or MemoryReplay()
        self._issuer = Issuer(self.protection)
        self._introspector = Introspector(self.protection, settings) if settings else None
        self._driver = Driver(self.protection.timeout, spend)

    def verify(
        self,
        incoming: Incoming,
        *,
        scopes: tuple[str, ...] = _NOTHING,
        acr_values: tuple[str, ...] = _NOTHING,
        max_age: int | None = None,
    ) -> Token:
        """The token of the request, good for this operation.

        `scopes` are needed besides those of the configuration. `acr_values` and `max_age` (seconds)
        say how and how recently the user must have signed in.

        Raises: Refused; Unavailable.
        """
        steps = self._steps(incoming, scopes=scopes, acr_values=acr_values, max_age=max_age)
        return self._driver.run(steps)

    async def averify(
        self,
        incoming: Incoming,
        *,
        scopes: tuple[str, ...] = _NOTHING,
        acr_values: tuple[str, ...] = _NOTHING,
        max_age: int | None = None,
    ) -> Token:
        """The same without blocking the event loop."""
        steps = self._steps(incoming, scopes=scopes, acr_values=acr_values, max_age=max_age)
        return await self._driver.arun(steps)

    async def averify_bearer(self, unverified_token: str) -> Token:
        """A bearer token without its request, for frameworks that show nothing else.

        A bound token is refused, because what it is bound to cannot be seen.

        Raises: Refused; Unavailable.
        """
        incoming = Incoming(
            method="POST",
            url=self.protection.resource,
            authorization=(f"{BEARER} {unverified_token}",),
        )
        return await self.averify(incoming)

    def _steps(
        self,
        incoming: Incoming,
        *,
        scopes: tuple[str, ...],
        acr_values: tuple[str, ...],
        max_age: int | None,
    ) -> Steps[Token]:
        """The proof is used up last: a request that is refused for its scope leaves it unspent."""
        presented = presented_token(incoming)
        self._require_scheme(presented, incoming=incoming)
        token = yield from self._read(presented.unverified_token, scheme=presented.scheme)
        _require_certificate(token, incoming=incoming)
        proof = self._proof(token, presented=presented, incoming=incoming)
        needed = tuple(dict.fromkeys((*self.protection.scopes, *scopes)))
        if not token.has(*needed):
            raise _told(insufficient_scope(needed), scheme=presented.scheme)
        try:
            token.require_sign_in(acr_values=acr_values, max_age=max_age)
        except Refused as refusal:
            raise _told(refusal, scheme=presented.scheme) from None
        if proof is None:
            return token
        if not (yield from spend_once(proof.key, proof.seconds)):
            raise invalid_proof("used before (check 3)")
        return replace(token, nonce=proof.nonce)

    def _require_scheme(self, presented: Presented, *, incoming: Incoming) -> None:
        """The scheme is one that this resource takes.

        Where DPoP is off, a proof is a misunderstanding that must not pass for protection.
        """
        mode = self.protection.dpop
        if mode == "off" and (presented.scheme == DPOP or incoming.proofs):
            raise invalid_token("DPoP is off here", scheme=BEARER)
        if mode == "required" and presented.scheme != DPOP:
            raise invalid_token("a proof is required", scheme=DPOP)

    def _read(self, unverified_token: str, *, scheme: str) -> Steps[Token]:
        asks = self._introspector
        is_signed = COMPACT.fullmatch(unverified_token) is not None
        try:
            if asks is not None and (asks.settings.for_all or not is_signed):
                token = yield from asks.read(unverified_token, issuer=self._issuer)
            else:
                token = yield from read_signed(
                    unverified_token, protection=self.protection, issuer=self._issuer
                )
        except Refused as refusal:
            raise _told(refusal, scheme=scheme) from None
        return token

    def _proof(self, token: Token, *, presented: Presented, incoming: Incoming) -> Proof | None:
        """The proof by the token's own key; None for a token that is not bound to one.

        Spec: RFC 9449 sections 4.3, check 12, 7.1 and 7.2 (no downgrade to Bearer).
        """
        if presented.scheme == BEARER:
            if token.jkt:
                raise invalid_token("bound to a key, presented as Bearer", scheme=DPOP)
            return None
        if not token.jkt:
            raise invalid_token("not bound to a key, presented under DPoP", scheme=DPOP)
        proof = checked_proof(
            incoming, access_token=presented.unverified_token, protection=self.protection
        )
        if proof.jkt != token.jkt:
            raise invalid_proof("another key than the token's (check 12)")
        return proof


def _told(refusal: Refused, *, scheme: str) -> Refused:
    """The refusal, told under the scheme that the request used."""
    refusal.scheme = refusal.scheme or scheme
    return refusal


def _require_certificate(token: Token, *, incoming: Incoming) -> None:
    """A token that is bound to a certificate came over a connection with that certificate.

    Spec: RFC 8705 section 3.
    """
    if not token.certificate:
        return
    if incoming.certificate is None or digest(incoming.certificate) != token.certificate:
        raise invalid_token("another certificate than the token's")
