"""Judge what operators write about an identity provider; every problem at once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from authplane.accounts.models import User
from authplane.core.crypto import CryptoError
from authplane.core.fetch import FetchRefused, check_url
from broker.errors import Problem
from broker.models import IdentityProvider
from broker.providers.configuration import SCOPE, SECRET_NAME, shown
from broker.signin.secrets import seal_secret
from broker.upstream.reach import reach_of

MEMBERS: Final = (
    "slug", "display_name", "issuer", "client_id", "secret", "secret_ref",
    "token_endpoint_auth_method", "scopes", "include_groups_scope", "connector_id",
    "allowed_domains", "groups_claim", "role_map", "enabled",
)  # fmt: skip
SLUG: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
RESERVED_SLUGS: Final = frozenset({"local"})
"""`local` is what accounts with a password here say about themselves."""

DOMAIN: Final = re.compile(r"(?=.{1,253}\Z)[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?")
CONNECTOR: Final = re.compile(r"[A-Za-z0-9-]{0,64}")
CLAIM: Final = re.compile(r"[\x21-\x7e]{0,64}")
AUTH_METHODS: Final = ("", "client_secret_basic", "client_secret_post")
DEFAULT_SCOPES: Final = ("openid", "email", "profile")
MAX_NAME: Final = 255
MAX_TEXT: Final = 512
MAX_LIST: Final = 100
MAX_SECRET: Final = 4096


def apply_body(row: IdentityProvider, body: Mapping[str, Any]) -> list[Problem]:
    """The members of ``body`` are the row's; every problem of the result."""
    problems = [
        Problem(shown("", name), "is not a member of an identity provider")
        for name in sorted(set(body) - set(MEMBERS))
    ]
    _take_names(row, body, problems)
    _take_addresses(row, body, problems)
    _take_rules(row, body, problems)
    _take_secret(row, body, problems)
    return problems


def _take_names(row: IdentityProvider, body: Mapping[str, Any], problems: list[Problem]) -> None:
    slug = body.get("slug", row.slug)
    row.slug = slug.lower() if isinstance(slug, str) else ""
    if not SLUG.fullmatch(row.slug) or row.slug in RESERVED_SLUGS:
        problems.append(Problem("slug", "must be 1 to 64 of a-z, 0-9 and inner hyphens"))
    row.display_name = _text(body, "display_name", row.display_name)
    if not row.display_name.strip() or len(row.display_name) > MAX_NAME:
        problems.append(Problem("display_name", f"must be a text of 1 to {MAX_NAME} characters"))
    for name in ("enabled", "include_groups_scope"):
        value = body.get(name, getattr(row, name))
        if isinstance(value, bool):
            setattr(row, name, value)
        else:
            problems.append(Problem(name, "must be true or false"))


def _take_addresses(
    row: IdentityProvider, body: Mapping[str, Any], problems: list[Problem]
) -> None:
    row.issuer = _text(body, "issuer", row.issuer)
    row.client_id = _text(body, "client_id", row.client_id)
    row.connector_id = _text(body, "connector_id", row.connector_id)
    try:
        check_url(row.issuer, allow_http=reach_of(row.issuer).http)
    except FetchRefused as refused:
        problems.append(Problem("issuer", f"cannot be asked: {refused.reason}"))
    if "?" in row.issuer or len(row.issuer) > MAX_TEXT:
        # OpenID Connect Discovery 1.0 section 3: no query.
        problems.append(Problem("issuer", f"must be a URL of at most {MAX_TEXT} without a query"))
    if not row.client_id or len(row.client_id) > MAX_TEXT:
        problems.append(Problem("client_id", f"must be a text of 1 to {MAX_TEXT} characters"))
    if not CONNECTOR.fullmatch(row.connector_id):
        problems.append(Problem("connector_id", "must be at most 64 letters, digits and hyphens"))


def _take_rules(row: IdentityProvider, body: Mapping[str, Any], problems: list[Problem]) -> None:
    scopes = body.get("scopes", row.scopes or list(DEFAULT_SCOPES))
    if _is_list(scopes, SCOPE) and "openid" in scopes:
        row.scopes = list(dict.fromkeys(scopes))
    else:
        problems.append(Problem("scopes", "must be a list of scopes, openid among them"))
    domains = body.get("allowed_domains", row.allowed_domains)
    folded = _folded(domains)
    if _is_list(folded, DOMAIN):
        row.allowed_domains = list(dict.fromkeys(folded))
    else:
        problems.append(Problem("allowed_domains", "must be a list of domain names"))
    row.groups_claim = _text(body, "groups_claim", row.groups_claim)
    if not CLAIM.fullmatch(row.groups_claim):
        problems.append(Problem("groups_claim", "must be at most 64 characters without spaces"))
    roles = body.get("role_map", row.role_map)
    if _is_role_map(roles):
        row.role_map = dict(roles)
    else:
        known = ", ".join(User.Role.values)
        problems.append(Problem("role_map", f"must map groups to roles, which are: {known}"))


def _take_secret(row: IdentityProvider, body: Mapping[str, Any], problems: list[Problem]) -> None:
    row.secret_ref = _text(body, "secret_ref", row.secret_ref)
    if row.secret_ref and not SECRET_NAME.fullmatch(row.secret_ref):
        problems.append(Problem("secret_ref", "must name CONNECTOR_... or AUTHPLANE_VAULT_..."))
    row.token_endpoint_auth_method = _text(
        body, "token_endpoint_auth_method", row.token_endpoint_auth_method
    )
    if row.token_endpoint_auth_method not in AUTH_METHODS:
        problems.append(
            Problem("token_endpoint_auth_method", f"must be one of: {', '.join(AUTH_METHODS[1:])}")
        )
    if "secret" in body:
        secret = body["secret"]
        if secret is None:
            row.secret_sealed = None
        elif not isinstance(secret, str) or not 1 <= len(secret) <= MAX_SECRET:
            problems.append(Problem("secret", f"must be a text of 1 to {MAX_SECRET} characters"))
        else:
            _seal(row, secret, problems)
    if row.secret_ref and row.secret_sealed is not None:
        problems.append(Problem("secret", "and secret_ref exclude each other"))


def _seal(row: IdentityProvider, secret: str, problems: list[Problem]) -> None:
    try:
        row.secret_sealed = seal_secret(row, secret)
    except CryptoError as error:
        problems.append(Problem("secret", f"cannot be stored: {error}"))
    except UnicodeEncodeError:
        problems.append(Problem("secret", "must be valid text"))


def _text(body: Mapping[str, Any], name: str, present: str) -> str:
    """The member; "" for what is no text that can be shown and stored."""
    value = body.get(name, present)
    return value if isinstance(value, str) and value.isprintable() else ""


def _folded(values: Any) -> Any:
    if not isinstance(values, list):
        return values
    return [value.lower() if isinstance(value, str) else value for value in values]


def _is_list(values: Any, pattern: re.Pattern[str]) -> bool:
    return (
        isinstance(values, list)
        and len(values) <= MAX_LIST
        and all(isinstance(value, str) and pattern.fullmatch(value) for value in values)
    )


def _is_role_map(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and len(value) <= MAX_LIST
        and all(
            isinstance(group, str) and 0 < len(group) <= MAX_NAME and group.isprintable()
            for group in value
        )
        and all(role in User.Role.values for role in value.values())
    )
