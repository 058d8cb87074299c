"""Who a provider says somebody is: from the ID token, completed by its userinfo endpoint."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from authplane.accounts.errors import AccountError
from authplane.accounts.services import accepted_email, accepted_name
from authplane.core import fetch
from authplane.core.fetch import FetchFailed, FetchRefused
from broker.signin.discovery import Published
from broker.signin.errors import SignInRefused
from broker.signin.providers import SignInProvider
from broker.upstream.reach import reach_of

MAX_BYTES: Final = 256 * 1024
SECONDS: Final = 5.0
MAX_GROUPS: Final = 500
MAX_GROUP: Final = 255
MAX_METHODS: Final = 10
MAX_METHOD: Final = 32
OTHER_SUBJECT: Final = "userinfo_of_another_subject"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A person at a provider. `email` is "" unless the provider says that it is theirs.

    `auth_time` is in seconds since 1970, None where the provider does not say; `methods` are named
    as in RFC 8176; `level` is the provider's `acr`.
    """

    subject: str
    email: str = ""
    name: str = ""
    groups: tuple[str, ...] = ()
    auth_time: int | None = None
    methods: tuple[str, ...] = ()
    level: str = ""


def read_profile(
    claims: Mapping[str, Any], *, provider: SignInProvider, published: Published, access_token: str
) -> Profile:
    """The person of verified claims. Userinfo is asked when the ID token leaves something out.

    Spec: OpenID Connect Core 1.0 section 5.3.2 (MUST: the same `sub`, else it is not used).
    Raises: SignInRefused when userinfo is about somebody else.
    """
    known = dict(claims)
    wanted = {"email", "name", *([provider.groups_claim] if provider.groups_claim else [])}
    if published.userinfo_endpoint and not wanted <= known.keys():
        more = _userinfo(published.userinfo_endpoint, access_token=access_token)
        if more and more.get("sub") != claims["sub"]:
            raise SignInRefused(OTHER_SUBJECT)
        # What is signed stands above what is not.
        known = more | known
    at = claims.get("auth_time")
    level = claims.get("acr")
    return Profile(
        subject=claims["sub"],
        email=_verified_email(known),
        name=_name(known.get("name")),
        groups=_texts(known.get(provider.groups_claim), most=MAX_GROUPS, longest=MAX_GROUP)
        if provider.groups_claim
        else (),
        auth_time=int(at) if isinstance(at, int | float) and not isinstance(at, bool) else None,
        methods=_texts(claims.get("amr"), most=MAX_METHODS, longest=MAX_METHOD),
        level=level if isinstance(level, str) and len(level) <= MAX_GROUP else "",
    )


def _userinfo(url: str, *, access_token: str) -> dict[str, Any]:
    """What the endpoint says; nothing when it does not answer or signs its answers."""
    headers = {"Authorization": f"Bearer {access_token}", "Accept": "application/json"}
    try:
        answer = fetch.send(
            "GET", url,
            headers=headers, max_bytes=MAX_BYTES, timeout=SECONDS, reach=reach_of(url),
        )  # fmt: skip
    except (FetchRefused, FetchFailed) as failed:
        log.warning("userinfo not fetched", extra={"why": failed.reason})
        return {}
    if answer.status != HTTPStatus.OK or not isinstance(answer.json, dict):
        log.warning("userinfo not answered", extra={"status": answer.status})
        return {}
    return answer.json


def _verified_email(claims: Mapping[str, Any]) -> str:
    """The address, when the provider has verified it: anybody can type in somebody else's.

    Spec: OpenID Connect Core 1.0 section 5.7 (an e-mail address identifies nobody).
    """
    address = claims.get("email")
    if claims.get("email_verified") is not True or not isinstance(address, str):
        return ""
    try:
        return accepted_email(address)
    except AccountError:
        return ""


def _name(value: Any) -> str:
    try:
        return accepted_name(value) if isinstance(value, str) else ""
    except AccountError:
        return ""


def _texts(value: Any, *, most: int, longest: int) -> tuple[str, ...]:
    """The texts of a list, or the one text, that can be stored and shown; each once."""
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list):
        return ()
    good = (
        one
        for one in values
        if isinstance(one, str) and 0 < len(one) <= longest and one.isprintable()
    )
    return tuple(dict.fromkeys(good))[:most]
