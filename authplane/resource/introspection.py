"""Ask the authorization server about a token, and remember the answer for a moment."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from .config import Introspection, Protection
from .errors import Unavailable, invalid_token
from .issuer import Issuer, endpoint
from .signatures import digest
from .token import Token
from .tokens import judged
from .work import Fetch, Fetched, Steps, fetch

_CAPACITY: Final = 10_000


@dataclass(slots=True)
class Introspector:
    """Answers by the token's digest; the tokens themselves are not kept."""

    protection: Protection
    settings: Introspection
    _answers: OrderedDict[str, tuple[float, dict[str, Any] | None]] = field(
        default_factory=OrderedDict
    )
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def read(self, unverified_token: str, *, issuer: Issuer) -> Steps[Token]:
        """The token, if the server calls it active and it is for this resource.

        Whatever cannot be asked or understood lets nobody in. An answer that names no issuer comes
        from the configured one, which is the only one that is asked.

        Spec: RFC 7662 sections 2.1, 2.2 and 4. Raises: Refused; Unavailable.
        """
        name = digest(unverified_token.encode())
        claims, is_known = self._recalled(name)
        if not is_known:
            metadata = yield from issuer.metadata()
            url = endpoint(metadata, "introspection_endpoint")
            claims = _active_members((yield from fetch(self._question(url, unverified_token))))
            self._remember(name, claims)
        if claims is None:
            raise invalid_token("not active")
        claims = {"iss": self.protection.issuer} | claims
        return judged(unverified_token, claims, protection=self.protection)

    def _question(self, url: str, unverified_token: str) -> Fetch:
        """Spec: RFC 6749 section 2.3.1 (both halves are form-encoded before they are joined)."""
        basic = (
            quote(self.settings.client_id, safe=""),
            quote(self.settings.client_secret, safe=""),
        )
        form = {"token": unverified_token, "token_type_hint": "access_token"}
        return Fetch(url, form=form, basic=basic)

    def _recalled(self, name: str) -> tuple[dict[str, Any] | None, bool]:
        with self._lock:
            until, claims = self._answers.get(name, (0.0, None))
        return claims, self.protection.clock() < until

    def _remember(self, name: str, claims: dict[str, Any] | None) -> None:
        with self._lock:
            self._answers[name] = (self.protection.clock() + self.settings.cache, claims)
            while len(self._answers) > _CAPACITY:
                self._answers.popitem(last=False)


def _active_members(answer: Fetched) -> dict[str, Any] | None:
    """The members of an active token; None for one that is not. Raises: Unavailable."""
    try:
        members = json.loads(answer.body) if answer.status == 200 else None  # noqa: PLR2004
    except ValueError:
        members = None
    if not isinstance(members, dict) or not isinstance(members.get("active"), bool):
        raise Unavailable(f"introspection answered {answer.status}")
    return members if members["active"] else None
